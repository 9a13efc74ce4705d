//! Checks that spans are such that a backend can build a trace of them.

use std::collections::HashSet;

use super::Span;
use super::forest::{Standing, walk};

pub(super) fn check(spans: &[Span]) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    let mut seen = HashSet::new();
    for place in walk(spans) {
        let span = place.span;
        let mut found = |defect: String| problems.push(format!("{:?} {defect}", span.name));
        if !seen.insert((span.trace_id, span.span_id)) {
            found(format!("has the span id {}, which another span has too", span.span_id));
        }
        match (place.standing, span.parent_span_id) {
            (Standing::Orphan, Some(parent)) => found(format!("has the parent {parent}, which is missing")),
            (Standing::InCircle, _) => found("is its own ancestor".to_owned()),
            _ => {}
        }
        if span.end_unix_nanos < span.start_unix_nanos {
            found("ended before it started".to_owned());
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

#[cfg(test)]
mod tests;
