//! Which span is whose child, walked from top to bottom without recursion: a trace may be thousands deep.

use std::collections::HashMap;

use crate::collector::CollectedSpan;

/// Where one span stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) span: &'a CollectedSpan,
    /// 0 for a root.
    pub(super) depth: usize,
    pub(super) standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has no parent, or its parent was said to be in another process.
    Root,
    /// Its parent is the span it stands under.
    Child,
    /// It names a parent that is not there.
    Orphan,
    /// It is its own ancestor; it stands where the circle was cut open.
    InCircle,
}

/// All spans, each parent before its children, siblings by the time they started, traces by the time they began.
pub(super) fn walk(spans: &[CollectedSpan]) -> Vec<Place<'_>> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|&index| spans[index].span.start_time_unix_nano);

    let parents = parents(spans);
    let mut children = vec![Vec::new(); spans.len()];
    for &index in order.iter().rev() {
        if let Some(parent) = parents[index] {
            // Latest first: the walk takes them from the end.
            children[parent].push(index);
        }
    }

    let mut visited = vec![false; spans.len()];
    let mut places = Vec::with_capacity(spans.len());
    let roots = order.iter().filter(|&&index| parents[index].is_none());
    // What no root leads to is in a circle, or hangs from one.
    for (&top, cut) in roots.map(|top| (top, false)).chain(order.iter().map(|top| (top, true))) {
        let mut ahead = vec![(top, 0)];
        while let Some((index, depth)) = ahead.pop() {
            if std::mem::replace(&mut visited[index], true) {
                continue;
            }
            let standing = match depth {
                0 if cut => Standing::InCircle,
                0 if has_lost_parent(&spans[index]) => Standing::Orphan,
                0 => Standing::Root,
                _ => Standing::Child,
            };
            places.push(Place { span: &spans[index], depth, standing });
            ahead.extend(children[index].iter().map(|&child| (child, depth + 1)));
        }
    }
    places
}

/// The index of each span's parent. Where two spans claim one id, the first to be sent is the parent.
fn parents(spans: &[CollectedSpan]) -> Vec<Option<usize>> {
    let mut by_id = HashMap::new();
    for (index, CollectedSpan { span, .. }) in spans.iter().enumerate() {
        by_id.entry((&span.trace_id, &span.span_id)).or_insert(index);
    }
    let parent = |CollectedSpan { span, .. }: &CollectedSpan| {
        by_id.get(&(&span.trace_id, &span.parent_span_id)).copied()
    };
    spans.iter().map(parent).collect()
}

/// Returns true if the span's parent is missing and should have been among the spans.
fn has_lost_parent(CollectedSpan { span, .. }: &CollectedSpan) -> bool {
    // Bits 8 and 9 of the flags: whether it is known that the parent is remote, and whether it is.
    const REMOTE: u32 = 0b11 << 8;
    !span.parent_span_id.is_empty() && span.flags & REMOTE != REMOTE
}

#[cfg(test)]
mod tests {
    use super::spans::span;
    use super::walk;

    #[test]
    fn a_very_deep_trace_does_not_overflow_the_stack() {
        let spans: Vec<_> = (0..20_000).map(|depth| span("call", depth + 1, depth)).collect();
        assert_eq!(walk(&spans).last().map(|place| place.depth), Some(19_999));
    }
}

/// Spans to draw trees of.
#[cfg(test)]
pub(super) mod spans {
    use opentelemetry_proto::tonic::trace::v1::Span;

    use crate::collector::CollectedSpan;

    /// A span of one trace; it starts the later the greater its id is. Without a parent if that is 0.
    pub(in crate::tree) fn span(name: &str, id: u64, parent: u64) -> CollectedSpan {
        let parent_span_id = if parent == 0 { Vec::new() } else { parent.to_be_bytes().to_vec() };
        CollectedSpan {
            resource: std::sync::Arc::default(),
            scope: std::sync::Arc::default(),
            span: Span {
                name: name.to_owned(),
                trace_id: vec![1; 16],
                span_id: id.to_be_bytes().to_vec(),
                parent_span_id,
                start_time_unix_nano: 1_000 + id,
                end_time_unix_nano: 1_000_000,
                ..Span::default()
            },
        }
    }

    pub(in crate::tree) fn with(mut span: CollectedSpan, change: impl FnOnce(&mut Span)) -> CollectedSpan {
        change(&mut span.span);
        span
    }
}
