//! The contents of the disk, and the failure that its next changes meet.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::io::Errno;

use super::super::file_system::Kind;
use crate::recorder::split_mix;

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub(in crate::queue) struct Chance(u64);

impl Chance {
    pub(in crate::queue) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number from 0 to one less than `bound`.
    pub(in crate::queue) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(split_mix(&mut self.0) % bound.max(1) as u64).unwrap_or(0)
    }
}

/// A failure that takes the place of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The change is refused with this error.
    Refused(Errno),
    /// A write leaves a part of its bytes and fails with this error. Any other change is refused.
    Torn(Errno),
    /// The process dies before the change.
    Death,
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) id: u64,
    pub(super) kind: Kind,
    pub(super) own: bool,
    /// True if it cannot be removed.
    pub(super) pinned: bool,
    pub(super) private: bool,
    pub(super) bytes: Vec<u8>,
    pub(super) modified: SystemTime,
}

#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) nodes: BTreeMap<PathBuf, Node>,
    /// The process that holds the lock of a file, by the id of the file.
    pub(super) locks: BTreeMap<u64, u64>,
    pub(super) has_locks: bool,
    pub(super) dead: BTreeSet<u64>,
    /// The number of the newest file or process.
    pub(super) last_id: u64,
    pub(super) capacity: usize,
    pub(super) fault: Option<(usize, Fault)>,
    pub(super) moments: Option<Vec<State>>,
    pub(super) chance: Chance,
}

impl State {
    pub(super) fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn kill(&mut self, process: u64) {
        self.dead.insert(process);
        self.locks.retain(|_, holder| *holder != process);
    }

    pub(super) fn insert(&mut self, path: &Path, kind: Kind) -> &mut Node {
        let (id, modified) = (self.fresh_id(), SystemTime::now());
        let node = Node { id, kind, own: true, pinned: false, private: true, bytes: Vec::new(), modified };
        self.nodes.remove(path);
        self.nodes.entry(path.to_owned()).or_insert(node)
    }

    pub(super) fn used(&self) -> usize {
        self.nodes.values().map(|node| node.bytes.len()).sum()
    }

    pub(super) fn keep_moment(&mut self, change: impl FnOnce(&mut Self)) {
        if let Some(mut moments) = self.moments.take() {
            let mut moment = self.clone();
            change(&mut moment);
            moments.push(moment);
            self.moments = Some(moments);
        }
    }

    /// Announces a change that is made in one step.
    pub(super) fn change(&mut self, process: u64) -> io::Result<()> {
        self.change_or_tear(process)?.map_or(Ok(()), Err)
    }

    /// Announces a change. The inner error is for a change that is made in part.
    pub(super) fn change_or_tear(&mut self, process: u64) -> io::Result<Option<io::Error>> {
        self.keep_moment(|_| ());
        match self.fault.take() {
            None => Ok(None),
            Some((0, Fault::Refused(errno))) => Err(errno.into()),
            Some((0, Fault::Torn(errno))) => Ok(Some(errno.into())),
            Some((0, Fault::Death)) => {
                self.kill(process);
                Err(Errno::IO.into())
            }
            Some((changes, fault)) => {
                self.fault = Some((changes - 1, fault));
                Ok(None)
            }
        }
    }

    pub(super) fn node(&mut self, path: &Path, kind: Kind) -> io::Result<&mut Node> {
        let wrong = if kind == Kind::Directory { Errno::NOTDIR } else { Errno::LOOP };
        let node = self.nodes.get_mut(path).ok_or(Errno::NOENT)?;
        if node.kind == kind { Ok(node) } else { Err(wrong.into()) }
    }

    /// Fails if nothing can be made in the directory of this path.
    pub(super) fn check_parent(&mut self, path: &Path) -> io::Result<()> {
        self.node(path.parent().unwrap_or(path), Kind::Directory).map(drop)
    }

    /// Adds as many bytes to a file as fit. Returns false if those are not all.
    pub(super) fn add(&mut self, path: &Path, bytes: &[u8], process: u64) -> io::Result<bool> {
        let torn = self.change_or_tear(process)?;
        let part = self.chance.below(bytes.len());
        self.keep_moment(|state| _ = state.put_bytes(path, &bytes[..part]));
        if let Some(error) = torn {
            self.put_bytes(path, &bytes[..part])?;
            return Err(error);
        }
        let fits = self.capacity.saturating_sub(self.used()).min(bytes.len());
        self.put_bytes(path, &bytes[..fits])?;
        Ok(fits == bytes.len())
    }

    pub(super) fn put_bytes(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let node = self.node(path, Kind::File)?;
        node.bytes.extend_from_slice(bytes);
        node.modified = SystemTime::now();
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        if self.nodes.get(path).is_some_and(|node| node.kind == Kind::Directory) {
            return Err(Errno::ISDIR.into());
        }
        if self.nodes.get(path).is_some_and(|node| node.pinned) {
            return Err(Errno::PERM.into());
        }
        self.nodes.remove(path);
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.check_parent(to)?;
        let kind = self.nodes.get(from).ok_or(Errno::NOENT)?.kind;
        match self.nodes.get(to).map(|node| node.kind) {
            Some(Kind::Directory) if kind != Kind::Directory => return Err(Errno::ISDIR.into()),
            Some(Kind::Directory) if self.children(to).count() > 0 => return Err(Errno::NOTEMPTY.into()),
            Some(Kind::File | Kind::Link | Kind::Other) if kind == Kind::Directory => {
                return Err(Errno::NOTDIR.into());
            }
            _ => {}
        }
        let nodes = mem::take(&mut self.nodes);
        let moved = |path: PathBuf| match path.strip_prefix(from) {
            Ok(rest) if rest.as_os_str().is_empty() => to.to_owned(),
            Ok(rest) => to.join(rest),
            Err(_) => path,
        };
        let (from_here, stays): (Vec<_>, Vec<_>) =
            nodes.into_iter().partition(|(path, _)| path.starts_with(from));
        self.nodes =
            stays.into_iter().chain(from_here.into_iter().map(|(path, node)| (moved(path), node))).collect();
        Ok(())
    }

    pub(super) fn children(&self, directory: &Path) -> impl Iterator<Item = (String, &Node)> {
        let below = self.nodes.iter().filter(move |(path, _)| path.parent() == Some(directory));
        below.filter_map(|(path, node)| Some((path.file_name()?.to_str()?.to_owned(), node)))
    }
}
