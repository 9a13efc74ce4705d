//! The journal of a dispatch: its recorded spans on disk, in case it is killed.
//!
//! A dispatch holds the lock of its charm's directory while it runs, so **a journal of the same unit that another dispatch left
//! belongs to one that was killed**. [`otlp::journal_format`](crate::otlp::journal_format) describes its contents.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::time::SystemTime;

use super::error::QueueError;
use super::file_system::{FileSystem, Lock, Locking};
use super::name::{TraceName, journal_name, trace_id_of_journal};
use super::state::Losses;
use super::waiting::{NewTrace, Queue, Stored};
use crate::otlp::journal_format::{Interrupted, interrupted};
use crate::recorder::{JournalFile, JournalStatus};
use crate::span::catch_panics;

/// The file that the dispatch with the journal locks. It is in the charm's directory, because this exists in every
/// dispatch, unlike a storage with the queue, and the charm does not unmount it.
const LOCK: &str = ".charm_tracing_lock";

/// The right of a dispatch to write a journal, and to recover those of its unit. No child process inherits it.
#[derive(Debug)]
pub(crate) struct UnitLock {
    _lock: Box<dyn Lock>,
}

/// The result of a search for the journals of killed dispatches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// The traces that were stored.
    pub(crate) traces: u32,
    /// Other traces that were dropped because of the limits. They are counted in `state`.
    pub(crate) dropped: u32,
}

/// The journal of the running dispatch, as a file of the queue.
#[derive(Debug)]
pub(crate) struct JournalOnDisk {
    path: PathBuf,
    fs: Arc<dyn FileSystem>,
    begun: bool,
    /// The process that writes; a forked child does not.
    pid: u32,
    _lock: UnitLock,
}

impl Queue {
    /// Takes the right to write a journal. `None` if another dispatch of the unit has it, or if locks are impossible
    /// here.
    pub(crate) fn lock_unit(&self, charm_dir: &Path) -> Option<UnitLock> {
        let file = std::path::absolute(charm_dir.join(LOCK)).ok()?;
        match self.fs.lock(&file) {
            Ok(Locking::Taken(lock)) => Some(UnitLock { _lock: lock }),
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

    /// Makes the journal of a dispatch of this unit. Its file is created by the first write.
    pub(crate) fn journal(&self, lock: UnitLock, unit: &str, trace_id: [u8; 16]) -> JournalOnDisk {
        let path = self.path.join(journal_name(unit, trace_id));
        JournalOnDisk { path, fs: Arc::clone(&self.fs), begun: false, pid: process::id(), _lock: lock }
    }

    /// Stores the traces that killed dispatches of this unit have left, and applies the limits, which such a dispatch
    /// may have left exceeded.
    pub(crate) fn recover(&self, _: &UnitLock, unit: &str, now: SystemTime) -> Result<Recovered, QueueError> {
        let (waiting, others) = self.list()?;
        let (mut traces, mut losses) = (0, Losses::default());
        for name in &others {
            let Some(trace_id) = trace_id_of_journal(unit, name) else { continue };
            match self.recover_one(&waiting, name, trace_id, now, &mut losses) {
                Ok(stored) => traces += u32::from(stored),
                Err(error) => log::debug!("cannot recover what a killed dispatch has left: {error}"),
            }
        }
        if self.exceeds_limit(waiting.len()) {
            let mut dropped = Vec::new();
            if let Err(error) = self.trim(&mut dropped) {
                log::debug!("cannot make the limits hold: {error}");
            }
            losses.dropped_traces += dropped.len() as u64;
        }
        self.add_losses(losses);
        Ok(Recovered { traces, dropped: u32::try_from(losses.dropped_traces).unwrap_or(u32::MAX) })
    }

    fn recover_one(
        &self,
        waiting: &BTreeSet<TraceName>,
        journal: &str,
        trace_id: [u8; 16],
        now: SystemTime,
        losses: &mut Losses,
    ) -> Result<bool, QueueError> {
        let path = self.path.join(journal);
        let bytes = match self.fs.read(&path) {
            // A journal of ours is never this large; the file is removed, or it would be there in every dispatch.
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Vec::new(),
            read => Self::io("read", &path, read)?,
        };
        let mut stored = false;
        // A journal that makes the reader panic is removed, because else every dispatch would panic.
        match catch_panics(|| interrupted(&bytes)).flatten() {
            None => losses.lost_traces += 1,
            Some(left) if self.is_stored(waiting, trace_id, left.root) => {}
            Some(Interrupted { request, .. }) => {
                let new = NewTrace { trace_id, idle: false, request: &request.as_slice() };
                match self.store(&new, now, false) {
                    Ok(Stored { dropped, .. }) => {
                        losses.dropped_traces += dropped.len() as u64;
                        stored = true;
                    }
                    // It is too large for the queue, so it is removed and counted.
                    Err(QueueError::TooLarge { .. }) => losses.lost_traces += 1,
                    Err(error) => return Err(error),
                }
            }
        }
        Self::io("remove", &path, self.fs.remove(&path))?;
        Ok(stored)
    }

    /// Returns true if a waiting trace contains this root span. The trace id alone is not enough, because dispatches
    /// with the same parent share it.
    fn is_stored(&self, waiting: &BTreeSet<TraceName>, trace_id: [u8; 16], root: [u8; 8]) -> bool {
        waiting.iter().filter(|name| name.trace_id() == trace_id).any(|name| {
            let request = self.fs.read(&self.file(*name)).unwrap_or_default();
            // Searches for the span's own id, not for a parent id.
            request.windows(2 + root.len()).any(|bytes| bytes[..2] == [0x12, 8] && bytes[2..] == root)
        })
    }
}

impl JournalFile for JournalOnDisk {
    fn append(&mut self, records: &[u8]) -> io::Result<()> {
        if self.pid != process::id() {
            return Err(io::Error::other("another process writes it"));
        }
        if self.begun {
            return self.fs.append(&self.path, records);
        }
        if self.fs.look(&self.path)?.is_some() {
            // The existing journal could not be recovered, and has the trace id of this dispatch.
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.fs.write(&self.path, &records)?;
        self.begun = true;
        Ok(())
    }

    fn status(&self) -> JournalStatus {
        if !self.begun {
            return JournalStatus::NotBegun;
        }
        match self.fs.look(&self.path) {
            Ok(Some(_)) => JournalStatus::Exists,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => JournalStatus::OutOfReach,
            Ok(None) | Err(_) => JournalStatus::Gone,
        }
    }

    fn remove(&mut self) {
        if self.begun
            && let Err(error) = self.fs.remove(&self.path)
        {
            log::debug!("cannot remove {}: {error}", self.path.display());
        }
        self.begun = false;
    }
}
