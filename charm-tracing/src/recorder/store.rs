use std::collections::HashMap;

use opentelemetry::trace::SpanId;

use super::record::Record;

/// The spans of a session: those that are open, and those that have ended, in the order in which they ended.
///
/// Ended spans are kept in pieces, so that none is ever moved and the reserved memory is at most twice what they need.
#[derive(Debug, Default)]
pub(crate) struct Store {
    open: Vec<Place>,
    vacant: Vec<u32>,
    ended: Vec<Vec<Record>>,
    ended_count: usize,
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

/// The number of spans in the first piece, 3 KiB. It is enough for a dispatch that does little.
const FIRST_PIECE: usize = 64;
/// The maximum number of spans for which memory is reserved in advance, 192 KiB.
const LARGEST_PIECE: usize = 4096;

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
        self.ended_count += 1;
        match self.ended.last_mut() {
            Some(piece) if piece.len() < piece.capacity() => piece.push(record),
            _ => self.push_to_new_piece(record),
        }
        Some(was_journaled)
    }

    /// Returns the open span in this place for the journal; `None` if the place is vacant or the journal has the span.
    pub(crate) fn take_for_journal(&mut self, place: u32) -> Option<&Record> {
        let Place { record, is_journaled } = self.open.get_mut(place as usize)?;
        let is_new = record.span_id != SpanId::INVALID && !std::mem::replace(is_journaled, true);
        is_new.then_some(record)
    }

    #[cold]
    fn push_to_new_piece(&mut self, record: Record) {
        let mut piece = Vec::with_capacity(self.ended_count.clamp(FIRST_PIECE, LARGEST_PIECE));
        piece.push(record);
        self.ended.push(piece);
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
        for record in self.ended.iter_mut().flatten() {
            while let Some(parent) = open.get(&record.parent) {
                passed.push(record.parent);
                record.parent = *parent;
            }
            // A long chain of open spans is walked once.
            open.extend(passed.drain(..).map(|below| (below, record.parent)));
        }
    }

    pub(crate) fn ended_count(&self) -> usize {
        self.ended_count
    }

    /// Returns the spans that have ended, in the order in which they ended.
    pub(crate) fn ended(&self) -> impl Iterator<Item = &Record> + Clone {
        self.ended.iter().flatten()
    }

    #[cfg(feature = "testing")]
    pub(crate) fn forget(&mut self) {
        self.ended.clear();
        self.ended_count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: u64) -> Record {
        Record { span_id: SpanId::from(id), ..Record::VACANT }
    }

    fn ids(store: &Store) -> Vec<u64> {
        store.ended().map(|record| u64::from_be_bytes(record.span_id.to_bytes())).collect()
    }

    #[test]
    fn spans_are_kept_in_the_order_in_which_they_ended() {
        let mut store = Store::default();
        let [first, second] = [1, 2].map(|id| store.begin(record(id)));
        store.end(second, 7);
        store.end(first, 8);
        assert_eq!(ids(&store), [2, 1]);
        assert_eq!(store.ended().map(|record| record.end).collect::<Vec<_>>(), [7, 8]);
    }

    #[test]
    fn a_span_ends_once_and_is_not_taken_for_another_one() {
        let mut store = Store::default();
        let first = store.begin(record(1));
        store.end(first, 7);
        assert!(store.find(first).is_none());
        let second = store.begin(record(2));
        assert_eq!(second.place, first.place, "places are used again");
        store.end(first, 8);
        assert!(store.find(first).is_none());
        assert!(store.find(second).is_some());
        assert_eq!(ids(&store), [1]);
        store.end(Handle { place: second.place + 1, ..second }, 9);
        assert_eq!(store.ended_count(), 1);
    }

    #[test]
    fn a_span_never_ends_before_it_begins() {
        let mut store = Store::default();
        let place = store.begin(Record { start: 8, ..record(1) });
        store.end(place, 7);
        assert_eq!(store.ended().map(|record| (record.start, record.end)).collect::<Vec<_>>(), [(8, 8)]);
    }

    #[test]
    fn what_never_ends_is_passed_over() {
        let mut store = Store::default();
        let below = |id: u64, parent: u64| Record { parent: SpanId::from(parent), ..record(id) };
        let [root, _open, _deeper, last] =
            [(1, 9), (2, 1), (3, 2), (4, 3)].map(|(id, parent)| store.begin(below(id, parent)));
        store.end(last, 7);
        store.end(root, 8);
        store.pass_over_the_open();
        let parents: Vec<_> = store.ended().map(|record| record.parent).collect();
        assert_eq!(parents, [SpanId::from(1), SpanId::from(9)]);
    }

    #[test]
    fn a_long_chain_of_spans_that_never_end_is_passed_over() {
        let mut store = Store::default();
        let below = |id: u64| Record { parent: SpanId::from(id - 1), ..record(id) };
        let open = 20_000;
        for id in 1..=open {
            store.begin(below(id));
        }
        for id in open + 1..2 * open {
            let place = store.begin(Record { parent: SpanId::from(open), ..record(id) });
            store.end(place, 7);
        }
        store.pass_over_the_open();
        assert!(store.ended().all(|record| record.parent == SpanId::from(0)));
    }

    #[test]
    fn pieces_hold_what_was_put_into_them() {
        let mut store = Store::default();
        for id in 1..=20_000 {
            let place = store.begin(record(id));
            store.end(place, id);
        }
        assert_eq!(ids(&store), (1..=20_000).collect::<Vec<_>>());
        assert_eq!(store.open.len(), 1);
        assert!(store.ended.iter().all(|piece| piece.capacity() <= LARGEST_PIECE));
    }
}
