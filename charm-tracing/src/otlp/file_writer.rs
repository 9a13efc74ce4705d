//! Writes the records of a journal into its file.

use std::io;

use opentelemetry::{InstrumentationScope, KeyValue};

use super::journal_format::Records;
use crate::recorder::{JournalFile, JournalWriter, Record, TraceContext};

/// The maximum number of bytes that wait for a file that cannot be written.
const MOST_BYTES_WAITING: usize = 256 * 1024;

/// A writer of the journal of a session into a file.
#[derive(Debug)]
pub(crate) struct FileWriter {
    records: Records,
    /// The records that wait to be written: the first ones, and those of a write that failed.
    out: Vec<u8>,
    stopped: Option<io::Error>,
    file: Box<dyn JournalFile>,
}

impl FileWriter {
    /// Begins the journal of a session in which no span has begun yet.
    pub(crate) fn begin(
        file: Box<dyn JournalFile>,
        resource: &[KeyValue],
        own: &InstrumentationScope,
        trace: TraceContext,
    ) -> Self {
        let mut out = Vec::with_capacity(1024);
        let records = Records::begin(&mut out, resource, own, trace);
        Self { records, out, stopped: None, file }
    }
}

impl JournalWriter for FileWriter {
    fn write(&mut self, span: &Record, ended: bool) {
        if self.stopped.is_none() {
            self.records.write(&mut self.out, span, ended);
        }
    }

    fn flush(&mut self) {
        if self.stopped.is_some() {
            return;
        }
        match self.file.append(&self.out) {
            Ok(()) => self.out.clear(),
            // The error may be temporary: the charm may have all its descriptors open, or the disk may be full for a moment.
            Err(_) if self.out.len() <= MOST_BYTES_WAITING => {}
            Err(error) => {
                self.stopped = Some(error);
                self.out = Vec::new();
            }
        }
    }

    fn into_file(self: Box<Self>) -> Box<dyn JournalFile> {
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
    use crate::recorder::{Journal, JournalStatus, Store, own_scope};

    /// A file in memory. The number is that of the next appends that fail.
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

        fn status(&self) -> JournalStatus {
            JournalStatus::Exists
        }

        fn remove(&mut self) {}
    }

    /// Returns the content of a journal with a span per entry. Each entry is the number of appends that fail before its span.
    fn written(failures: &[usize]) -> Vec<u8> {
        let (file, mut spans) = (File::default(), Store::default());
        let trace = TraceContext { id: TraceId::from(1), ..TraceContext::default() };
        let mut journal =
            Journal::begin(Box::new(FileWriter::begin(Box::new(file.clone()), &[], &own_scope(), trace)));
        for (id, failures) in (1..).zip(failures) {
            file.0.lock().unwrap().1 = *failures;
            let span = spans.begin(Record { span_id: SpanId::from(id), start: id, ..Record::VACANT });
            journal.note_begun(span.place, id);
            journal.write(&mut spans, id);
            journal.note_ended(spans.end(span, id).unwrap(), id);
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
        let mut writer = FileWriter::begin(Box::new(file), &[], &own_scope(), TraceContext::default());
        for id in 1..20_000 {
            writer.write(&Record { span_id: SpanId::from(id), ..Record::VACANT }, false);
            writer.flush();
        }
        assert!(writer.stopped.is_some());
        assert_eq!(writer.out.capacity(), 0);
    }
}
