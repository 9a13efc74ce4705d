//! The trace event format of Chrome, which `chrome://tracing` and Perfetto read.
//!
//! A trace is a process, named for its unit and event. Its threads are rows: spans of one row are nested or apart, as the format
//! wants it of complete events, so a span that runs together with a sibling gets a row of its own. The first row has the number of its
//! process, as a main thread has; the numbers of the others are unlike any other, because Perfetto takes them for those of one machine. Times are microseconds since
//! the first span of all, with their fraction.

use charm_tracing::testing::{Span, Value};
use serde_json::{Map, Value as Json, json};

use crate::stored::Shown;

pub(super) fn chrome(traces: &[Shown]) -> String {
    let first = traces.iter().map(|shown| shown.summary.start_nanos).min().unwrap_or_default();
    let (mut events, mut next_thread) = (Vec::new(), traces.len() + 1);
    for (at, shown) in traces.iter().enumerate() {
        let process = at + 1;
        let name = format!("{}: {}", shown.summary.unit, shown.summary.event);
        events.push(json!({ "ph": "M", "name": "process_name", "pid": process, "args": { "name": name } }));
        events.push(json!({ "ph": "M", "name": "process_sort_index", "pid": process, "args": { "sort_index": process } }));
        events.push(json!({ "ph": "M", "name": "process_labels", "pid": process, "args": { "labels": shown.summary.id } }));
        let (mut rows, mut threads) = (Rows::default(), vec![process]);
        for (depth, span) in shown.trace.walk() {
            let row = rows.place(depth, span);
            while threads.len() <= row {
                threads.push(next_thread);
                next_thread += 1;
            }
            let thread = threads[row];
            events.push(complete(span, process, thread, first));
            events.extend(span.events.iter().map(|event| {
                json!({
                    "ph": "i", "s": "t", "name": event.name, "pid": process, "tid": thread,
                    "ts": micros(event.unix_nanos, first), "args": arguments(&event.attributes),
                })
            }));
        }
    }
    json!({ "traceEvents": events, "displayTimeUnit": "ms", "otherData": { "producer": "charm-traces" } })
        .to_string()
}

fn complete(span: &Span, process: usize, thread: usize, first: u64) -> Json {
    let mut arguments = arguments(&span.attributes);
    arguments.insert("span id".to_owned(), span.span_id.to_string().into());
    if let Some(parent) = span.parent_span_id {
        arguments.insert("parent span id".to_owned(), parent.to_string().into());
    }
    if span.is_failed() {
        arguments.insert("error".to_owned(), span.error().unwrap_or("error").into());
    }
    let mut event = json!({
        "ph": "X", "name": span.name, "cat": if span.is_failed() { "failed" } else { "span" }, "pid": process, "tid": thread,
        "ts": micros(span.start_unix_nanos, first), "dur": micros(span.end_unix_nanos, span.start_unix_nanos),
        "args": arguments,
    });
    if span.is_failed() {
        // The colour of chrome://tracing for what went wrong.
        event["cname"] = "terrible".into();
    }
    event
}

#[expect(clippy::cast_precision_loss, reason = "the format has numbers of JSON; within a day they are exact")]
fn micros(nanos: u64, since: u64) -> f64 {
    nanos.saturating_sub(since) as f64 / 1000.0
}

fn arguments(attributes: &[(String, Value)]) -> Map<String, Json> {
    attributes.iter().map(|(key, value)| (key.clone(), value.to_string().into())).collect()
}

/// The rows of a process.
#[derive(Default)]
struct Rows {
    all: Vec<Row>,
    /// The ancestors of the next span: the row and the number of each.
    path: Vec<(usize, usize)>,
    spans: usize,
}

#[derive(Default)]
struct Row {
    /// The start of the last span.
    last: u64,
    /// The spans that have not ended at that time, the outermost first: the end and the number of each.
    open: Vec<(u64, usize)>,
}

impl Rows {
    /// Returns the number of the first row, not above that of the parent, in which the span is in its ancestor, or in nothing.
    /// Spans come in the order of the tree, siblings in that of their starts.
    fn place(&mut self, depth: usize, span: &Span) -> usize {
        self.path.truncate(depth);
        let mut row = self.path.last().map_or(0, |(row, _)| *row);
        let (start, end) = (span.start_unix_nanos, span.end_unix_nanos.max(span.start_unix_nanos));
        loop {
            if row == self.all.len() {
                self.all.push(Row::default());
            }
            let Row { last, open } = &mut self.all[row];
            let around = open.iter().rev().find(|(until, _)| *until > start);
            let is_ancestor = |number| self.path.iter().rev().any(|(_, ancestor)| *ancestor == number);
            if start >= *last && around.is_none_or(|(until, number)| *until >= end && is_ancestor(*number)) {
                *last = start;
                open.retain(|(until, _)| *until > start);
                open.push((end, self.spans));
                break;
            }
            row += 1;
        }
        self.path.push((row, self.spans));
        self.spans += 1;
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(spans: &[(usize, u64, u64)]) -> Vec<usize> {
        let mut rows = Rows::default();
        let place = |(depth, start, end): &(usize, u64, u64)| {
            let span = Span { start_unix_nanos: *start, end_unix_nanos: *end, ..Span::default() };
            rows.place(*depth, &span)
        };
        spans.iter().map(place).collect()
    }

    #[test]
    fn spans_after_one_another_share_the_row_of_their_parent() {
        assert_eq!(rows(&[(0, 0, 100), (1, 0, 10), (2, 2, 3), (1, 10, 20), (1, 20, 100)]), [0; 5]);
    }

    #[test]
    fn a_span_beside_its_sibling_has_a_row_of_its_own_with_its_children() {
        assert_eq!(
            rows(&[(0, 0, 100), (1, 0, 10), (2, 8, 9), (1, 5, 12), (2, 6, 7), (1, 13, 14)]),
            [0, 0, 0, 1, 1, 0]
        );
    }

    #[test]
    fn a_span_that_outlives_its_parent_is_not_drawn_in_it() {
        assert_eq!(rows(&[(0, 0, 10), (1, 5, 15), (1, 6, 7)]), [0, 1, 0]);
    }
}
