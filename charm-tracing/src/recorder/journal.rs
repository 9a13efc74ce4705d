//! The journal of a session: its spans are written to disk while it is open, so that they are not lost if the process is
//! killed.
//!
//! The traced calls write it themselves, if a millisecond has passed since the last write or if [`MOST_WAITING`] records wait.
//! So a killed dispatch lacks at most the last 63 records. A span that begins or ends a millisecond or more after the last
//! write is written at once, which takes some microseconds. Nothing is written while no span begins or ends: records that
//! wait are written with the next one.
//!
//! Much of this runs while the session is locked. So nothing here calls the charm's code, its logger included: an error is not
//! logged.

use std::fmt::Debug;
use std::io;

use super::record::Record;
use super::store::Store;

/// The encoding of the records of a journal.
pub(crate) trait JournalFormat: Debug + Send {
    /// Encodes a span that has begun, or one that has ended.
    fn write(&mut self, out: &mut Vec<u8>, span: &Record, ended: bool);
}

/// The file that a journal is written to.
pub(crate) trait JournalFile: Debug + Send {
    fn append(&mut self, records: &[u8]) -> io::Result<()>;
    /// Finds out what has become of the file.
    fn status(&self) -> JournalStatus;
    /// Removes the file, because its trace was stored, sent or refused.
    fn remove(&mut self);
}

/// The state of the file of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JournalStatus {
    /// It was not created, or it was removed because its trace was stored, sent or refused.
    NotBegun,
    Exists,
    /// It was created, and is not at its path any more.
    Gone,
    /// This user may not reach its path any more, because the charm has changed its user.
    OutOfReach,
}

/// The maximum number of records that are written together.
const MOST_WAITING: usize = 64;
/// The time since the last write, in nanoseconds, after which the next record is written at once. It is measured by the times
/// of the spans, so spans with times that the charm has chosen may be written one by one.
const PAUSE: u64 = 1_000_000;
/// The maximum number of bytes that wait for a file that cannot be written.
const MOST_BYTES_WAITING: usize = 256 * 1024;

/// The journal of an open session, which decides when spans are written.
#[derive(Debug)]
pub(crate) struct Journal {
    format: Box<dyn JournalFormat>,
    pub(super) file: Box<dyn JournalFile>,
    /// The encoded records that wait to be written: the first ones, and those of a write that failed.
    out: Vec<u8>,
    /// True if too many bytes have waited. Nothing more is written.
    stopped: bool,
    /// The places of spans that have begun since the last write.
    begun: Vec<u32>,
    /// The number of spans that have ended since the last write and that were written as begun.
    ended: usize,
    /// The number of ended spans of the store that were written.
    written: usize,
    /// The time of the last write, in nanoseconds since 1970.
    last: u64,
}

impl Journal {
    /// Begins the journal of a session in which no span has begun yet. `out` has the first records.
    pub(crate) fn begin(format: Box<dyn JournalFormat>, file: Box<dyn JournalFile>, out: Vec<u8>) -> Self {
        let begun = Vec::with_capacity(MOST_WAITING);
        Self { format, file, out, stopped: false, begun, ended: 0, written: 0, last: 0 }
    }

    /// Notes that a span has begun. Returns true if it is time to write.
    #[inline]
    pub(crate) fn note_begun(&mut self, place: u32, now: u64) -> bool {
        self.begun.push(place);
        self.is_due(now)
    }

    /// Notes that a span has ended, and whether it was written as begun. Returns true if it is time to write.
    #[inline]
    pub(crate) fn note_ended(&mut self, was_journaled: bool, now: u64) -> bool {
        self.ended += usize::from(was_journaled);
        self.is_due(now)
    }

    #[inline]
    fn is_due(&self, now: u64) -> bool {
        // A time that the charm has chosen may be before the last write.
        self.begun.len() + self.ended >= MOST_WAITING || now.abs_diff(self.last) >= PAUSE
    }

    /// Writes the records that wait.
    #[cold]
    #[inline(never)]
    pub(crate) fn write(&mut self, spans: &mut Store, now: u64) {
        (self.ended, self.last) = (0, now);
        if self.stopped {
            return self.begun.clear();
        }
        // Spans that have begun are written first, so that the parent of a span is in the journal as well.
        for place in self.begun.drain(..) {
            if let Some(record) = spans.take_for_journal(place) {
                self.format.write(&mut self.out, record, false);
            }
        }
        for record in spans.ended().iter().skip(self.written) {
            self.format.write(&mut self.out, record, true);
        }
        self.written = spans.ended().len();
        match self.file.append(&self.out) {
            Ok(()) => self.out.clear(),
            // The error may be temporary: the charm may have all its descriptors open, or the disk may be full for a moment.
            Err(_) if self.out.len() <= MOST_BYTES_WAITING => {}
            Err(_) => (self.stopped, self.out) = (true, Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests;
