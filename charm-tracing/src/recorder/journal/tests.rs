use std::sync::{Arc, Mutex};

use opentelemetry::trace::SpanId;
use proptest::prelude::*;

use super::*;

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

/// A format of nine bytes for each record.
#[derive(Debug)]
struct Format;

impl JournalFormat for Format {
    fn write(&mut self, out: &mut Vec<u8>, span: &Record, ended: bool) {
        out.extend_from_slice(&span.span_id.to_bytes());
        out.push(ended.into());
    }
}

/// Returns the content of a journal with a span per entry. Each entry is the number of appends that fail before its span.
fn written(failures: &[usize]) -> Vec<u8> {
    let (file, mut spans) = (File::default(), Store::default());
    let mut journal = Journal::begin(Box::new(Format), Box::new(file.clone()), b"first".to_vec());
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
    let mut journal = Journal::begin(Box::new(Format), Box::new(file), Vec::new());
    let mut spans = Store::default();
    for id in 1..40_000 {
        let span = spans.begin(Record { span_id: SpanId::from(id), start: id, ..Record::VACANT });
        journal.note_begun(span.place, id);
        journal.write(&mut spans, id);
    }
    assert!(journal.stopped);
    assert_eq!(journal.out.capacity(), 0);
    assert!(journal.begun.is_empty());
}

#[test]
fn it_is_time_to_write_after_64_records_or_a_millisecond() {
    let mut journal = Journal::begin(Box::new(Format), Box::new(File::default()), Vec::new());
    journal.last = 10 * PAUSE;
    let now = journal.last;
    assert!(!journal.is_due(now + PAUSE - 1));
    assert!(journal.is_due(now + PAUSE));
    assert!(!journal.is_due(now - PAUSE + 1), "a time before the last write");
    assert!(journal.is_due(now - PAUSE), "a time before the last write");

    for place in 0..62 {
        assert!(!journal.note_begun(place, now), "{place}");
    }
    assert!(!journal.note_ended(false, now), "it will be written as ended, not as begun");
    assert!(!journal.note_ended(true, now), "63 records");
    assert!(journal.note_ended(true, now), "64 records");
}
