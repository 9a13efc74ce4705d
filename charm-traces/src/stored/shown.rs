use std::collections::HashMap;
use std::path::PathBuf;

use charm_tracing::opentelemetry::trace::TraceId;
use charm_tracing::testing::Trace;

use super::{Place, State, Stored};
use crate::page::Entry;
use crate::summary::Summary;

/// A trace as it is shown: all spans of one trace id in one place.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) trace: Trace,
    pub(crate) summary: Summary,
    pub(crate) state: State,
    pub(crate) place: Place,
}

impl Shown {
    /// Returns the trace for a page.
    pub(crate) fn entry(&self) -> Entry<'_> {
        let name = self.place.path().file_name();
        Entry {
            trace: &self.trace,
            summary: self.summary.clone(),
            state: self.state.word(),
            source: name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        }
    }

    /// Returns the traces of the requests, oldest first. Python writes the spans of a dispatch in several requests; these are put
    /// together.
    pub(crate) fn all(stored: Vec<Stored>) -> Vec<Self> {
        let mut places: HashMap<(PathBuf, TraceId), usize> = HashMap::new();
        let mut all: Vec<(Trace, State, Place)> = Vec::new();
        for Stored { trace, state, place, .. } in stored {
            let is_one = trace.iter().all(|span| span.trace_id == trace.spans()[0].trace_id);
            // Most requests have one trace, which needs no copy.
            let parts = if is_one && !trace.is_empty() { vec![trace] } else { trace.traces() };
            for part in parts {
                let id = part.spans()[0].trace_id;
                let at = *places.entry((place.path().to_owned(), id)).or_insert(all.len());
                match all.get_mut(at) {
                    Some((trace, ..)) => trace.extend(part),
                    None => all.push((part, state, place.clone())),
                }
            }
        }
        let mut all: Vec<_> = all
            .into_iter()
            .map(|(trace, state, place)| {
                let summary = Summary::of(&trace);
                Self { trace, summary, state, place }
            })
            .collect();
        all.sort_by_key(|shown| shown.summary.start_nanos);
        all
    }
}
