use std::collections::HashMap;

use opentelemetry::trace::SpanId;

use super::record::Record;

/// The spans of a session: those that are open, and those that have ended, in the order in which they ended.
#[derive(Debug, Default)]
pub(crate) struct Store {
    open: Vec<Place>,
    vacant: Vec<u32>,
    ended: Vec<Record>,
}

/// A handle with which a span is changed and ended. A span may have any number of them, on any thread. After the span or its
/// session has ended they do nothing: the place may belong to another span then, but the id does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handle {
    pub(crate) span_id: SpanId,
    pub(crate) place: u32,
}

/// The place of an open span. It is vacant if the id of the record is not valid.
#[derive(Debug)]
struct Place {
    record: Record,
    /// True if the journal has the span as begun.
    is_journaled: bool,
}

impl Store {
    #[expect(clippy::inline_always, reason = "a tenth of what a span costs is the moving of its parts")]
    #[inline(always)]
    pub(crate) fn begin(&mut self, record: Record) -> Handle {
        let span_id = record.span_id;
        let begun = Place { record, is_journaled: false };
        if let Some(place) = self.vacant.pop() {
            self.open[place as usize] = begun;
            return Handle { span_id, place };
        }
        // No limit allows so many open spans.
        let place = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        self.open.push(begun);
        Handle { span_id, place }
    }

    /// Returns the open span; `None` if it has ended.
    #[inline]
    pub(crate) fn find(&mut self, span: Handle) -> Option<&mut Record> {
        self.place(span).map(|place| &mut place.record)
    }

    /// Returns the handle of the open span with this id; `None` if there is none.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn find_open(&self, span_id: SpanId) -> Option<Handle> {
        let at = self.open.iter().position(|place| place.record.span_id == span_id)?;
        u32::try_from(at).ok().map(|place| Handle { span_id, place })
    }

    #[inline]
    fn place(&mut self, span: Handle) -> Option<&mut Place> {
        // Another span may have this place by now.
        self.open.get_mut(span.place as usize).filter(|place| place.record.span_id == span.span_id)
    }

    /// Ends the span at `end`, in nanoseconds since 1970, but not before it began. Returns true if the journal has it as begun;
    /// `None` if the span had ended.
    #[inline]
    pub(crate) fn end(&mut self, span: Handle, end: u64) -> Option<bool> {
        let Place { record, is_journaled } = self.place(span)?;
        let was_journaled = *is_journaled;
        let mut record = std::mem::replace(record, Record::VACANT);
        record.end = end.max(record.start);
        self.vacant.push(span.place);
        self.ended.push(record);
        Some(was_journaled)
    }

    /// Returns the open span in this place for the journal; `None` if the place is vacant or the journal has the span.
    pub(crate) fn take_for_journal(&mut self, place: u32) -> Option<&Record> {
        let Place { record, is_journaled } = self.open.get_mut(place as usize)?;
        let is_new = record.span_id != SpanId::INVALID && !std::mem::replace(is_journaled, true);
        is_new.then_some(record)
    }

    /// Moves ended spans whose parent is still open below the nearest ancestor that is not, because an open span is never sent.
    pub(crate) fn pass_over_the_open(&mut self) {
        let records = self.open.iter().map(|place| &place.record);
        let is_open = |record: &&Record| record.span_id != SpanId::INVALID;
        let mut open: HashMap<_, _> =
            records.filter(is_open).map(|record| (record.span_id, record.parent)).collect();
        if open.is_empty() {
            return;
        }
        let mut passed = Vec::new();
        for record in &mut self.ended {
            while let Some(parent) = open.get(&record.parent) {
                passed.push(record.parent);
                record.parent = *parent;
            }
            // A long chain of open spans is walked once.
            open.extend(passed.drain(..).map(|below| (below, record.parent)));
        }
    }

    /// Returns the spans that have ended, in the order in which they ended.
    pub(crate) fn ended(&self) -> &[Record] {
        &self.ended
    }

    #[cfg(feature = "testing")]
    pub(crate) fn forget(&mut self) {
        self.ended.clear();
    }
}

#[cfg(test)]
mod tests;
