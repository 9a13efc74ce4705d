use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::error::QueueError;
use super::file_system::{Entry, FileSystem, Kind, Locking, RealFileSystem};
use super::name::{TraceName, is_part, millis};
use super::state::{Losses, State};
use crate::recorder::random;

/// The waiting traces on disk. The module describes its promises.
///
/// No file is read before the first operation, and none stays open after one.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(super) path: PathBuf,
    max_dispatches: usize,
    max_bytes: u64,
    pub(super) fs: Arc<dyn FileSystem>,
    /// The time at which the unit's last dispatch ended; `None` if it is not known, or a trace was stored since then.
    pub(super) last_end: Option<SystemTime>,
    /// The device and inode of the root directory when this was made.
    pub(super) root: Option<(u64, u64)>,
}

/// A trace to be stored.
#[derive(Clone, Copy)]
pub(crate) struct NewTrace<'a> {
    pub(crate) trace_id: [u8; 16],
    /// True if only the handler ran in its dispatch; such traces are dropped first.
    pub(crate) idle: bool,
    /// An OTLP `ExportTraceServiceRequest`.
    pub(crate) request: &'a [u8],
}

/// Traces that were dropped because of the limits, or of a full disk.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) names: Vec<TraceName>,
    /// The losses that these traces would have reported.
    pub(crate) reported: Losses,
}

impl Dropped {
    /// Returns what the next trace reports because of them.
    pub(super) fn losses(&self) -> Losses {
        Losses { dropped_traces: self.names.len() as u64, ..Losses::default() }.plus(self.reported)
    }
}

const STATE: &str = "state";
const SENDING: &str = "sending";
pub(super) const PART: &str = "part";
/// The age after which a `.part` was left by a process that died, because writing a file takes less time.
const LONGEST_WRITE: Duration = Duration::from_secs(60);
/// The size up to which a trace is small, in bytes. If all are small, their number alone may show that they are within
/// the limit.
pub(super) const SMALL: u64 = 64 * 1024;
/// The size of a block on the disk, in bytes; a file takes a whole number of blocks.
const BLOCK: u64 = 4096;

impl Queue {
    /// Describes the queue in this directory; a relative path is below the current directory of the process. At least one trace
    /// may wait, and all of them together may have this number of bytes.
    pub(crate) fn new(path: PathBuf, max_dispatches: u32, max_bytes: u64) -> Self {
        Self::on(Arc::new(RealFileSystem), path, max_dispatches, max_bytes)
    }

    /// Like [`new`](Self::new), on another file system.
    pub(super) fn on(fs: Arc<dyn FileSystem>, path: PathBuf, max_dispatches: u32, max_bytes: u64) -> Self {
        // No slash at the end, because with one a link would be followed.
        let path: PathBuf = std::path::absolute(&path).unwrap_or(path).components().collect();
        let root = fs.root();
        let max_dispatches = usize::try_from(max_dispatches).unwrap_or(usize::MAX);
        Self { path, max_dispatches, max_bytes, fs, last_end: None, root }
    }

    /// Returns the same queue in another directory.
    pub(super) fn in_directory(&self, path: PathBuf) -> Self {
        Self { path, fs: Arc::clone(&self.fs), ..*self }
    }

    /// Stores a trace after all others. The limits do not apply before [`trim`](Self::trim).
    ///
    /// If the disk is full, other traces make room for it, and are added to `make_room`; with `None` they do not, so that no
    /// trace is dropped just before it could be sent.
    ///
    /// # Errors
    ///
    /// Returns [`QueueError::TooLarge`] if the trace alone is beyond the limit, and other errors if it cannot be
    /// written. In both cases it is not stored.
    pub(crate) fn store(
        &self,
        new: &NewTrace<'_>,
        now: SystemTime,
        make_room: Option<&mut Dropped>,
    ) -> Result<TraceName, QueueError> {
        let (size, limit) = (new.request.len() as u64, self.max_bytes);
        if size > limit {
            return Err(QueueError::TooLarge { size, limit });
        }
        let mut stamp = millis(now);
        if self.last_end.is_none_or(|last| now < last) {
            // A clock that was set back does not change the order.
            stamp = stamp.max(self.list()?.0.last().map_or(0, |newest| newest.stamp() + 1));
        }
        match make_room {
            Some(dropped) => self.write_making_room(stamp, new, dropped),
            None => self.write(stamp, new),
        }
    }

    /// Writes the file of a trace. If the disk is full, drops as many other traces as the new one needs.
    fn write_making_room(
        &self,
        stamp: u64,
        new: &NewTrace<'_>,
        dropped: &mut Dropped,
    ) -> Result<TraceName, QueueError> {
        let full = match self.write(stamp, new) {
            Err(full) if full.is_full() => full,
            written => return written,
        };
        let len = new.request.len() as u64;
        let mut victims = Vec::new();
        for name in self.waiting()?.into_iter().filter(|name| name.is_idle() || !new.idle) {
            victims.push((name, self.size(name)?.next_multiple_of(BLOCK)));
        }
        let room: u64 = victims.iter().map(|(_, size)| size).sum();
        if room < len {
            return Err(full);
        }
        // Idle ones first; the order among equals stays.
        victims.sort_by_key(|(name, _)| !name.is_idle());
        let mut freed = 0;
        for (victim, size) in victims {
            // One that cannot be removed is left.
            let Ok(()) = self.drop_trace(victim, dropped) else { continue };
            freed += size;
            match self.write(stamp, new) {
                Err(full) if full.is_full() && freed < len + 16 * BLOCK => {}
                written => return written,
            }
        }
        Err(full)
    }

    /// Removes a trace, and counts it and the losses that it would have reported.
    fn drop_trace(&self, name: TraceName, dropped: &mut Dropped) -> Result<(), QueueError> {
        let request = self.fs.read(&self.file(name)).unwrap_or_default();
        if self.remove(name)? {
            dropped.names.push(name);
            dropped.reported = dropped.reported.plus(Losses::reported_by(&request));
        }
        Ok(())
    }

    /// Writes the file of a trace.
    pub(super) fn write(&self, stamp: u64, new: &NewTrace<'_>) -> Result<TraceName, QueueError> {
        if new.request.len() as u64 > SMALL {
            // A state that cannot be read or written counts as one with a large trace.
            match self.state() {
                Ok(state) if !state.large => _ = self.set_state(&State { large: true, ..state }),
                _ => {}
            }
        }
        let name = TraceName::new(stamp, new.trace_id, new.idle, crc32fast::hash(new.request));
        self.write_whole(&self.file(name), new.request)?;
        Ok(name)
    }

    /// Writes a file, and replaces the one at this path; it is complete before it is there.
    fn write_whole(&self, path: &Path, bytes: &[u8]) -> Result<(), QueueError> {
        let part = self.path.join(format!("{:016x}.{PART}", random()));
        Self::io("write", &part, self.fs.write(&part, bytes))?;
        Self::io("rename", &part, self.fs.rename(&part, path))
    }

    /// Applies the limits: drops idle traces first, then the oldest, as far as necessary. Returns the remaining waiting
    /// traces, oldest first.
    ///
    /// # Errors
    ///
    /// Returns the first error. A trace that cannot be removed is left beyond the limits, and keeps no other from being dropped.
    pub(crate) fn trim(&self, dropped: &mut Dropped) -> Result<Vec<TraceName>, QueueError> {
        let mut waiting = self.waiting()?;
        let mut sizes = self.sizes_that_matter(&waiting)?;
        let mut bytes: u64 = sizes.values().sum();
        let mut first_error = None;
        while !waiting.is_empty() && (waiting.len() > self.max_dispatches || bytes > self.max_bytes) {
            let oldest_idle = waiting.iter().position(TraceName::is_idle);
            let victim = waiting.remove(oldest_idle.unwrap_or(0));
            bytes -= sizes.remove(&victim).unwrap_or(0);
            if let Err(error) = self.drop_trace(victim, dropped) {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(waiting), Err)
    }

    /// Returns the sizes of these traces. Returns an empty map if they cannot exceed the limit, because reading each
    /// size takes longer than all other steps.
    fn sizes_that_matter(&self, waiting: &[TraceName]) -> Result<BTreeMap<TraceName, u64>, QueueError> {
        // If the state cannot be read, there may be a large trace.
        let mut state = self.state().unwrap_or_else(|_| State { large: true, ..State::default() });
        let mut sizes = BTreeMap::new();
        if state.large || waiting.len() as u64 * SMALL > self.max_bytes {
            for name in waiting {
                sizes.insert(*name, self.size(*name)?);
            }
            if state.large && sizes.values().all(|size| *size <= SMALL) {
                state.large = false;
                // If this fails, the next dispatch reads the sizes again.
                let _ = self.set_state(&state);
            }
        }
        Ok(sizes)
    }

    /// Returns the size of a waiting trace in bytes; 0 if it is gone.
    pub(crate) fn size(&self, name: TraceName) -> Result<u64, QueueError> {
        Ok(self.look(&self.file(name))?.map_or(0, |entry| entry.len))
    }

    /// Lists the waiting traces, oldest first. Removes incomplete files of processes that died.
    pub(crate) fn waiting(&self) -> Result<Vec<TraceName>, QueueError> {
        let (waiting, others) = self.list()?;
        for part in others.iter().filter(|name| is_part(name)) {
            let path = self.path.join(part);
            let found = self.fs.look(&path).ok().flatten();
            if found.is_some_and(|entry| entry.kind == Kind::File && is_old(entry.modified)) {
                // One that cannot be removed is left.
                let _ = self.fs.remove(&path);
            }
        }
        Ok(waiting)
    }

    /// Lists the directory: the traces, oldest first, and the names of all other files.
    pub(super) fn list(&self) -> Result<(Vec<TraceName>, Vec<String>), QueueError> {
        // With room for as many as usually may wait, the list does not grow.
        let (mut waiting, mut others) = (Vec::with_capacity(128), Vec::new());
        let listed = self.fs.list(&self.path, &mut |name| {
            if let Some(name) = TraceName::parse(name) {
                waiting.push(name);
            } else if let Ok(name) = std::str::from_utf8(name) {
                others.push(name.to_owned());
            }
        });
        Self::io("list", &self.path, listed)?;
        waiting.sort_unstable();
        // A file that is renamed meanwhile may be listed twice.
        waiting.dedup();
        Ok((waiting, others))
    }

    /// Reads a waiting trace. Returns `None` if its file is gone. A damaged file is removed and added to `damaged`.
    pub(crate) fn read(&self, name: TraceName, damaged: &mut u64) -> Result<Option<Vec<u8>>, QueueError> {
        let path = self.file(name);
        let request = match self.fs.read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => Self::io("read", &path, read)?,
        };
        if name.has_crc32(crc32fast::hash(&request)) {
            return Ok(Some(request));
        }
        log::debug!("{} is damaged", path.display());
        *damaged += u64::from(self.remove(name)?);
        Ok(None)
    }

    /// Removes a trace that was delivered, or that never can be. Returns false if it was already gone.
    pub(crate) fn remove(&self, name: TraceName) -> Result<bool, QueueError> {
        let path = self.file(name);
        Self::io("remove", &path, self.fs.remove(&path))
    }

    /// Replaces a trace by its rest, after parts of it were delivered. Returns its new name.
    pub(crate) fn replace(&self, name: TraceName, rest: &[u8]) -> Result<TraceName, QueueError> {
        let rest = NewTrace { trace_id: name.trace_id(), idle: name.is_idle(), request: rest };
        let new = self.write(name.stamp(), &rest)?;
        if new != name && !self.remove(name)? {
            // Another dispatch has dropped it meanwhile.
            self.remove(new)?;
        }
        Ok(new)
    }

    /// Takes the right to send, which is held until the lock is dropped.
    pub(crate) fn lock_sending(&self) -> Result<Locking, QueueError> {
        let path = self.path.join(SENDING);
        match Self::io("open", &path, self.fs.lock(&path)) {
            // The disk is full, and sending frees space.
            Err(error) if error.is_full() => Ok(Locking::Impossible),
            locked => locked,
        }
    }

    /// Reads the state that earlier dispatches have left.
    pub(crate) fn state(&self) -> Result<State, QueueError> {
        let path = self.path.join(STATE);
        match self.fs.read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(State::default()),
            read => Ok(State::parse(&String::from_utf8_lossy(&Self::io("read", &path, read)?))),
        }
    }

    /// Adds losses to the state that no report contains.
    pub(super) fn add_losses(&self, losses: Losses) {
        if losses == Losses::default() {
            return;
        }
        let added = self.state().and_then(|mut state| {
            state.losses = state.losses.plus(losses);
            self.set_state(&state)
        });
        if let Err(error) = added {
            log::debug!("cannot count what was lost: {error}");
        }
    }

    /// Writes the state for the next dispatches.
    pub(crate) fn set_state(&self, state: &State) -> Result<(), QueueError> {
        let path = self.path.join(STATE);
        if *state == State::default() {
            return Self::io("remove", &path, self.fs.remove(&path)).map(drop);
        }
        self.write_whole(&path, state.to_string().as_bytes())
    }

    pub(super) fn file(&self, name: TraceName) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn look(&self, path: &Path) -> Result<Option<Entry>, QueueError> {
        Self::io("look at", path, self.fs.look(path))
    }

    pub(super) fn io<T>(action: &'static str, path: &Path, result: io::Result<T>) -> Result<T, QueueError> {
        result.map_err(|source| QueueError::Io { action, path: path.to_owned(), source })
    }
}

/// Returns true if a file was written more than a minute ago. A time in the future counts as old, because the clock may
/// have been set back.
fn is_old(modified: SystemTime) -> bool {
    let now = SystemTime::now();
    let age = now.duration_since(modified).unwrap_or_else(|ahead| ahead.duration());
    age > LONGEST_WRITE
}
