//! The journal of a session: its spans are written to disk while it runs, so that they are there if the process is killed.
//!
//! The traced call writes by itself, when a millisecond has passed since the last write or [`MOST_WAITING`] records wait. So
//! a killed dispatch lacks the last 63 of them at most, and a span costs a write of some microseconds only if it comes seldom.
//!
//! Much of this runs while the session is locked, so nothing here calls the charm's code, its logger included: what went wrong is
//! said when the session has ended.

use std::fmt::Debug;
use std::io;

use opentelemetry::KeyValue;

use super::provider::own_scope;
use super::record::{Record, TraceContext};
use super::store::Store;
use crate::encode::journal::Writer;

/// The file that a journal is written to.
pub(crate) trait JournalFile: Debug + Send {
    /// Writes records behind those that are there.
    fn append(&mut self, records: &[u8]) -> io::Result<()>;
    /// Returns true if the file is there.
    fn is_there(&self) -> bool;
    /// Returns true if this user may not reach the file any more, because the charm has changed its user.
    fn is_out_of_reach(&self) -> bool;
    /// Returns true if the file was made.
    fn is_begun(&self) -> bool;
    /// Removes it, because its trace was stored or sent.
    fn remove(&mut self);
}

/// The number of records that are written together at most.
const MOST_WAITING: usize = 64;
/// In nanoseconds: when so much time has passed since the last write, the next record is written at once. The times are those of
/// the spans, so spans with times of the charm's own may be written one by one.
const PAUSE: u64 = 1_000_000;

/// The number of bytes that wait at most for a file that cannot be written.
const MOST_BYTES_WAITING: usize = 256 * 1024;

/// Writes the spans of a session into a file.
#[derive(Debug)]
pub(crate) struct Journal {
    writer: Writer,
    /// Records that wait for being written, encoded: the first, and those that could not be written.
    out: Vec<u8>,
    /// The places of spans that have begun since the last write.
    begun: Vec<u32>,
    /// How many spans have ended that were written as begun.
    ended: usize,
    /// How many ended spans of the store were written.
    written: usize,
    /// When it was written last, in nanoseconds since 1970.
    last: u64,
    stopped: Option<io::Error>,
    file: Box<dyn JournalFile>,
}

impl Journal {
    /// Begins the journal of a session in which no span has begun yet.
    pub(crate) fn begin(file: Box<dyn JournalFile>, resource: &[KeyValue], trace: TraceContext) -> Self {
        let mut out = Vec::with_capacity(1024);
        let writer = Writer::begin(&mut out, resource, &own_scope(), trace);
        let begun = Vec::with_capacity(MOST_WAITING);
        Self { writer, out, begun, ended: 0, written: 0, last: 0, stopped: None, file }
    }

    /// Notes that a span has begun. True if it is time to write.
    #[inline]
    pub(crate) fn note_begun(&mut self, place: u32, now: u64) -> bool {
        self.begun.push(place);
        self.is_due(now)
    }

    /// Notes that a span has ended, which was written as begun or was not. True if it is time to write.
    #[inline]
    pub(crate) fn note_ended(&mut self, was_written: bool, now: u64) -> bool {
        self.ended += usize::from(was_written);
        self.is_due(now)
    }

    #[inline]
    fn is_due(&self, now: u64) -> bool {
        // A time that the charm has chosen may be before the last write.
        self.begun.len() + self.ended >= MOST_WAITING || now.abs_diff(self.last) >= PAUSE
    }

    /// Writes all that is new.
    #[cold]
    #[inline(never)]
    pub(crate) fn write(&mut self, spans: &mut Store, now: u64) {
        if self.stopped.is_none() {
            // Spans that have begun are written first, so that a span is below another one that is there.
            for place in &self.begun {
                if let Some(record) = spans.unwritten(*place) {
                    self.writer.begun(&mut self.out, record);
                    record.end = Record::WRITTEN;
                }
            }
            for record in spans.ended().skip(self.written) {
                self.writer.ended(&mut self.out, record);
            }
            self.written = spans.ended_count();
            match self.file.append(&self.out) {
                Ok(()) => self.out.clear(),
                // The charm may have all its descriptors open, or a disk be full for a moment.
                Err(_) if self.out.len() <= MOST_BYTES_WAITING => {}
                Err(error) => {
                    self.stopped = Some(error);
                    self.out = Vec::new();
                }
            }
        }
        self.begun.clear();
        (self.ended, self.last) = (0, now);
    }

    /// Returns the file, and logs the error that stopped the journal. Must not be called while the session is locked, because the
    /// charm's logger runs.
    pub(crate) fn into_file(self) -> Box<dyn JournalFile> {
        if let Some(error) = self.stopped {
            log::debug!("not all of this dispatch would have been left if it had been killed: {error}");
        }
        self.file
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use opentelemetry::trace::{SpanId, TraceId};
    use proptest::prelude::*;

    use super::*;

    /// Holds what was written. The number is that of the appends that fail next.
    #[derive(Clone, Debug, Default)]
    struct File(Arc<Mutex<(Vec<u8>, usize)>>);

    impl JournalFile for File {
        fn append(&mut self, records: &[u8]) -> io::Result<()> {
            let (bytes, failures) = &mut *self.0.lock().unwrap();
            if let Some(left) = failures.checked_sub(1) {
                *failures = left;
                return Err(io::ErrorKind::StorageFull.into());
            }
            bytes.extend_from_slice(records);
            Ok(())
        }

        fn is_there(&self) -> bool {
            true
        }

        fn is_out_of_reach(&self) -> bool {
            false
        }

        fn is_begun(&self) -> bool {
            true
        }

        fn remove(&mut self) {}
    }

    /// Returns what a journal of so many spans holds that fails so often before each of them.
    fn written(failures: &[usize]) -> Vec<u8> {
        let (file, mut spans) = (File::default(), Store::default());
        let trace = TraceContext { id: TraceId::from(1), ..TraceContext::default() };
        let mut journal = Journal::begin(Box::new(file.clone()), &[], trace);
        for (id, failures) in (1..).zip(failures) {
            file.0.lock().unwrap().1 = *failures;
            let place = spans.begin(Record { span_id: SpanId::from(id), start: id, ..Record::VACANT });
            journal.note_begun(place, id);
            journal.write(&mut spans, id);
            journal.note_ended(spans.end(place, SpanId::from(id), id).unwrap(), id);
            journal.write(&mut spans, id);
        }
        file.0.lock().unwrap().1 = 0;
        journal.write(&mut spans, 0);
        let (bytes, _) = &*file.0.lock().unwrap();
        bytes.clone()
    }

    proptest! {
        #[test]
        fn what_could_not_be_written_is_written_later(failures in prop::collection::vec(0_usize..4, 1..20)) {
            prop_assert_eq!(written(&failures), written(&vec![0; failures.len()]));
        }
    }

    #[test]
    fn a_file_that_is_never_written_holds_no_memory_up() {
        let file = File(Arc::new(Mutex::new((Vec::new(), usize::MAX))));
        let mut spans = Store::default();
        let mut journal = Journal::begin(Box::new(file), &[], TraceContext::default());
        for id in 1..20_000 {
            let place = spans.begin(Record { span_id: SpanId::from(id), ..Record::VACANT });
            journal.note_begun(place, id);
            journal.write(&mut spans, id);
        }
        assert!(journal.stopped.is_some());
        assert_eq!(journal.out.capacity(), 0);
    }
}
