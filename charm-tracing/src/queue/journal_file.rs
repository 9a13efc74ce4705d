//! The journal of a dispatch: its recorded spans on disk, in case it is killed.
//!
//! A dispatch holds the lock of its charm's directory while it runs, so **a journal of the same unit that another dispatch left
//! belongs to one that was killed**. [`otlp::journal_format`](crate::otlp::journal_format) describes its contents.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::error::QueueError;
use super::file_system::{FileSystem, Lock, Locking};
use super::name::{TraceName, journal_name, number_of_journal};
use super::state::Losses;
use super::waiting::{Dropped, NewTrace, Queue};
use crate::otlp::journal_format::{Interrupted, interrupted};
use crate::recorder::{JournalFile, JournalStatus, globals};
use crate::span::catch_panics;

/// The file that the dispatch with the journal locks. It is in the charm's directory, because this exists in every
/// dispatch, unlike a storage with the queue, and the charm does not unmount it.
const LOCK: &str = ".charm_tracing_lock";

/// The right of a dispatch to write a journal, and to recover those of its unit. No child process inherits it.
#[derive(Debug)]
pub(crate) struct UnitLock(pub(super) Box<dyn Lock>);

/// The result of a search for the journals of killed dispatches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// The number of traces that were stored.
    pub(crate) traces: u32,
    /// The number of other traces that were dropped because of the limits. They are counted in `state`.
    pub(crate) dropped: u32,
    /// The number of the next journal: 0 if none is left.
    pub(crate) next_journal: u32,
}

/// The journal of the running dispatch, as a file of the queue.
#[derive(Debug)]
pub(crate) struct JournalOnDisk {
    path: PathBuf,
    fs: Arc<dyn FileSystem>,
    begun: bool,
    lock: UnitLock,
}

impl Queue {
    /// Takes the right to write a journal. `None` if another dispatch of the unit has it, or if locks are impossible
    /// here.
    pub(crate) fn lock_unit(&self, charm_dir: &Path) -> Option<UnitLock> {
        let file = std::path::absolute(charm_dir.join(LOCK)).ok()?;
        let why = match self.fs.lock(&file) {
            Ok(Locking::Taken(lock)) => return Some(UnitLock(lock)),
            Ok(not_taken) => format!("{not_taken:?}"),
            Err(error) => error.to_string(),
        };
        log::debug!("no journal is written: cannot lock {}: {why}", file.display());
        None
    }

    /// Makes the journal of a dispatch of this unit, with the number from [`recover`](Self::recover). Its file is created by
    /// the first write.
    pub(crate) fn journal(&self, lock: UnitLock, unit: &str, number: u32) -> JournalOnDisk {
        let path = self.path.join(journal_name(unit, number));
        JournalOnDisk { path, fs: Arc::clone(&self.fs), begun: false, lock }
    }

    /// Stores the traces that killed dispatches of this unit have left.
    ///
    /// Journal 0 is stored last, and only if no other is left. So if there is no journal 0, there is none, and the directory
    /// need not be listed.
    ///
    /// The limits are applied before and not after it, so that none is dropped if this dispatch can send. A unit that is
    /// killed again and again leaves two traces beyond them at most.
    pub(crate) fn recover(
        &mut self,
        lock: &UnitLock,
        unit: &str,
        now: SystemTime,
    ) -> Result<Recovered, QueueError> {
        let mut recovered = Recovered::default();
        if self.look(&self.path.join(journal_name(unit, 0)))?.is_none() {
            // Nothing was stored since then, at least by this unit.
            self.last_end = Some(lock.0.modified());
            return Ok(recovered);
        }
        let mut dropped = Dropped::default();
        if let Err(error) = self.trim(&mut dropped) {
            log::debug!("cannot make the limits hold: {error}");
        }
        recovered.dropped = u32::try_from(dropped.names.len()).unwrap_or(u32::MAX);
        self.add_losses(dropped.losses());
        let mut losses = Losses::default();
        let (waiting, others) = self.list()?;
        let mut journals: Vec<_> = others.iter().filter_map(|name| number_of_journal(unit, name)).collect();
        journals.sort_unstable();
        for number in journals.into_iter().rev() {
            if number == 0 && recovered.next_journal > 0 {
                break;
            }
            match self.recover_one(&waiting, &journal_name(unit, number), now, &mut losses) {
                Ok(stored) => recovered.traces += u32::from(stored),
                Err(error) => {
                    log::debug!("cannot recover what a killed dispatch has left: {error}");
                    recovered.next_journal = recovered.next_journal.max(number.saturating_add(1));
                }
            }
        }
        self.add_losses(losses);
        Ok(recovered)
    }

    /// Stores the trace of a journal, and removes the journal. Returns false if there is no trace, or it waits already.
    fn recover_one(
        &self,
        waiting: &[TraceName],
        journal: &str,
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
            Some(left) if self.is_stored(waiting, left.trace_id, left.root) => {}
            Some(Interrupted { request, trace_id, .. }) => {
                let new = NewTrace { trace_id, idle: false, request: &request };
                match self.store(&new, now, None) {
                    Ok(_) => stored = true,
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
    fn is_stored(&self, waiting: &[TraceName], trace_id: [u8; 16], root: [u8; 8]) -> bool {
        waiting.iter().filter(|name| name.trace_id() == trace_id).any(|name| {
            let request = self.fs.read(&self.file(*name)).unwrap_or_default();
            // Searches for the span's own id, not for a parent id.
            request.windows(2 + root.len()).any(|bytes| bytes[..2] == [0x12, 8] && bytes[2..] == root)
        })
    }
}

impl JournalFile for JournalOnDisk {
    fn append(&mut self, records: &[u8]) -> io::Result<()> {
        if globals::is_of_another_process() {
            return Err(io::Error::other("another process writes it"));
        }
        if self.begun {
            return self.fs.append(&self.path, records);
        }
        self.fs.write(&self.path, records)?;
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
        if std::mem::take(&mut self.begun) {
            if let Err(error) = self.fs.remove(&self.path) {
                log::debug!("cannot remove {}: {error}", self.path.display());
            }
        }
        let UnitLock(lock) = &self.lock;
        let now = SystemTime::now();
        // If the clock was set back, the next dispatches must notice it as well.
        if lock.modified() <= now {
            if let Err(error) = lock.touch(now) {
                log::debug!("cannot leave the time at which this dispatch ended: {error}");
            }
        }
    }
}
