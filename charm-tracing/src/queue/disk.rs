//! A file system in memory, for tests of the queue's promises when a real one fails.
//!
//! Each [`Disk`] stands for a process on a disk that it shares with others, see [`Disk::process`]. If a process dies,
//! its locks are released and nothing written is lost. A change can be refused, torn, or the last one of its process
//! ([`Fault`]), and [`Disk::record_moments`] keeps the disk as a crash before each change would leave it. The seed
//! decides where writes are torn.

mod contents;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::mem;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rustix::io::Errno;

pub(super) use self::contents::Chance;
pub(crate) use self::contents::Fault;
use self::contents::{Node, State};
use super::file_system::{Entry, FileSystem, Kind, Lock, Locking};

type Interruption = Option<(usize, Box<dyn FnOnce() + Send>)>;

/// A process and the disk that it uses. A clone is the same process.
#[derive(Clone)]
pub(crate) struct Disk {
    state: Arc<Mutex<State>>,
    /// A function to run in the middle of an operation of the queue.
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
    pub(crate) fn new(seed: u64) -> Self {
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

    /// Copies the disk as the next process finds it after all others have died.
    pub(super) fn survivors(&self) -> Self {
        Self::of(State { locks: BTreeMap::new(), fault: None, moments: None, ..self.state().clone() })
    }

    /// Puts a file or directory at the path, and replaces what was there.
    pub(super) fn put(&self, path: impl AsRef<Path>, kind: Kind, bytes: &[u8]) {
        self.state().insert(path.as_ref(), kind).bytes = bytes.to_vec();
    }

    pub(super) fn put_file(&self, path: impl AsRef<Path>, bytes: &[u8]) {
        self.put(path, Kind::File, bytes);
    }

    /// Returns the bytes of a file; `None` if there is no file.
    pub(super) fn get(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let state = self.state();
        state.nodes.get(path.as_ref()).filter(|node| node.kind == Kind::File).map(|node| node.bytes.clone())
    }

    /// Lists all paths except `/` and `/charm`.
    pub(crate) fn paths(&self) -> Vec<String> {
        let state = self.state();
        state.nodes.keys().skip(2).map(|path| path.display().to_string()).collect()
    }

    /// Makes the path another user's.
    pub(super) fn disown(&self, path: &str) {
        self.edit(path, |node| node.own = false);
    }

    /// Lets a file be removed no more, as the attribute "immutable" does.
    pub(crate) fn pin(&self, path: &str) {
        self.edit(path, |node| node.pinned = true);
    }

    /// Lets other users enter a directory.
    pub(super) fn publish(&self, path: &str) {
        self.edit(path, |node| node.private = false);
    }

    /// Replaces the root directory by another one.
    pub(super) fn change_root(&self) {
        self.edit("/", |node| node.id = u64::MAX);
    }

    fn edit(&self, path: &str, edit: impl FnOnce(&mut Node)) {
        edit(self.state().nodes.get_mut(Path::new(path)).expect("there is something"));
    }

    /// Makes all files two minutes older.
    pub(super) fn age(&self) {
        for node in self.state().nodes.values_mut() {
            node.modified -= Duration::from_secs(120);
        }
    }

    /// Sets the moment when a file was last written.
    pub(super) fn touch(&self, path: &str, modified: SystemTime) {
        self.edit(path, |node| node.modified = modified);
    }

    /// Sets how many bytes all files together may have.
    pub(crate) fn set_capacity(&self, bytes: usize) {
        self.state().capacity = bytes;
    }

    pub(crate) fn used(&self) -> usize {
        self.state().used()
    }

    pub(super) fn without_locks(self) -> Self {
        self.state().has_locks = false;
        self
    }

    /// Lets `changes` changes succeed before the fault happens.
    pub(crate) fn fail_after(&self, changes: usize, fault: Fault) {
        self.state().fault = Some((changes, fault));
    }

    pub(super) fn has_fault_to_come(&self) -> bool {
        self.state().fault.is_some()
    }

    pub(super) fn heal(&self) {
        self.state().fault = None;
    }

    /// Runs a function after `calls` calls of all processes, before the next call.
    pub(super) fn interrupt_after(&self, calls: usize, act: impl FnOnce() + Send + 'static) {
        *locked(&self.interruption) = Some((calls, Box::new(act)));
    }

    /// Removes the function. Returns true if it has not run.
    pub(super) fn take_interruption(&self) -> bool {
        locked(&self.interruption).take().is_some()
    }

    /// Records the disk before each change from now on, and in the middle of each write.
    pub(super) fn record_moments(&self) {
        self.state().moments = Some(Vec::new());
    }

    /// Returns the disks that crashes at the recorded moments would have left.
    pub(super) fn take_moments(&self) -> Vec<Self> {
        let moments = self.state().moments.as_mut().map(mem::take).unwrap_or_default();
        moments.into_iter().map(|state| Self::of(state).survivors()).collect()
    }

    /// Begins a call of this process; fails if the process is dead.
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

    /// Begins a call of this process that makes one atomic change.
    fn change(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.call()?;
        state.change(self.process)?;
        Ok(state)
    }
}

impl FileSystem for Disk {
    fn look(&self, path: &Path) -> io::Result<Option<Entry>> {
        let state = self.call()?;
        Ok(state.nodes.get(path).map(|node| {
            let Node { id, kind, own, private, pinned: _, modified, ref bytes } = *node;
            Entry { kind, own, private, len: bytes.len() as u64, modified, id: (0, id) }
        }))
    }

    fn list(&self, directory: &Path, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut state = self.call()?;
        state.node(directory, Kind::Directory)?;
        let files = state.children(directory).filter(|(_, node)| node.kind == Kind::File);
        files.for_each(|(name, _)| each(name.as_bytes()));
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

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.call()?;
        state.check_parent(path)?;
        if state.nodes.contains_key(path) {
            return Err(Errno::EXIST.into());
        }
        state.change(self.process)?;
        state.insert(path, Kind::File);
        if state.add(path, bytes, self.process)? {
            return Ok(());
        }
        state.remove(path)?;
        Err(Errno::NOSPC.into())
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.call()?;
        let len = state.node(path, Kind::File)?.bytes.len();
        let added = state.add(path, bytes, self.process);
        if matches!(added, Ok(true)) {
            return Ok(());
        }
        if !state.dead.contains(&self.process) {
            state.node(path, Kind::File)?.bytes.truncate(len);
        }
        added.and(Err(Errno::NOSPC.into()))
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
        let Node { id, modified, .. } = *state.node(path, Kind::File)?;
        if !state.has_locks {
            return Ok(Locking::Impossible);
        }
        let holder = *state.locks.entry(id).or_insert(self.process);
        let lock = || HeldLock { disk: self.clone(), id, modified };
        Ok(if holder == self.process { Locking::Taken(Box::new(lock())) } else { Locking::Held })
    }
}

#[derive(Debug)]
struct HeldLock {
    disk: Disk,
    id: u64,
    modified: SystemTime,
}

impl Lock for HeldLock {
    fn modified(&self) -> SystemTime {
        self.modified
    }

    fn touch(&self, now: SystemTime) -> io::Result<()> {
        let mut state = self.disk.change()?;
        if let Some(node) = state.nodes.values_mut().find(|node| node.id == self.id) {
            node.modified = now;
        }
        Ok(())
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.locks.get(&self.id) == Some(&self.disk.process) {
            state.locks.remove(&self.id);
        }
    }
}
