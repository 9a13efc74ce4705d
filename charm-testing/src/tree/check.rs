//! Whether spans are what a backend can build a trace of.

use std::collections::HashSet;
use std::fmt;

use super::forest::{Standing, walk};
use crate::collector::{CollectedSpan, hex};

/// Something that is wrong with one span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The span's name.
    pub span: String,
    /// What is wrong with it.
    pub defect: Defect,
}

/// What can be wrong with a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Defect {
    /// It names a parent in its own process that is not among the spans.
    MissingParent {
        /// The parent's id in hexadecimal.
        parent: String,
    },
    /// Another span of the same trace has the same id.
    DuplicateId {
        /// The id in hexadecimal.
        id: String,
    },
    /// It is its own ancestor.
    Circle,
    /// An id that is not as long as it must be, or all zero.
    Id {
        /// Which one: `trace id`, `span id` or `parent span id`.
        which: &'static str,
        /// The id in hexadecimal.
        id: String,
    },
    /// It ended before it started.
    EndsBeforeStart,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ", self.span)?;
        match &self.defect {
            Defect::MissingParent { parent } => write!(f, "has the parent {parent}, which is missing"),
            Defect::DuplicateId { id } => write!(f, "has the span id {id}, which another span has too"),
            Defect::Circle => write!(f, "is its own ancestor"),
            Defect::Id { which, id } => write!(f, "has no valid {which}: \"{id}\""),
            Defect::EndsBeforeStart => write!(f, "ended before it started"),
        }
    }
}

/// Checks that the spans form trees: every parent there, no id twice, ids of 16 and 8 bytes.
///
/// A parent in another process, which the spans' flags say, need not be there.
///
/// # Errors
/// All that is wrong, in the order of the tree.
pub fn check(spans: &[CollectedSpan]) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut seen = HashSet::new();
    for place in walk(spans) {
        let span = &place.span.span;
        let mut found = |defect| problems.push(Problem { span: span.name.clone(), defect });
        for (which, id, length) in [
            ("trace id", &span.trace_id, 16),
            ("span id", &span.span_id, 8),
            ("parent span id", &span.parent_span_id, 8),
        ] {
            let absent = which == "parent span id" && id.is_empty();
            if !absent && (id.len() != length || id.iter().all(|&byte| byte == 0)) {
                found(Defect::Id { which, id: hex(id) });
            }
        }
        if !seen.insert((&span.trace_id, &span.span_id)) {
            found(Defect::DuplicateId { id: hex(&span.span_id) });
        }
        match place.standing {
            Standing::Root | Standing::Child => {}
            Standing::Orphan => found(Defect::MissingParent { parent: hex(&span.parent_span_id) }),
            Standing::InCircle => found(Defect::Circle),
        }
        if span.end_time_unix_nano < span.start_time_unix_nano {
            found(Defect::EndsBeforeStart);
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::forest::spans::{span, with};

    fn defects(spans: &[CollectedSpan]) -> Vec<Defect> {
        check(spans).expect_err("something is wrong").into_iter().map(|problem| problem.defect).collect()
    }

    #[test]
    fn finds_nothing_wrong_with_a_tree() {
        assert_eq!(check(&[span("child", 2, 1), span("root", 1, 0)]), Ok(()));
        assert_eq!(check(&[]), Ok(()));
    }

    #[test]
    fn finds_the_missing_parent() {
        let problems = check(&[span("root", 1, 0), span("lost", 3, 9)]).expect_err("9 is not there");
        assert_eq!(problems[0].to_string(), r#""lost" has the parent 0000000000000009, which is missing"#);
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn a_parent_in_another_trace_is_a_missing_one() {
        let elsewhere = with(span("child", 2, 1), |span| span.trace_id[0] = 7);
        let parent = "0000000000000001".to_owned();
        assert_eq!(defects(&[span("root", 1, 0), elsewhere]), [Defect::MissingParent { parent }]);
    }

    #[test]
    fn a_remote_parent_need_not_be_there() {
        let remote = with(span("root", 1, 9), |span| span.flags = 0x301);
        assert_eq!(check(&[remote]), Ok(()));
        let local = with(span("root", 1, 9), |span| span.flags = 0x101);
        assert_eq!(defects(&[local]).len(), 1);
    }

    #[test]
    fn finds_an_id_used_twice() {
        let id = "0000000000000002".to_owned();
        let spans = [span("root", 1, 0), span("a", 2, 1), span("b", 2, 1)];
        assert_eq!(defects(&spans), [Defect::DuplicateId { id }]);
    }

    #[test]
    fn finds_ids_of_the_wrong_length_and_zeros() {
        let short = with(span("short", 1, 0), |span| span.trace_id = vec![1; 15]);
        assert_eq!(defects(&[short]), [Defect::Id { which: "trace id", id: "01".repeat(15) }]);
        let zero = span("zero", 0, 0);
        assert_eq!(defects(&[zero]), [Defect::Id { which: "span id", id: "00".repeat(8) }]);
        let parent = with(span("root", 1, 0), |span| span.parent_span_id = vec![0; 8]);
        assert_eq!(defects(&[parent])[0], Defect::Id { which: "parent span id", id: "00".repeat(8) });
    }

    #[test]
    fn finds_a_circle_and_an_end_before_the_start() {
        assert_eq!(defects(&[span("a", 1, 2), span("b", 2, 1)]), [Defect::Circle]);
        let backwards = with(span("root", 1, 0), |span| span.end_time_unix_nano = 0);
        assert_eq!(defects(&[backwards]), [Defect::EndsBeforeStart]);
    }
}
