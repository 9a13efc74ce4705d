//! A file system in memory, for the tests of what the queue promises when a real one fails.
//!
//! Each [`Disk`] stands for a process on a disk that it shares with others, see [`Disk::process`]. The death of a process costs
//! nothing that was written but frees its locks. A change can be refused, torn, or the last one of its process ([`Fault`]), and
//! [`Disk::record_moments`] keeps the disk as a crash before each change would leave it. The seed decides where writes are torn.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rustix::io::Errno;

use super::file_system::{Entry, FileSystem, Kind, Lock, Locking};
use crate::encode::Contents;
use crate::recorder::split_mix;

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number from 0 to one less than `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(split_mix(&mut self.0) % bound.max(1) as u64).unwrap_or(0)
    }
}

/// A failure that takes the place of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The change is refused with this error.
    Refused(Errno),
    /// A write leaves a part of its bytes and fails with this error. Any other change is refused.
    Torn(Errno),
    /// The process dies before the change.
    Death,
}

#[derive(Debug, Clone)]
struct Node {
    id: u64,
    kind: Kind,
    own: bool,
    private: bool,
    bytes: Vec<u8>,
    modified: SystemTime,
}

#[derive(Debug, Clone)]
struct State {
    nodes: BTreeMap<PathBuf, Node>,
    /// The process that holds the lock of a file, by the id of the file.
    locks: BTreeMap<u64, u64>,
    has_locks: bool,
    dead: BTreeSet<u64>,
    /// The number of the newest file or process.
    last_id: u64,
    capacity: usize,
    fault: Option<(usize, Fault)>,
    moments: Option<Vec<State>>,
    chance: Chance,
}

type Interruption = Option<(usize, Box<dyn FnOnce() + Send>)>;

/// A process and the disk that it uses. A clone is the same process.
#[derive(Clone)]
pub(super) struct Disk {
    state: Arc<Mutex<State>>,
    /// Something to do in the middle of an operation of the queue.
    interruption: Arc<Mutex<Interruption>>,
    process: u64,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Disk").field(&self.process).finish()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// Makes a disk with an empty directory `/charm`.
    pub(super) fn new(seed: u64) -> Self {
        let disk = Self::of(State {
            nodes: BTreeMap::new(),
            locks: BTreeMap::new(),
            has_locks: true,
            dead: BTreeSet::new(),
            last_id: 0,
            capacity: usize::MAX,
            fault: None,
            moments: None,
            chance: Chance::new(seed),
        });
        disk.put("/", Kind::Directory, b"");
        disk.put("/charm", Kind::Directory, b"");
        disk
    }

    fn of(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)), interruption: Arc::default(), process: 0 }.process()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    /// Starts another process on this disk.
    pub(super) fn process(&self) -> Self {
        Self { process: self.state().fresh_id(), ..self.clone() }
    }

    /// Ends this process.
    pub(super) fn die(&self) {
        self.state().kill(self.process);
    }

    pub(super) fn is_dead(&self) -> bool {
        self.state().dead.contains(&self.process)
    }

    /// Copies the disk as the next process finds it when all others have died.
    pub(super) fn survivors(&self) -> Self {
        Self::of(State { locks: BTreeMap::new(), fault: None, moments: None, ..self.state().clone() })
    }

    /// Puts something there, in the place of what is there.
    pub(super) fn put(&self, path: impl AsRef<Path>, kind: Kind, bytes: &[u8]) {
        self.state().insert(path.as_ref(), kind).bytes = bytes.to_vec();
    }

    pub(super) fn put_file(&self, path: impl AsRef<Path>, bytes: &[u8]) {
        self.put(path, Kind::File, bytes);
    }

    /// Returns the bytes of a file.
    pub(super) fn get(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let state = self.state();
        state.nodes.get(path.as_ref()).filter(|node| node.kind == Kind::File).map(|node| node.bytes.clone())
    }

    /// Lists the paths of all that is there, without `/` and `/charm`.
    pub(super) fn paths(&self) -> Vec<String> {
        let state = self.state();
        state.nodes.keys().skip(2).map(|path| path.display().to_string()).collect()
    }

    /// Makes something another user's.
    pub(super) fn disown(&self, path: &str) {
        self.edit(path, |node| node.own = false);
    }

    /// Lets other users enter a directory.
    pub(super) fn publish(&self, path: &str) {
        self.edit(path, |node| node.private = false);
    }

    /// Puts another root directory in the place of this one.
    pub(super) fn change_root(&self) {
        self.edit("/", |node| node.id = u64::MAX);
    }

    fn edit(&self, path: &str, edit: impl FnOnce(&mut Node)) {
        edit(self.state().nodes.get_mut(Path::new(path)).expect("there is something"));
    }

    /// Makes all files two minutes older.
    pub(super) fn age(&self) {
        for node in self.state().nodes.values_mut() {
            node.modified -= Duration::from_mins(2);
        }
    }

    /// Sets how many bytes all files together may have.
    pub(super) fn set_capacity(&self, bytes: usize) {
        self.state().capacity = bytes;
    }

    pub(super) fn used(&self) -> usize {
        self.state().used()
    }

    pub(super) fn without_locks(self) -> Self {
        self.state().has_locks = false;
        self
    }

    /// Lets so many changes pass before one goes wrong.
    pub(super) fn fail_after(&self, changes: usize, fault: Fault) {
        self.state().fault = Some((changes, fault));
    }

    pub(super) fn has_fault_to_come(&self) -> bool {
        self.state().fault.is_some()
    }

    pub(super) fn heal(&self) {
        self.state().fault = None;
    }

    /// Runs a function after so many calls of the processes, before the next call.
    pub(super) fn interrupt_after(&self, calls: usize, act: impl FnOnce() + Send + 'static) {
        *locked(&self.interruption) = Some((calls, Box::new(act)));
    }

    /// Forgets the function. Returns true if it has not run.
    pub(super) fn take_interruption(&self) -> bool {
        locked(&self.interruption).take().is_some()
    }

    /// Keeps the disk as it is before each change from now on, and in the middle of each write.
    pub(super) fn record_moments(&self) {
        self.state().moments = Some(Vec::new());
    }

    /// Returns the disks that crashes at the recorded moments would have left.
    pub(super) fn take_moments(&self) -> Vec<Self> {
        let moments = self.state().moments.as_mut().map(mem::take).unwrap_or_default();
        moments.into_iter().map(|state| Self::of(state).survivors()).collect()
    }

    /// Begins a call of this process.
    fn call(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut interruption = locked(&self.interruption);
        if let Some((0, act)) = interruption.take_if(|(calls, _)| *calls == 0) {
            drop(interruption);
            act();
        } else if let Some((calls, _)) = &mut *interruption {
            *calls -= 1;
        }
        let state = self.state();
        if state.dead.contains(&self.process) { Err(Errno::IO.into()) } else { Ok(state) }
    }

    /// Begins a call of this process that changes something in one step.
    fn change(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.call()?;
        state.change(self.process)?;
        Ok(state)
    }
}

impl State {
    fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn kill(&mut self, process: u64) {
        self.dead.insert(process);
        self.locks.retain(|_, holder| *holder != process);
    }

    fn insert(&mut self, path: &Path, kind: Kind) -> &mut Node {
        let (id, modified) = (self.fresh_id(), SystemTime::now());
        let node = Node { id, kind, own: true, private: true, bytes: Vec::new(), modified };
        self.nodes.entry(path.to_owned()).insert_entry(node).into_mut()
    }

    fn used(&self) -> usize {
        self.nodes.values().map(|node| node.bytes.len()).sum()
    }

    fn keep_moment(&mut self, change: impl FnOnce(&mut Self)) {
        if let Some(mut moments) = self.moments.take() {
            let mut moment = self.clone();
            change(&mut moment);
            moments.push(moment);
            self.moments = Some(moments);
        }
    }

    /// Announces a change that is made in one step.
    fn change(&mut self, process: u64) -> io::Result<()> {
        self.change_or_tear(process)?.map_or(Ok(()), Err)
    }

    /// Announces a change. The inner error is for a change that is made in part.
    fn change_or_tear(&mut self, process: u64) -> io::Result<Option<io::Error>> {
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

    fn node(&mut self, path: &Path, kind: Kind) -> io::Result<&mut Node> {
        let wrong = if kind == Kind::Directory { Errno::NOTDIR } else { Errno::LOOP };
        let node = self.nodes.get_mut(path).ok_or(Errno::NOENT)?;
        if node.kind == kind { Ok(node) } else { Err(wrong.into()) }
    }

    /// Fails if nothing can be made in the directory of this path.
    fn check_parent(&mut self, path: &Path) -> io::Result<()> {
        self.node(path.parent().unwrap_or(path), Kind::Directory).map(drop)
    }

    /// Adds as many bytes to a file as fit. Returns false if those are not all.
    fn add(&mut self, path: &Path, bytes: &[u8], process: u64) -> io::Result<bool> {
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

    fn put_bytes(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let node = self.node(path, Kind::File)?;
        node.bytes.extend_from_slice(bytes);
        node.modified = SystemTime::now();
        Ok(())
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        if self.nodes.get(path).is_some_and(|node| node.kind == Kind::Directory) {
            return Err(Errno::ISDIR.into());
        }
        self.nodes.remove(path);
        Ok(())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
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

    fn children(&self, directory: &Path) -> impl Iterator<Item = (String, &Node)> {
        let below = self.nodes.iter().filter(move |(path, _)| path.parent() == Some(directory));
        below.filter_map(|(path, node)| Some((path.file_name()?.to_str()?.to_owned(), node)))
    }
}

impl FileSystem for Disk {
    fn look(&self, path: &Path) -> io::Result<Option<Entry>> {
        let state = self.call()?;
        Ok(state.nodes.get(path).map(|node| {
            let Node { id, kind, own, private, modified, ref bytes } = *node;
            Entry { kind, own, private, len: bytes.len() as u64, modified, id: (0, id) }
        }))
    }

    fn list(&self, directory: &Path, each: &mut dyn FnMut(&str)) -> io::Result<()> {
        let mut state = self.call()?;
        state.node(directory, Kind::Directory)?;
        let files = state.children(directory).filter(|(_, node)| node.kind == Kind::File);
        files.for_each(|(name, _)| each(&name));
        Ok(())
    }

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        state.check_parent(path)?;
        if state.nodes.contains_key(path) {
            return Err(Errno::EXIST.into());
        }
        state.insert(path, Kind::Directory);
        Ok(())
    }

    fn make_parents(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        for path in path.ancestors() {
            if !state.nodes.contains_key(path) {
                state.insert(path, Kind::Directory).private = false;
            }
        }
        Ok(())
    }

    fn make_private(&self, directory: &Path) -> io::Result<()> {
        self.change()?.node(directory, Kind::Directory)?.private = true;
        Ok(())
    }

    fn write(&self, path: &Path, contents: &dyn Contents) -> io::Result<()> {
        let mut state = self.call()?;
        state.check_parent(path)?;
        if state.nodes.contains_key(path) {
            state.change(self.process)?;
            state.remove(path)?;
        }
        state.change(self.process)?;
        state.insert(path, Kind::File);
        if state.add(path, &contents.to_vec(), self.process)? {
            return Ok(());
        }
        state.remove(path)?;
        Err(Errno::NOSPC.into())
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.call()?;
        state.node(path, Kind::File)?;
        if state.add(path, bytes, self.process)? { Ok(()) } else { Err(Errno::NOSPC.into()) }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Ok(self.call()?.node(path, Kind::File)?.bytes.clone())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change()?.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<bool> {
        if !self.call()?.nodes.contains_key(path) {
            return Ok(false);
        }
        let mut state = self.state();
        state.change(self.process)?;
        state.remove(path).map(|()| true)
    }

    fn lock(&self, path: &Path) -> io::Result<Locking> {
        let mut state = self.call()?;
        if !state.nodes.contains_key(path) {
            state.check_parent(path)?;
            state.change(self.process)?;
            state.insert(path, Kind::File);
        }
        let id = state.node(path, Kind::File)?.id;
        if !state.has_locks {
            return Ok(Locking::Impossible);
        }
        let holder = *state.locks.entry(id).or_insert(self.process);
        let lock = || HeldLock { disk: self.clone(), id };
        Ok(if holder == self.process { Locking::Taken(Box::new(lock())) } else { Locking::Held })
    }
}

#[derive(Debug)]
struct HeldLock {
    disk: Disk,
    id: u64,
}

impl Lock for HeldLock {}

impl Drop for HeldLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.locks.get(&self.id) == Some(&self.disk.process) {
            state.locks.remove(&self.id);
        }
    }
}
