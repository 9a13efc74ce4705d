//! Checks that spans are such that a backend can build a trace of them.

use std::collections::HashSet;

use super::forest::{Standing, walk};
use crate::collector::{CollectedSpan, hex};

/// Checks that the spans form trees: every parent there, no id twice, ids of 16 and 8 bytes.
///
/// A parent in another process, which the spans' flags say, need not be there.
///
/// # Errors
/// All that is wrong, in the order of the tree.
pub fn check(spans: &[CollectedSpan]) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    let mut seen = HashSet::new();
    for place in walk(spans) {
        let span = &place.span.span;
        let mut found = |defect: String| problems.push(format!("{:?} {defect}", span.name));
        for (which, id, length) in [
            ("trace id", &span.trace_id, 16),
            ("span id", &span.span_id, 8),
            ("parent span id", &span.parent_span_id, 8),
        ] {
            let absent = which == "parent span id" && id.is_empty();
            if !absent && (id.len() != length || id.iter().all(|&byte| byte == 0)) {
                found(format!("has no valid {which}: \"{}\"", hex(id)));
            }
        }
        if !seen.insert((&span.trace_id, &span.span_id)) {
            found(format!("has the span id {}, which another span has too", hex(&span.span_id)));
        }
        match place.standing {
            Standing::Root | Standing::Child => {}
            Standing::Orphan => {
                found(format!("has the parent {}, which is missing", hex(&span.parent_span_id)));
            }
            Standing::InCircle => found("is its own ancestor".to_owned()),
        }
        if span.end_time_unix_nano < span.start_time_unix_nano {
            found("ended before it started".to_owned());
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::forest::spans::{span, with};

    fn problems(spans: &[CollectedSpan]) -> Vec<String> {
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
        let elsewhere = with(span("child", 2, 1), |span| span.trace_id[0] = 7);
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
    fn finds_ids_of_the_wrong_length_and_zeros() {
        let short = with(span("short", 1, 0), |span| span.trace_id = vec![1; 15]);
        let invalid = |name, which, id: String| format!(r#""{name}" has no valid {which}: "{id}""#);
        assert_eq!(problems(&[short]), [invalid("short", "trace id", "01".repeat(15))]);
        let zero = span("zero", 0, 0);
        assert_eq!(problems(&[zero]), [invalid("zero", "span id", "00".repeat(8))]);
        let parent = with(span("root", 1, 0), |span| span.parent_span_id = vec![0; 8]);
        assert_eq!(problems(&[parent])[0], invalid("root", "parent span id", "00".repeat(8)));
    }

    #[test]
    fn finds_a_circle_and_an_end_before_the_start() {
        assert_eq!(problems(&[span("a", 1, 2), span("b", 2, 1)]), [r#""a" is its own ancestor"#]);
        let backwards = with(span("root", 1, 0), |span| span.end_time_unix_nano = 0);
        assert_eq!(problems(&[backwards]), [r#""root" ended before it started"#]);
    }
}
