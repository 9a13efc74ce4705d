//! What is on the disk, and what goes wrong with it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;

use super::chance::Chance;
use super::contents::Contents;

/// What happens to a change instead of what should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::buffer) enum Fault {
    /// It is refused once, with this error.
    Refused(Errno),
    /// A write arrives in part, then this error; anything else is refused.
    Torn(Errno),
    /// It does not happen, nor does anything of this process from then on.
    Death,
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) contents: Contents,
    /// The open file that holds the advisory lock.
    pub(super) lock: Option<u64>,
    pub(super) opened: usize,
    pub(super) own: bool,
    /// The mark that the disk had when all of this was last on it.
    durable_at: u64,
}

type Names = BTreeMap<PathBuf, u64>;

#[derive(Debug, Clone)]
pub(super) struct State {
    nodes: BTreeMap<u64, Arc<Node>>,
    names: Names,
    /// What the names were, from when everything was on the disk to now.
    former_names: Vec<Names>,
    next_id: u64,
    capacity: usize,
    fault: Option<(usize, Fault)>,
    pub(super) dead: bool,
    /// Whether the processes that have used this disk still run.
    pub(super) processes_live: bool,
    pub(super) has_links: bool,
    /// Reads and changes.
    pub(super) operations: usize,
    changes: usize,
    mark: u64,
    /// What a crash at each moment would have left, if that is asked for.
    moments: Option<Vec<State>>,
    chance: Chance,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            nodes: BTreeMap::new(),
            names: Names::new(),
            former_names: vec![Names::new()],
            next_id: 1,
            capacity: usize::MAX,
            fault: None,
            dead: false,
            processes_live: true,
            has_links: true,
            operations: 0,
            changes: 0,
            mark: 0,
            moments: None,
            chance: Chance::of(seed),
        }
    }

    pub(super) fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn named(&self, path: &Path) -> Option<u64> {
        self.names.get(path).copied()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &PathBuf> {
        self.names.keys()
    }

    pub(super) fn node(&self, id: u64) -> io::Result<&Node> {
        self.nodes.get(&id).map(|node| &**node).ok_or_else(|| Errno::STALE.into())
    }

    pub(super) fn node_mut(&mut self, id: u64) -> io::Result<&mut Node> {
        self.nodes.get_mut(&id).map(Arc::make_mut).ok_or_else(|| Errno::STALE.into())
    }

    /// An error if the process is dead, which is then not there to see it.
    pub(super) fn alive(&self) -> io::Result<()> {
        if self.dead { Err(Errno::IO.into()) } else { Ok(()) }
    }

    /// Something is read.
    pub(super) fn read(&mut self) -> io::Result<()> {
        self.operations += 1;
        self.alive()
    }

    /// Something is about to change; an error if it does not.
    pub(super) fn change(&mut self) -> io::Result<()> {
        match self.next_change()? {
            None => Ok(()),
            Some(errno) => Err(errno.into()),
        }
    }

    /// The same, but a torn change is one that is made in part: its error is to be told afterwards.
    fn next_change(&mut self) -> io::Result<Option<Errno>> {
        self.read()?;
        self.changes += 1;
        self.keep_moment(|_| ());
        let Some((left, fault)) = self.fault else { return Ok(None) };
        if left > 0 {
            self.fault = Some((left - 1, fault));
            return Ok(None);
        }
        self.fault = None;
        match fault {
            Fault::Refused(errno) => Err(errno.into()),
            Fault::Torn(errno) => Ok(Some(errno)),
            Fault::Death => {
                self.dead = true;
                self.alive().map(|()| None)
            }
        }
    }

    pub(super) fn write(&mut self, id: u64, bytes: &[u8], offset: u64) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(|_| Errno::FBIG)?;
        let torn = self.next_change()?;
        let part = self.chance.below(bytes.len().max(1));
        if part > 0 {
            self.keep_moment(|torn| torn.put(id, &bytes[..part], offset));
        }
        if let Some(errno) = torn {
            self.put(id, &bytes[..part], offset);
            return Err(errno.into());
        }
        let used: usize = self.nodes.values().map(|node| node.contents.len()).sum();
        let there = self.node(id)?.contents.len().saturating_sub(offset);
        let fits = self.capacity.saturating_sub(used).saturating_add(there).min(bytes.len());
        self.put(id, &bytes[..fits], offset);
        if fits < bytes.len() { Err(Errno::NOSPC.into()) } else { Ok(()) }
    }

    fn put(&mut self, id: u64, bytes: &[u8], offset: usize) {
        if let Ok(node) = self.node_mut(id)
            && !bytes.is_empty()
        {
            node.contents.write(bytes, offset);
        }
    }

    pub(super) fn sync(&mut self, id: u64) -> io::Result<()> {
        self.change()?;
        let mark = self.mark;
        let node = self.node_mut(id)?;
        node.contents.sync();
        node.durable_at = mark;
        Ok(())
    }

    /// A new file with this name, which nothing has.
    pub(super) fn create(&mut self, path: &Path) -> io::Result<u64> {
        self.change()?;
        let id = self.fresh_id();
        let node =
            Node { contents: Contents::default(), lock: None, opened: 0, own: true, durable_at: self.mark };
        self.nodes.insert(id, Arc::new(node));
        self.rename_with(|names| {
            names.insert(path.to_owned(), id);
        });
        Ok(id)
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        if self.named(path).is_none() {
            return self.read();
        }
        self.change()?;
        self.rename_with(|names| {
            names.remove(path);
        });
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.change()?;
        let id = self.named(from).ok_or(Errno::NOENT)?;
        self.rename_with(|names| {
            names.remove(from);
            names.insert(to.to_owned(), id);
        });
        Ok(())
    }

    pub(super) fn link(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.remove(to)?;
        self.change()?;
        if !self.has_links {
            return Err(Errno::PERM.into());
        }
        let id = self.named(from).ok_or(Errno::NOENT)?;
        self.rename_with(|names| {
            names.insert(to.to_owned(), id);
        });
        Ok(())
    }

    fn rename_with(&mut self, change: impl FnOnce(&mut Names)) {
        change(&mut self.names);
        self.former_names.push(self.names.clone());
        self.forget_unreachable();
    }

    /// Files without a name that nobody has open, and to which no power cut leads back.
    pub(super) fn forget_unreachable(&mut self) {
        let named = |id: &u64| self.former_names.iter().flat_map(BTreeMap::values).any(|named| named == id);
        let gone: Vec<u64> = self
            .nodes
            .iter()
            .filter(|(id, node)| node.opened == 0 && !named(id))
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.nodes.remove(&id);
        }
    }

    fn keep_moment(&mut self, further: impl FnOnce(&mut Self)) {
        let Some(mut moments) = self.moments.take() else { return };
        let mut moment = self.clone();
        further(&mut moment);
        moments.push(moment);
        self.moments = Some(moments);
    }

    /// What is there when the processes that have used it are gone.
    pub(super) fn survivors(&self) -> Self {
        let mut state =
            Self { dead: false, fault: None, moments: None, processes_live: false, ..self.clone() };
        state.closed();
        state
    }

    /// The same disk for another course of events, in which its processes live on, but have nothing open.
    pub(super) fn fork(&self) -> Self {
        Self { processes_live: true, ..self.survivors() }
    }

    fn closed(&mut self) {
        for node in self.nodes.values_mut() {
            if node.lock.is_some() || node.opened > 0 {
                let node = Arc::make_mut(node);
                (node.lock, node.opened) = (None, 0);
            }
        }
        self.forget_unreachable();
    }

    pub(super) fn after_power_cut(&self, seed: u64) -> Self {
        let mut chance = Chance::of(seed);
        let mut state = self.survivors();
        let names = match chance.below(3) {
            0 => self.names.clone(),
            _ => self.former_names[chance.below(self.former_names.len())].clone(),
        };
        for node in state.nodes.values_mut() {
            let contents = node.contents.after_power_cut(&mut chance);
            Arc::make_mut(node).contents = contents;
        }
        state.former_names = vec![names.clone()];
        state.names = names;
        state.forget_unreachable();
        state
    }

    pub(super) fn settle(&mut self) {
        let mark = self.mark;
        for node in self.nodes.values_mut() {
            let node = Arc::make_mut(node);
            node.contents.sync();
            node.durable_at = mark;
        }
        self.former_names = vec![self.names.clone()];
        self.forget_unreachable();
    }

    pub(super) fn durable_at(&self, path: &Path) -> Option<u64> {
        Some(self.node(self.named(path)?).ok()?.durable_at)
    }
}

#[cfg(test)]
impl State {
    pub(super) fn set_mark(&mut self, mark: u64) {
        self.mark = mark;
    }

    pub(super) fn set_capacity(&mut self, bytes: usize) {
        self.capacity = bytes;
    }

    pub(super) fn set_fault(&mut self, after: usize, fault: Fault) {
        self.fault = Some((after, fault));
    }

    pub(super) fn has_fault_to_come(&self) -> bool {
        self.fault.is_some()
    }

    pub(super) fn changes(&self) -> usize {
        self.changes
    }

    pub(super) fn record_moments(&mut self) {
        self.moments = Some(Vec::new());
    }

    pub(super) fn take_moments(&mut self) -> Vec<State> {
        self.moments.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
