use std::panic::catch_unwind;

use opentelemetry::trace::Status;

use super::*;
use crate::testing::fixture::{span, with};

fn trace() -> Trace {
    let failed = with(span("b", 3, 1), |span| span.status = Status::error("no such unit"));
    let other = with(span("other", 1, 0), |span| {
        span.trace_id = 7.into();
        span.start_unix_nanos = 0;
    });
    // Spans arrive as they end.
    vec![span("a", 4, 3), failed, span("a", 2, 1), span("root", 1, 0), other].into()
}

fn ids(spans: Vec<&Span>) -> Vec<String> {
    spans.into_iter().map(|span| format!("{}{}", span.name, span.span_id.to_bytes()[7])).collect()
}

fn message(assertion: impl FnOnce(&Trace) + std::panic::UnwindSafe) -> String {
    let refused = catch_unwind(|| assertion(&trace())).unwrap_err();
    *refused.downcast::<String>().unwrap()
}

#[test]
fn relatives_are_found_in_their_own_trace_and_in_the_order_of_the_tree() {
    let trace = trace();
    assert_eq!(trace.tree(), "other\nroot\n  a\n  b [error: no such unit]\n    a\n");
    let root = trace.span("root");
    assert_eq!(ids(trace.roots()), ["other1", "root1"]);
    assert_eq!(ids(trace.children(root)), ["a2", "b3"]);
    assert_eq!(ids(trace.descendants(root)), ["a2", "b3", "a4"]);
    assert_eq!(ids(trace.descendants(trace.span("other"))), [""; 0]);
    assert_eq!(ids(trace.find("a")), ["a2", "a4"]);
    assert_eq!(ids(trace.failed()), ["b3"]);
    assert_eq!(trace.parent(trace.span("b")), Some(root));
    assert_eq!(trace.parent(root), None);
}

#[test]
fn spans_are_split_by_their_trace() {
    let traces = trace().traces();
    let names = |trace: &Trace| trace.iter().map(|span| span.name.clone()).collect::<Vec<_>>();
    assert_eq!(traces.iter().map(names).collect::<Vec<_>>(), [&["other"][..], &["a", "b", "a", "root"]]);
}

#[test]
fn a_name_that_no_span_or_several_have_is_refused_with_the_tree() {
    let tree = trace().tree();
    assert_eq!(message(|trace| _ = trace.span("c")), format!("no span is named \"c\" in\n{tree}"));
    assert_eq!(message(|trace| _ = trace.span("a")), format!("2 spans are named \"a\" in\n{tree}"));
    let nothing = catch_unwind(|| _ = Trace::default().span("a")).unwrap_err();
    assert_eq!(*nothing.downcast::<String>().unwrap(), "no span is named \"a\" in\na trace without spans\n");
}

#[test]
fn an_expected_tree_may_be_indented_like_the_code_around_it() {
    trace().assert_tree(
        "
            other
            root
              a
              b [error: no such unit]
                a
            ",
    );
    trace().assert_tree("other\nroot\n  a\n  b [error: no such unit]\n    a\n");
    Trace::default().assert_tree("");
}

#[test]
fn another_tree_than_expected_is_shown_beside_it_with_the_first_difference_marked() {
    assert_eq!(
        message(|trace| trace.assert_tree("other\nroot\n  a\n    b\n")),
        "\
the trees differ in line 4
expected:
   other
   root
     a
->     b
found:
   other
   root
     a
->   b [error: no such unit]
       a
"
    );
    let end = message(|trace| trace.assert_tree("other\nroot\n  a\n"));
    assert!(end.contains("     a\n-> (nothing)\nfound:\n"), "{end}");
}
