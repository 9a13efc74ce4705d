use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::error::BufferError;
use super::flight::FlightFile;
use super::fs::{BufferFile, Facts, FileSystem, RealFileSystem, is_wrong_kind};
use super::header::{Backoff, Closing, Hint, Lease, Losses};
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
    /// What was stored longer ago is dropped.
    pub(crate) max_age: Duration,
    /// How long all operations together wait for other processes to finish theirs; to begin a flight, a fifth of that and not
    /// counted among it.
    pub(crate) lock_wait: Duration,
}

/// The queue of traces on disk. See the module for what it promises.
///
/// Nothing is opened before the first operation. Threads may share one, or have one each.
#[derive(Debug)]
pub(crate) struct Buffer {
    pub(super) config: BufferConfig,
    pub(super) fs: Box<dyn FileSystem>,
    file: Mutex<Option<Box<dyn BufferFile>>>,
    /// The process that has it open: one that was forked off shares its lock, and must open it anew.
    pub(super) opened_by: AtomicU32,
    /// Where the trace is that will be appended next.
    pub(super) flight: Mutex<Option<FlightFile>>,
    /// How long this one has waited for others, in microseconds.
    waited: AtomicU64,
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

/// What earlier dispatches have left to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Legacy {
    /// What was lost and not told yet. What the limits cost is counted by the buffer itself, the rest by
    /// [`Buffer::note_losses`].
    pub(crate) losses: Losses,
    /// There may be [`Buffer::forsaken_flights`].
    pub(crate) forsaken: bool,
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
        Self {
            config,
            fs,
            file: Mutex::new(None),
            flight: Mutex::new(None),
            opened_by: AtomicU32::new(0),
            waited: AtomicU64::new(0),
            beyond: AtomicU64::new(0),
        }
    }

    pub(super) fn file_system(&self) -> &dyn FileSystem {
        &*self.fs
    }

    /// The file that holds the queue.
    #[cfg(test)]
    pub(crate) fn path(&self) -> &Path {
        &self.config.path
    }

    /// Stores a trace behind all others, and empties the flight that has [`landed`](Self::land).
    ///
    /// # Errors
    ///
    /// [`BufferError::TooLarge`] if the trace alone exceeds the limit; the others if the file cannot be used. In all
    /// cases the trace is not stored, and what was stored before still is.
    pub(crate) fn append(&self, new: &NewRecord<'_>, now: SystemTime) -> Result<Appended, BufferError> {
        let mut landed = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
        let mut appended = self.append_of(new, now, landed.as_mut());
        if let (Err(BufferError::Io { .. }), Some(flight)) = (&appended, landed.as_mut())
            && flight.clear().is_ok()
        {
            // The disk may have been full of what is now to be stored.
            appended = self.append_of(new, now, None);
        } else if appended.is_ok() {
            *landed = None;
        }
        appended
    }

    fn append_of(
        &self,
        new: &NewRecord<'_>,
        now: SystemTime,
        flight: Option<&mut FlightFile>,
    ) -> Result<Appended, BufferError> {
        let (limit, size) = (self.config.max_bytes, size(new));
        if size > limit {
            return Err(BufferError::TooLarge { size, limit });
        }
        self.locked("write", |ledger| self.append_to(ledger, new, now, flight))
    }

    pub(super) fn append_to(
        &self,
        ledger: &mut Ledger<'_>,
        new: &NewRecord<'_>,
        now: SystemTime,
        flight: Option<&mut FlightFile>,
    ) -> io::Result<Appended> {
        let max_age = u64::try_from(self.config.max_age.as_millis()).unwrap_or(u64::MAX);
        if let Err(error) = ledger.expire(to_millis(now).saturating_sub(max_age)) {
            log::debug!("cannot drop old traces from {}: {error}", self.config.path.display());
        }
        let sequence = ledger.hint.next_sequence;
        let mut header =
            RecordHeader::of(new, sequence, to_millis(now)).ok_or(io::ErrorKind::FileTooLarge)?;
        header.flown = flight.is_some();
        let closing = flight.as_ref().map(|flight| Closing { id: flight.id, slot: flight.slot });
        ledger.append(new, &header, closing.unwrap_or_default())?;
        if let Some(flight) = flight
            && let Err(error) = flight.clear().and_then(|()| ledger.closed())
        {
            // The next operation does it.
            log::debug!("cannot empty a flight of {}: {error}", self.config.path.display());
        }
        let kept_as = (!ledger.evicted.contains(&sequence)).then_some(sequence);
        Ok(Appended { evicted: ledger.evicted.len(), kept_as })
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

    /// What earlier dispatches have left to be done.
    pub(crate) fn legacy(&self) -> Result<Legacy, BufferError> {
        self.locked("read", |ledger| {
            let Hint { losses, slots, .. } = ledger.hint;
            Ok(Legacy { losses, forsaken: slots > 1 })
        })
    }

    /// Counts what was lost, and no more what a trace has told.
    pub(crate) fn note_losses(&self, more: Losses, told: Losses) -> Result<(), BufferError> {
        self.locked("write", |ledger| {
            ledger.hint.losses = ledger.hint.losses.minus(told).plus(more);
            ledger.write_hint()
        })
    }

    /// Runs one operation on the file that has the path now, locked. All of them together wait for others as long as the
    /// limit says.
    pub(super) fn locked<T>(
        &self,
        action: &'static str,
        operation: impl FnOnce(&mut Ledger<'_>) -> io::Result<T>,
    ) -> Result<T, BufferError> {
        self.run(self.lock_patiently()?, action, operation)
    }

    /// The same with a limit of its own for the time that it waits for others, which does not count.
    pub(super) fn locked_within<T>(
        &self,
        patience: Duration,
        action: &'static str,
        operation: impl FnOnce(&mut Ledger<'_>) -> io::Result<T>,
    ) -> Result<T, BufferError> {
        self.run(self.lock(self.opened(), patience)?, action, operation)
    }

    fn run<T>(
        &self,
        mut locked: Locked<'_>,
        action: &'static str,
        operation: impl FnOnce(&mut Ledger<'_>) -> io::Result<T>,
    ) -> Result<T, BufferError> {
        let result = self.load(&mut locked).and_then(|mut ledger| operation(&mut ledger));
        result.map_err(|source| BufferError::Io { action, path: self.config.path.clone(), source })
    }

    fn load<'a>(&'a self, locked: &'a mut Locked<'_>) -> io::Result<Ledger<'a>> {
        let beyond = self.beyond.load(Ordering::Relaxed);
        let limits = Limits {
            max_records: self.config.max_dispatches.max(1).saturating_add(u32::from(beyond > 0)),
            max_bytes: self.config.max_bytes.saturating_add(beyond),
        };
        let Locked { opened, len } = locked;
        let file = opened.as_mut().ok_or(io::ErrorKind::NotFound)?;
        Ledger::load(&*self.fs, file, &self.config.path, limits, *len)
    }

    /// Closes the file until the next operation, so that the charm does not find it among its own.
    pub(crate) fn close(&self) {
        *self.opened() = None;
    }

    pub(super) fn opened(&self) -> MutexGuard<'_, Option<Box<dyn BufferFile>>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_patiently(&self) -> Result<Locked<'_>, BufferError> {
        let before = Duration::from_micros(self.waited.load(Ordering::Relaxed));
        let left = self.config.lock_wait.saturating_sub(before);
        let opened = self.opened();
        let started = Instant::now();
        let locked = self.lock(opened, left);
        let waited = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.waited.fetch_add(waited, Ordering::Relaxed);
        locked
    }

    /// Opens the file if need be and locks it, until the file that is locked is the one that the path names.
    fn lock<'a>(
        &self,
        mut opened: MutexGuard<'a, Option<Box<dyn BufferFile>>>,
        patience: Duration,
    ) -> Result<Locked<'a>, BufferError> {
        let path = &self.config.path;
        let failed = |source| BufferError::Open { path: path.clone(), source };
        let started = Instant::now();
        let mut pause = Duration::from_micros(100);
        let process = std::process::id();
        if self.opened_by.swap(process, Ordering::Relaxed) != process {
            *opened = None;
        }
        loop {
            let file = match opened.take() {
                Some(file) => file,
                None => self.open(path)?.0,
            };
            if file.try_lock().map_err(failed)? {
                let facts = file.facts().map_err(failed)?;
                if self.fs.identity(path).map_err(failed)? == Some(facts.id) {
                    *opened = Some(file);
                    return Ok(Locked { opened, len: facts.len });
                }
                // Replaced or removed since it was opened. Dropping it unlocks it.
                continue;
            }
            *opened = Some(file);
            let waited = started.elapsed();
            if waited >= patience {
                return Err(BufferError::Busy { path: path.clone(), waited: self.config.lock_wait });
            }
            std::thread::sleep(pause.min(patience.saturating_sub(waited)));
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }

    pub(super) fn open(&self, path: &Path) -> Result<(Box<dyn BufferFile>, Facts), BufferError> {
        let path = || path.to_owned();
        let failed = |source| BufferError::Open { path: path(), source };
        let file = match self.fs.open(&path()) {
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
        Ok((file, facts))
    }
}

/// The file that has the path, until this is dropped: neither another thread nor another process has it.
struct Locked<'a> {
    opened: MutexGuard<'a, Option<Box<dyn BufferFile>>>,
    len: u64,
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if self.opened.as_ref().is_some_and(|file| file.unlock().is_err()) {
            // Closing it unlocks it too.
            *self.opened = None;
        }
    }
}

/// What a record takes of the file.
pub(super) fn size(new: &NewRecord<'_>) -> u64 {
    new.payload.len() as u64 + RECORD_HEADER as u64
}
