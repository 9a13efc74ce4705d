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
mod tests {
    use super::*;
    use crate::testing::fixture::{span, with};

    fn problems(spans: &[Span]) -> Vec<String> {
        check(spans).expect_err("something is wrong")
    }

    #[test]
    fn finds_nothing_wrong_with_a_tree() {
        assert_eq!(check(&[span("child", 2, 1), span("root", 1, 0)]), Ok(()));
        assert_eq!(check(&[]), Ok(()));
    }

    #[test]
    fn finds_the_missing_parent() {
        let problems = problems(&[span("root", 1, 0), span("lost", 3, 9)]);
        assert_eq!(problems, [r#""lost" has the parent 0000000000000009, which is missing"#]);
    }

    #[test]
    fn a_parent_in_another_trace_is_a_missing_one() {
        let elsewhere = with(span("child", 2, 1), |span| span.trace_id = 7.into());
        let problems = problems(&[span("root", 1, 0), elsewhere]);
        assert_eq!(problems, [r#""child" has the parent 0000000000000001, which is missing"#]);
    }

    #[test]
    fn a_remote_parent_need_not_be_there() {
        let remote = with(span("root", 1, 9), |span| span.flags = 0x301);
        assert_eq!(check(&[remote]), Ok(()));
        let local = with(span("root", 1, 9), |span| span.flags = 0x101);
        assert_eq!(problems(&[local]).len(), 1);
    }

    #[test]
    fn finds_an_id_used_twice() {
        let problems = problems(&[span("root", 1, 0), span("a", 2, 1), span("b", 2, 1)]);
        assert_eq!(problems, [r#""b" has the span id 0000000000000002, which another span has too"#]);
    }

    #[test]
    fn finds_a_circle_and_an_end_before_the_start() {
        assert_eq!(problems(&[span("a", 1, 2), span("b", 2, 1)]), [r#""a" is its own ancestor"#]);
        let backwards = with(span("root", 1, 0), |span| span.end_unix_nanos = 0);
        assert_eq!(problems(&[backwards]), [r#""root" ended before it started"#]);
    }
}
