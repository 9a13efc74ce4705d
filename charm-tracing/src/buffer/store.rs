use std::mem;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::error::BufferError;
use super::fs::{BufferFile, FileSystem, RealFileSystem, is_wrong_kind};
use super::header::{Backoff, Lease, Losses};
use super::ledger::{Ledger, Limits};
use super::record::{NewRecord, Progress, RECORD_HEADER, Record, RecordHeader, to_millis};

/// Where the queue is and how much it may hold.
#[derive(Debug, Clone)]
pub(crate) struct BufferConfig {
    /// The file; its parent directories are made.
    pub(crate) path: PathBuf,
    /// Dispatches kept at most; at least 1.
    pub(crate) max_dispatches: u32,
    /// Bytes of live records kept at most. The file itself may be up to twice as large, and 64 KiB, before its dead
    /// records are cleared out.
    pub(crate) max_bytes: u64,
    /// How long an operation waits for another process to finish its own.
    pub(crate) lock_wait: Duration,
}

/// The queue of traces on disk. See the module for what it promises.
///
/// Nothing is opened before the first operation. Threads may share one, or have one each.
#[derive(Debug)]
pub(crate) struct Buffer {
    config: BufferConfig,
    fs: Box<dyn FileSystem>,
    file: Mutex<Option<Box<dyn BufferFile>>>,
    /// Size of the one record that may exceed the limits until [`Buffer::trim`]; 0 for none.
    beyond: AtomicU64,
}

/// What adding a trace did to the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    /// Records that the limits cost, this one included.
    pub(crate) evicted: usize,
    /// The sequence number under which this trace waits. None for a boring one when there is only room for the
    /// interesting ones.
    pub(crate) kept_as: Option<u64>,
}

/// The right to send the queue, until it is released or its time is over.
#[derive(Debug)]
#[must_use = "the queue is not sent by anybody else until the lease is released"]
pub(crate) struct DrainLease(Lease);

impl Buffer {
    pub(crate) fn new(config: BufferConfig) -> Self {
        Self::with_file_system(config, Box::new(RealFileSystem))
    }

    pub(super) fn with_file_system(config: BufferConfig, fs: Box<dyn FileSystem>) -> Self {
        Self { config, fs, file: Mutex::new(None), beyond: AtomicU64::new(0) }
    }

    /// The file that holds the queue.
    #[cfg(test)]
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.config.path
    }

    /// Stores a trace behind all others.
    ///
    /// # Errors
    ///
    /// [`BufferError::TooLarge`] if the trace alone exceeds the limit; the others if the file cannot be used. In all
    /// cases the trace is not stored, and what was stored before still is.
    pub(crate) fn append(&self, new: &NewRecord<'_>, now: SystemTime) -> Result<Appended, BufferError> {
        let (limit, size) = (self.config.max_bytes, size(new));
        if size > limit {
            return Err(BufferError::TooLarge { size, limit });
        }
        self.locked("write", |ledger| {
            let sequence = ledger.hint.next_sequence;
            let Some(header) = RecordHeader::of(new, sequence, to_millis(now)) else {
                return Err(std::io::ErrorKind::FileTooLarge.into());
            };
            ledger.append(new, &header)?;
            let kept_as = (!ledger.evicted.contains(&sequence)).then_some(sequence);
            Ok(Appended { evicted: ledger.evicted.len(), kept_as })
        })
    }

    /// Stores a trace that is about to be sent with all others. Nothing is dropped for its sake until [`trim`](Self::trim):
    /// it would be a loss in the very moment in which the queue may become empty.
    ///
    /// # Errors
    ///
    /// As for [`append`](Self::append).
    pub(crate) fn append_to_send(
        &self,
        new: &NewRecord<'_>,
        now: SystemTime,
    ) -> Result<Appended, BufferError> {
        self.beyond.store(size(new), Ordering::Relaxed);
        self.append(new, now)
    }

    /// Makes the limits hold after [`append_to_send`](Self::append_to_send); the sequence numbers of what was dropped.
    pub(crate) fn trim(&self) -> Result<Vec<u64>, BufferError> {
        self.beyond.store(0, Ordering::Relaxed);
        self.locked("write", |ledger| Ok(mem::take(&mut ledger.evicted)))
    }

    /// The record that has waited longest, or none when the queue is empty.
    pub(crate) fn oldest(&self) -> Result<Option<Record>, BufferError> {
        self.locked("read", |ledger: &mut Ledger<'_>| ledger.oldest())
    }

    /// Removes a record that was delivered, or that never can be. False if it was gone already.
    pub(crate) fn acknowledge(&self, record: &Record) -> Result<bool, BufferError> {
        self.locked("write", |ledger| ledger.remove(record))
    }

    /// Remembers how much of a record was delivered. False if it is gone already.
    #[cfg_attr(not(test), expect(dead_code, reason = "delivery in parts comes next"))]
    pub(crate) fn set_progress(&self, record: &Record, progress: Progress) -> Result<bool, BufferError> {
        self.locked("write", |ledger| ledger.set_progress(record, progress))
    }

    /// Number of records that wait.
    pub(crate) fn waiting(&self) -> Result<u32, BufferError> {
        self.locked("read", |ledger| Ok(ledger.hint.live_records))
    }

    /// Takes the right to send the queue, for at most a minute; none if a living process has it.
    pub(crate) fn claim_drain(
        &self,
        now: SystemTime,
        time: Duration,
    ) -> Result<Option<DrainLease>, BufferError> {
        static TOKENS: AtomicU32 = AtomicU32::new(1);

        let token = TOKENS.fetch_add(1, Ordering::Relaxed);
        let now = to_millis(now);
        let until = now.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let lease = Lease { pid: std::process::id(), token, until };
        let claimed = self.locked("write", |ledger| ledger.claim(lease, now))?;
        Ok(claimed.then_some(DrainLease(lease)))
    }

    /// Gives the right back, unless somebody else has it by now.
    #[expect(clippy::needless_pass_by_value, reason = "a released lease is of no more use")]
    pub(crate) fn release_drain(&self, lease: DrainLease) -> Result<(), BufferError> {
        self.locked("write", |ledger| {
            let held = ledger.hint.lease;
            if (held.pid, held.token) == (lease.0.pid, lease.0.token) {
                ledger.hint.lease = Lease::default();
                ledger.write_hint()?;
            }
            Ok(())
        })
    }

    /// What the last attempts to send left for this one to know.
    pub(crate) fn backoff(&self) -> Result<Backoff, BufferError> {
        self.locked("read", |ledger| Ok(ledger.hint.backoff))
    }

    pub(crate) fn set_backoff(&self, backoff: Backoff) -> Result<(), BufferError> {
        self.locked("write", |ledger| {
            ledger.hint.backoff = backoff;
            ledger.write_hint()
        })
    }

    /// What was lost and not told yet. What the limits cost is counted here, the rest by [`note_losses`](Self::note_losses).
    pub(crate) fn losses(&self) -> Result<Losses, BufferError> {
        self.locked("read", |ledger| Ok(ledger.hint.losses))
    }

    /// Counts what was lost, and no more what a trace has told.
    pub(crate) fn note_losses(&self, more: Losses, told: Losses) -> Result<(), BufferError> {
        self.locked("write", |ledger| {
            ledger.hint.losses = ledger.hint.losses.minus(told).plus(more);
            ledger.write_hint()
        })
    }

    /// Runs one operation on the file that has the path now, locked.
    fn locked<T>(
        &self,
        action: &'static str,
        operation: impl FnOnce(&mut Ledger<'_>) -> std::io::Result<T>,
    ) -> Result<T, BufferError> {
        let path = &self.config.path;
        let failed = |source| BufferError::Io { action, path: path.clone(), source };
        let mut slot = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, len) = self.lock_current(&mut slot)?;
        let beyond = self.beyond.load(Ordering::Relaxed);
        let limits = Limits {
            max_records: self.config.max_dispatches.max(1).saturating_add(u32::from(beyond > 0)),
            max_bytes: self.config.max_bytes.saturating_add(beyond),
        };
        let result = Ledger::load(&*self.fs, file, path, limits, len)
            .and_then(|mut ledger| operation(&mut ledger))
            .map_err(failed);
        if file.unlock().is_err() {
            // Closing it unlocks it too.
            *slot = None;
        }
        result
    }

    /// Opens the file if need be and locks it, until the file that is locked is the one that the path names.
    fn lock_current<'a>(
        &self,
        slot: &'a mut Option<Box<dyn BufferFile>>,
    ) -> Result<(&'a mut Box<dyn BufferFile>, u64), BufferError> {
        let path = &self.config.path;
        let failed = |source| BufferError::Open { path: path.clone(), source };
        let started = Instant::now();
        let mut pause = Duration::from_micros(100);
        loop {
            let file = match slot.take() {
                Some(file) => file,
                None => self.open()?,
            };
            if file.try_lock().map_err(failed)? {
                let facts = file.facts().map_err(failed)?;
                if self.fs.identity(path).map_err(failed)? == Some(facts.id) {
                    return Ok((slot.insert(file), facts.len));
                }
                // Replaced or removed since it was opened. Dropping it unlocks it.
            } else {
                *slot = Some(file);
            }
            let waited = started.elapsed();
            if waited >= self.config.lock_wait {
                return Err(BufferError::Busy { path: path.clone(), waited: self.config.lock_wait });
            }
            if slot.is_some() {
                std::thread::sleep(pause.min(self.config.lock_wait.saturating_sub(waited)));
                pause = (pause * 2).min(Duration::from_millis(5));
            }
        }
    }

    fn open(&self) -> Result<Box<dyn BufferFile>, BufferError> {
        let path = || self.config.path.clone();
        let failed = |source| BufferError::Open { path: path(), source };
        let file = match self.fs.open(&self.config.path) {
            Err(error) if is_wrong_kind(&error) => return Err(BufferError::NotAFile { path: path() }),
            opened => opened.map_err(failed)?,
        };
        let facts = file.facts().map_err(failed)?;
        if !facts.regular {
            return Err(BufferError::NotAFile { path: path() });
        }
        if !facts.own {
            return Err(BufferError::OtherOwner { path: path() });
        }
        if !facts.private {
            file.make_private().map_err(failed)?;
        }
        Ok(file)
    }
}

/// What a record takes of the file.
fn size(new: &NewRecord<'_>) -> u64 {
    new.payload.len() as u64 + RECORD_HEADER as u64
}
