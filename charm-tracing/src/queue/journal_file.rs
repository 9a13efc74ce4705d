//! The journal of a dispatch: its recorded spans on disk, in case it is killed.
//!
//! A dispatch holds the lock of its charm's directory while it runs, so **a journal of the same unit that another dispatch left
//! belongs to one that was killed**. [`otlp::journal_format`](crate::otlp::journal_format) describes its contents.

use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::time::SystemTime;

use rustix::io::Errno;

use super::error::QueueError;
use super::file_system::{FileSystem, Lock, Locking};
use super::name::journal_name;
use super::state::Losses;
use super::waiting::{Dropped, NewTrace, Queue};
use crate::otlp::journal_format::{Interrupted, interrupted};
use crate::recorder::{JournalFile, JournalStatus};
use crate::span::catch_panics;

/// The file that the dispatch with the journal locks. It is in the charm's directory, because this exists in every
/// dispatch, unlike a storage with the queue, and the charm does not unmount it.
const LOCK: &str = ".charm_tracing_lock";

/// The right of a dispatch to write the journal of its unit, and to recover the one that is there. No child process
/// inherits it.
#[derive(Debug)]
pub(crate) struct UnitLock {
    /// The journal's file.
    path: PathBuf,
    _lock: Box<dyn Lock>,
}

/// The result of a search for the journal of a killed dispatch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// The number of traces that were stored: 0 or 1.
    pub(crate) traces: u32,
    /// The number of other traces that were dropped because of the limits. They are counted in `state`.
    pub(crate) dropped: u32,
}

/// The journal of the running dispatch, as a file of the queue.
#[derive(Debug)]
pub(crate) struct JournalOnDisk {
    fs: Arc<dyn FileSystem>,
    begun: bool,
    /// The process that writes; a forked child does not.
    pid: u32,
    lock: UnitLock,
}

impl Queue {
    /// Takes the right to write the journal of a unit. `None` if another dispatch of the unit has it, or if locks are
    /// impossible here.
    pub(crate) fn lock_unit(&self, charm_dir: &Path, unit: &str, model_uuid: &str) -> Option<UnitLock> {
        let file = std::path::absolute(charm_dir.join(LOCK)).ok()?;
        let path = self.path.join(journal_name(unit, model_uuid));
        match self.fs.lock(&file) {
            Ok(Locking::Taken(lock)) => Some(UnitLock { path, _lock: lock }),
            Ok(why @ (Locking::Held | Locking::Impossible)) => {
                log::debug!("no journal is written: {} cannot be locked: {why:?}", file.display());
                None
            }
            Err(error) => {
                log::debug!("no journal is written: cannot open {}: {error}", file.display());
                None
            }
        }
    }

    /// Makes the journal of this dispatch. Its file is created by the first write.
    pub(crate) fn journal(&self, lock: UnitLock) -> JournalOnDisk {
        JournalOnDisk { fs: Arc::clone(&self.fs), begun: false, pid: process::id(), lock }
    }

    /// Stores the trace that a killed dispatch of this unit has left, if it has left one.
    ///
    /// # Errors
    ///
    /// The journal is still there: it cannot be read, stored or removed now.
    pub(crate) fn recover(
        &self,
        UnitLock { path, .. }: &UnitLock,
        now: SystemTime,
    ) -> Result<Recovered, QueueError> {
        let journal = match self.fs.read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Recovered::default()),
            // It is no journal of ours: a link, a pipe, another user's file, or larger than any. It is removed, or it would be
            // there in every dispatch.
            Err(error) if is_no_journal(&error) => Vec::new(),
            read => Self::io("read", path, read)?,
        };
        let (mut recovered, mut losses) = (Recovered::default(), Losses::default());
        // A journal that makes the reader panic is removed, because else every dispatch would panic.
        match catch_panics(|| interrupted(&journal)).flatten() {
            None => losses.lost_traces = 1,
            Some(left) if self.is_stored(&left)? => {}
            Some(Interrupted { request, trace_id, .. }) => {
                let new = NewTrace { trace_id, idle: false, request: &request };
                // The limits are applied before and not after it, so that none is dropped if this dispatch can send. A unit
                // that is killed again and again leaves two traces beyond them at most.
                let mut dropped = Dropped::default();
                self.trim(&mut dropped)?;
                self.add_losses(dropped.losses());
                recovered.dropped = u32::try_from(dropped.names.len()).unwrap_or(u32::MAX);
                match self.store(&new, now, true) {
                    Ok(_) => recovered.traces = 1,
                    // It is too large for the queue, so it is removed and counted.
                    Err(QueueError::TooLarge { .. }) => losses.lost_traces = 1,
                    Err(error) => return Err(error),
                }
            }
        }
        self.add_losses(losses);
        Self::io("remove", path, self.fs.remove(path))?;
        Ok(recovered)
    }

    /// Returns true if a waiting trace contains this root span. The trace id alone is not enough, because dispatches
    /// with the same parent share it.
    fn is_stored(&self, Interrupted { trace_id, root, .. }: &Interrupted) -> Result<bool, QueueError> {
        let (waiting, _) = self.list()?;
        Ok(waiting.iter().filter(|name| name.trace_id() == *trace_id).any(|name| {
            let request = self.fs.read(&self.file(*name)).unwrap_or_default();
            // Searches for the span's own id, not for a parent id.
            request.windows(2 + root.len()).any(|bytes| bytes[..2] == [0x12, 8] && bytes[2..] == *root)
        }))
    }
}

/// Returns true for the error of reading a file that another dispatch cannot read either.
fn is_no_journal(error: &io::Error) -> bool {
    // An error of `FileSystem` itself has no number: the file is not regular, or too large.
    matches!(Errno::from_io_error(error), None | Some(Errno::ACCESS | Errno::LOOP))
}

impl JournalFile for JournalOnDisk {
    fn append(&mut self, records: &[u8]) -> io::Result<()> {
        if self.pid != process::id() {
            return Err(io::Error::other("another process writes it"));
        }
        if self.begun {
            return self.fs.append(&self.lock.path, records);
        }
        if self.fs.look(&self.lock.path)?.is_some() {
            // Somebody has put it there meanwhile.
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.fs.write(&self.lock.path, records)?;
        self.begun = true;
        Ok(())
    }

    fn status(&self) -> JournalStatus {
        if !self.begun {
            return JournalStatus::NotBegun;
        }
        match self.fs.look(&self.lock.path) {
            Ok(Some(_)) => JournalStatus::Exists,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => JournalStatus::OutOfReach,
            Ok(None) | Err(_) => JournalStatus::Gone,
        }
    }

    fn remove(&mut self) {
        if self.begun
            && let Err(error) = self.fs.remove(&self.lock.path)
        {
            log::debug!("cannot remove {}: {error}", self.lock.path.display());
        }
        self.begun = false;
    }
}
