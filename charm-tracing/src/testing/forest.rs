//! Finds the children of each span, and walks from top to bottom without recursion, because a trace may be thousands deep.

use std::collections::HashMap;

use super::Span;

/// The place of a span in the tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) span: &'a Span,
    /// 0 for a root.
    pub(super) depth: usize,
    pub(super) standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The span has no parent, or its flags say that the parent is in another process.
    Root,
    /// The parent is the span above it.
    Child,
    /// The parent is not among the spans.
    Orphan,
    /// The span is its own ancestor. The circle is cut open here.
    InCircle,
}

/// Returns all spans, each parent before its children. Siblings are in the order in which they started, and so are traces.
pub(super) fn walk(spans: &[Span]) -> Vec<Place<'_>> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|&index| spans[index].start_unix_nanos);

    let parents = parents(spans);
    let mut children = vec![Vec::new(); spans.len()];
    for &index in order.iter().rev() {
        if let Some(parent) = parents[index] {
            // The latest first, because the walk takes them from the end.
            children[parent].push(index);
        }
    }

    let mut visited = vec![false; spans.len()];
    let mut places = Vec::with_capacity(spans.len());
    let roots = order.iter().filter(|&&index| parents[index].is_none());
    // A span below no root is in a circle, or below one.
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

/// Returns the index of each span's parent. If two spans have the same id, the first one is the parent.
fn parents(spans: &[Span]) -> Vec<Option<usize>> {
    let mut by_id = HashMap::new();
    for (index, span) in spans.iter().enumerate() {
        by_id.entry((span.trace_id, span.span_id)).or_insert(index);
    }
    spans.iter().map(|span| by_id.get(&(span.trace_id, span.parent_span_id?)).copied()).collect()
}

/// Returns true if the span's parent is missing and should have been among the spans.
fn has_lost_parent(span: &Span) -> bool {
    span.parent_span_id.is_some() && !span.has_remote_parent()
}

#[cfg(test)]
mod tests {
    use super::walk;
    use crate::testing::fixture::span;

    #[test]
    fn a_very_deep_trace_does_not_overflow_the_stack() {
        let spans: Vec<_> = (0..20_000).map(|depth| span("call", depth + 1, depth)).collect();
        assert_eq!(walk(&spans).last().map(|place| place.depth), Some(19_999));
    }
}
