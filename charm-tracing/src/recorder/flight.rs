//! The flight recorder: writes the spans of a session to disk while it runs, so that they are there if it is killed.
//!
//! What begins or ends is written at once, as long as that happens seldom: a write of some 200 bytes into the page cache
//! costs one to five microseconds, depending on the file system, and a dispatch of some milliseconds needs nothing else. A
//! dispatch with more to tell pays for a thread once (about 0.1 ms, as much as [`BURST`] of such writes), which writes all
//! that is new every [`PERIOD`]; then a span costs nothing more where it begins and ends, and its bytes are made elsewhere.
//!
//! Much of this runs while the session is locked, so nothing here calls the charm's code, its logger included: what goes wrong is
//! said when the flight has landed. A process that was forked off meanwhile has a copy of all this, but neither the thread nor a
//! right to the file, and touches neither.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, mem, process, thread};

use opentelemetry::KeyValue;

use super::clock::now;
use super::provider::own_scope;
use super::record::{Record, TraceContext};
use crate::buffer::{Chunk, FlightFile};
use crate::encode::flight::Log;
use crate::globals;
use crate::span::own_work;

/// So many writes in a row are not worth a thread.
const BURST: u64 = 32;
/// Nanoseconds after which one more is not.
const REFILL: u64 = 1_000_000;
/// How often the thread writes. A killed dispatch is promised all that is older than 100 ms: the rest is for a busy machine.
const PERIOD: Duration = Duration::from_millis(25);
/// A chunk is written when it is so long, so that it is not kept in memory as a whole.
const CHUNK: usize = 64 * 1024;

/// How a session is written down.
#[derive(Debug, Default)]
pub(crate) enum Flight {
    /// Not at all.
    #[default]
    Grounded,
    /// By the threads of the charm.
    Slow(Box<Recorder>),
    /// By a thread of its own.
    Fast(Arc<Shared>),
}

/// What writes.
#[derive(Debug)]
pub(crate) struct Recorder {
    file: FlightFile,
    /// Why nothing is written to it any more.
    stopped: Option<io::Error>,
    /// The process that writes.
    pid: u32,
    log: Log,
    chunk: Chunk,
    /// How many more writes are for free, and when that was true, in nanoseconds since 1970.
    free: u64,
    counted_at: u64,
    /// Spans of the session's store that were written where they ended.
    written_slowly: usize,
    /// Spans that the thread has taken out of the store and written.
    written: Vec<Vec<Record>>,
}

/// A recorder and those who wait for it.
#[derive(Debug)]
pub(crate) struct Shared {
    recorder: Mutex<Option<Recorder>>,
    landed: Condvar,
    pid: u32,
}

/// What is left of a flight.
#[derive(Debug, Default)]
pub(crate) struct Landed {
    /// What was written.
    pub(crate) file: Option<FlightFile>,
    /// The spans that were handed over for that.
    pub(crate) spans: Vec<Vec<Record>>,
}

/// What is new in a session.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) ended: Vec<Vec<Record>>,
    pub(crate) turned_away: u64,
}

impl Flight {
    /// Begins to write down a session, of which nothing has begun yet.
    ///
    /// # Errors
    ///
    /// The file cannot be written to.
    pub(crate) fn begin(
        mut file: FlightFile,
        resource: &[KeyValue],
        trace: TraceContext,
    ) -> io::Result<Self> {
        file.begin(&trace.id.to_bytes())?;
        let mut chunk = Chunk::default();
        let log = Log::begin(chunk.bytes(), resource, &own_scope(), trace);
        Ok(Self::Slow(Box::new(Recorder {
            file,
            stopped: None,
            pid: process::id(),
            log,
            chunk,
            free: BURST,
            counted_at: 0,
            written_slowly: 0,
            written: Vec::new(),
        })))
    }

    /// Whether a span that begins or ends must be written where that happens.
    #[inline]
    pub(crate) fn is_slow(&self) -> bool {
        matches!(self, Self::Slow(_))
    }

    /// Writes a span that has begun. False if it was not.
    pub(crate) fn begun(&mut self, record: &Record, turned_away: u64) -> bool {
        self.slowly(record.start, turned_away, |log, out| log.open(out, record))
    }

    /// Writes a span that has ended.
    pub(crate) fn ended(&mut self, record: &Record, turned_away: u64) {
        let written = self.slowly(record.end, turned_away, |log, out| log.ended(out, record));
        if let Self::Slow(recorder) = self {
            recorder.written_slowly += usize::from(written);
        }
    }

    /// Writes that there was no room for a span.
    pub(crate) fn turned_away(&mut self, now: u64, count: u64) {
        self.slowly(now, count, |_, _| ());
    }

    fn slowly(&mut self, now: u64, turned_away: u64, write: impl FnOnce(&mut Log, &mut Vec<u8>)) -> bool {
        let Self::Slow(recorder) = self else { return false };
        if !recorder.is_free(now) {
            *self = match mem::take(self) {
                Self::Slow(recorder) => Self::fast(*recorder),
                other => other,
            };
        }
        // If there can be no thread, it goes on.
        let Self::Slow(recorder) = self else { return false };
        write(&mut recorder.log, recorder.chunk.bytes());
        recorder.finish(turned_away);
        true
    }

    fn fast(recorder: Recorder) -> Self {
        let pid = recorder.pid;
        if pid != process::id() {
            return Self::Slow(Box::new(recorder));
        }
        let shared = Arc::new(Shared { recorder: Mutex::new(Some(recorder)), landed: Condvar::new(), pid });
        let thread = thread::Builder::new().name("charm-tracing".to_owned()).stack_size(STACK);
        let theirs = Arc::clone(&shared);
        if thread.spawn(move || own_work(|| theirs.run())).is_ok() {
            return Self::Fast(shared);
        }
        // There can be no more threads. The charm's write on, and try again after as many spans.
        let recorder = shared.lock().take();
        recorder.map_or(Self::Grounded, |recorder| Self::Slow(Box::new(Recorder { free: BURST, ..recorder })))
    }

    /// Stops writing. Not while the session is locked.
    pub(crate) fn land(self) -> Landed {
        let recorder = match self {
            Self::Grounded => None,
            Self::Slow(recorder) => Some(*recorder),
            Self::Fast(shared) if shared.pid == process::id() => {
                let recorder = shared.lock().take();
                shared.landed.notify_one();
                recorder
            }
            // The thread may have been about to write when the process was forked.
            Self::Fast(shared) => {
                let recorder = shared.recorder.try_lock().ok().and_then(|mut recorder| recorder.take());
                mem::forget(shared);
                recorder
            }
        };
        recorder.map_or_else(Landed::default, Recorder::land)
    }
}

/// For writing spans, whose values are nested two deep at most.
const STACK: usize = 256 * 1024;

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Recorder>> {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(self: &Arc<Self>) {
        let mut slot = self.lock();
        loop {
            slot = match self.landed.wait_timeout_while(slot, PERIOD, |slot| slot.is_some()) {
                Ok((slot, _)) => slot,
                Err(poisoned) => poisoned.into_inner().0,
            };
            let Some(recorder) = slot.as_mut() else { return };
            recorder.catch_up(self);
            if recorder.stopped.is_some() {
                return;
            }
        }
    }
}

impl Recorder {
    fn is_free(&mut self, now: u64) -> bool {
        let more = now.saturating_sub(self.counted_at) / REFILL;
        if more > 0 {
            self.free = (self.free + more).min(BURST);
            self.counted_at = now;
        }
        self.free = self.free.saturating_sub(1);
        self.free > 0
    }

    /// Writes all that is new.
    fn catch_up(&mut self, shared: &Arc<Shared>) {
        // What has begun is written first: a span is below another one that is there.
        let (log, out) = (&mut self.log, self.chunk.bytes());
        let Some(News { ended, turned_away }) = globals::news(shared, |record| log.open(out, record)) else {
            return;
        };
        let (known, before) = (mem::take(&mut self.written_slowly), self.written.len());
        self.written.extend(ended);
        let written = mem::take(&mut self.written);
        for record in written[before..].iter().flatten().skip(known) {
            self.log.ended(self.chunk.bytes(), record);
            if self.chunk.len() > CHUNK {
                self.write();
            }
        }
        self.written = written;
        self.written[before..].iter_mut().for_each(Vec::shrink_to_fit);
        if self.chunk.len() > 0 || self.log.is_news(turned_away) {
            self.finish(turned_away);
        }
    }

    fn finish(&mut self, turned_away: u64) {
        self.log.moment(self.chunk.bytes(), now(), turned_away);
        self.write();
    }

    fn write(&mut self) {
        if self.stopped.is_some() || self.pid != process::id() {
            self.chunk.clear();
        } else if let Err(error) = self.file.write(&mut self.chunk) {
            // What it has stays until the trace is stored.
            self.stopped = Some(error);
        }
    }

    fn land(self) -> Landed {
        let Self { file, stopped, pid, written: spans, .. } = self;
        if let Some(error) = stopped {
            log::debug!("not all of this dispatch would have been left if it had been killed: {error}");
        }
        let own = pid == process::id();
        let file = if own { Some(file) } else { None };
        Landed { file, spans }
    }
}
