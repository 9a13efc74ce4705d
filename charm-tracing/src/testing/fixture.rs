//! Spans to draw trees of.

use super::Span;

/// Returns a span of one trace. The greater its id, the later it starts. It has no parent if `parent` is 0.
pub(super) fn span(name: &str, id: u64, parent: u64) -> Span {
    Span {
        name: name.to_owned(),
        trace_id: 1.into(),
        span_id: id.into(),
        parent_span_id: (parent != 0).then(|| parent.into()),
        start_unix_nanos: 1_000 + id,
        end_unix_nanos: 1_000_000,
        ..Span::default()
    }
}

pub(super) fn with(mut span: Span, change: impl FnOnce(&mut Span)) -> Span {
    change(&mut span);
    span
}
