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
