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
