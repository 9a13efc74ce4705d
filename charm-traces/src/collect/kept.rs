use std::collections::{HashMap, HashSet, VecDeque};

use charm_tracing::opentelemetry::trace::{SpanId, TraceId};
use charm_tracing::testing::Trace;

use crate::page::{Entry, Head, Kind, document, script_data};

/// The last traces that came. Spans of one trace id are one trace, in however many requests they come.
#[derive(Debug)]
pub(super) struct Kept {
    most: usize,
    traces: HashMap<TraceId, KeptTrace>,
    /// The ids in the order of their arrival.
    order: VecDeque<TraceId>,
    spans: usize,
    /// The number of changes so far.
    changes: u64,
    /// Traces that were dropped to keep others, with the numbers of these changes.
    gone: VecDeque<(u64, TraceId)>,
    all_traces: usize,
    all_spans: usize,
}

#[derive(Debug, Default)]
struct KeptTrace {
    trace: Trace,
    /// The ids of its spans: an exporter that got no answer sends its spans once more.
    ids: HashSet<SpanId>,
    /// The number of the change that added the newest spans.
    changed: u64,
}

/// The number of spans that are kept of all traces together. Each takes about a kilobyte.
const MOST_SPANS: usize = 200_000;
/// The number of dropped traces that are remembered for pages that have not asked for some time.
const MOST_GONE: usize = 10_000;

impl Kept {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            traces: HashMap::new(),
            order: VecDeque::new(),
            spans: 0,
            changes: 0,
            gone: VecDeque::new(),
            all_traces: 0,
            all_spans: 0,
        }
    }

    /// Returns the number of traces that came.
    pub(super) fn all_traces(&self) -> usize {
        self.all_traces
    }

    /// Returns the number of spans that came.
    pub(super) fn all_spans(&self) -> usize {
        self.all_spans
    }

    /// Adds the spans of one trace, and drops the oldest traces for it.
    pub(super) fn add(&mut self, trace: Trace) {
        let Some(id) = trace.spans().first().map(|span| span.trace_id) else { return };
        self.changes += 1;
        let kept = self.traces.entry(id).or_insert_with(|| {
            self.all_traces += 1;
            self.order.push_back(id);
            KeptTrace::default()
        });
        let before = kept.trace.len();
        kept.trace.extend(trace.into_iter().filter(|span| kept.ids.insert(span.span_id)));
        kept.changed = self.changes;
        let added = kept.trace.len() - before;
        self.all_spans += added;
        self.spans += added;
        while self.order.len() > self.most || (self.spans > MOST_SPANS && self.order.len() > 1) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(id) = self.order.pop_front() else { return };
        if let Some(dropped) = self.traces.remove(&id) {
            self.spans -= dropped.trace.len();
        }
        self.gone.push_back((self.changes, id));
        if self.gone.len() > MOST_GONE {
            self.gone.pop_front();
        }
    }

    /// Makes the page of all traces.
    pub(super) fn page(&self, title: &str) -> String {
        document(title, &self.entries(0), Kind::Live { next: self.changes })
    }

    /// Returns what changed after the change of this number, for a page that knows the others.
    pub(super) fn changes_since(&self, since: u64) -> String {
        let gone = self.gone.iter().filter(|(change, _)| *change > since).map(|(_, id)| id.to_string());
        script_data(&Head::of_answer(self.changes, gone.collect()), &self.entries(since))
    }

    fn entries(&self, since: u64) -> Vec<Entry<'_>> {
        let changed =
            self.order.iter().filter_map(|id| self.traces.get(id)).filter(|kept| kept.changed > since);
        changed.map(|kept| Entry::of(&kept.trace)).collect()
    }
}

#[cfg(test)]
mod tests {
    use charm_tracing::testing::Span;

    use super::*;

    /// Returns this many spans of a trace, after the first ones of it.
    fn spans(trace: u128, after: u64, count: u64) -> Trace {
        let span = |id: u64| Span { trace_id: trace.into(), span_id: id.into(), ..Span::default() };
        (after + 1..=after + count).map(span).collect()
    }

    fn ids(kept: &Kept) -> Vec<u128> {
        kept.order.iter().map(|id| u128::from_be_bytes(id.to_bytes())).collect()
    }

    #[test]
    fn the_oldest_traces_make_room_for_the_newest() {
        let mut kept = Kept::new(2);
        for trace in [1, 2, 1, 3] {
            kept.add(spans(trace, 0, 1));
        }
        assert_eq!((ids(&kept), kept.all_traces(), kept.all_spans()), (vec![2, 3], 3, 3));
    }

    #[test]
    fn few_traces_with_many_spans_are_bounded_as_well() {
        let mut kept = Kept::new(1000);
        for trace in 1..=5 {
            kept.add(spans(trace, 0, MOST_SPANS as u64 / 4));
        }
        assert_eq!(ids(&kept), [2, 3, 4, 5]);
        kept.add(spans(6, 0, MOST_SPANS as u64 + 1));
        assert_eq!(
            (ids(&kept), kept.spans),
            (vec![6], MOST_SPANS + 1),
            "the newest is kept, however large it is"
        );
    }

    #[test]
    fn a_span_that_is_sent_again_is_there_once() {
        let mut kept = Kept::new(2);
        kept.add(spans(1, 0, 3));
        kept.add(spans(1, 1, 3));
        assert_eq!((kept.all_spans(), kept.traces[&TraceId::from(1)].trace.len()), (4, 4));
    }
}
