use opentelemetry::trace::Status;

use super::*;
use crate::testing::fixture::{span, with};

fn lasting(span: Span, nanos: u64) -> Span {
    with(span, |span| span.end_unix_nanos = span.start_unix_nanos + nanos)
}

fn two_traces() -> [Span; 3] {
    let failed = with(lasting(span("method call: MyCharm.handle", 2, 1), 6_000_000), |span| {
        span.status = Status::error("no such unit\ncaused by");
        span.start_unix_nanos += 4_000_000;
        span.end_unix_nanos += 4_000_000;
    });
    let other = with(lasting(span("app/0: stop event", 4, 0), 2_000_000_000), |span| {
        span.trace_id = 9.into();
        span.start_unix_nanos += 100;
        span.end_unix_nanos += 100;
    });
    [lasting(span("app/0: start event", 1, 0), 12_345_000), failed, other]
}

#[test]
fn aligns_durations_and_marks_errors() {
    assert_eq!(
        picture(&two_traces(), 0),
        "\
trace 00000000000000000000000000000001
app/0: start event             12.3 ms
  method call: MyCharm.handle  6.00 ms  ✗ no such unit

trace 00000000000000000000000000000009
app/0: stop event               2.00 s
"
    );
}

#[test]
fn draws_each_bar_at_its_part_of_the_traces_time() {
    assert_eq!(
        picture(&two_traces(), 76),
        "\
trace 00000000000000000000000000000001
app/0: start event             12.3 ms  ████████████
  method call: MyCharm.handle  6.00 ms      ██████    ✗ no such unit

trace 00000000000000000000000000000009
app/0: stop event               2.00 s  ████████████
"
    );
}

#[test]
fn a_bar_has_at_least_one_character_inside_of_the_column() {
    let none = lasting(span("none", 1, 0), 0);
    let last = with(lasting(span("last", 3, 2), 0), |span| {
        span.start_unix_nanos = 2_000_000;
        span.end_unix_nanos = 2_000_000;
    });
    let times = Times::of(&[none.clone(), last.clone()]);
    assert_eq!(times.bar(&none, 12), "█");
    assert_eq!(times.bar(&last, 12), "           █");
    assert_eq!(Times::of(std::slice::from_ref(&none)).bar(&none, 12), "█");
}

#[test]
fn a_very_deep_trace_takes_few_blanks() {
    let spans: Vec<_> = (0..10_000).map(|depth| span("call", depth + 1, depth)).collect();
    let text = picture(&spans, 80);
    assert!(text.len() < 3_000_000, "{}", text.len());
    let indented = "  ".repeat(40);
    assert!(
        text.contains(&format!("\n{indented}call ")) && text.contains(&format!("\n{indented}(41) call "))
    );
    assert!(text.lines().last().is_some_and(|line| line.contains(" (9999) call ")));
}

#[test]
fn a_name_takes_one_line_and_does_nothing_to_a_terminal() {
    let odd = with(lasting(span("a\ntrace 1\u{1b}[31m", 1, 0), 1), |span| {
        span.status = Status::error("e\u{7}");
    });
    let expected = "trace 00000000000000000000000000000001\na trace 1 [31m  0.00 µs  ✗ e\n";
    assert_eq!(picture(&[odd], 0), expected);
}

#[test]
fn any_number_of_columns_is_taken() {
    let text = picture(&two_traces(), usize::MAX);
    assert!(text.lines().nth(1).is_some_and(|line| line.ends_with('█')));
}

#[test]
fn draws_nothing_of_no_spans() {
    assert_eq!(picture(&[], 80), "");
}

#[test]
fn writes_durations_with_three_digits_in_the_unit_that_fits() {
    let of = |nanos| in_words(Duration::from_nanos(nanos));
    assert_eq!(of(0), "0.00 µs");
    assert_eq!(of(1_234), "1.23 µs");
    assert_eq!(of(999_400), "999 µs");
    assert_eq!(of(999_900), "1.00 ms");
    assert_eq!(of(45_678_000), "45.7 ms");
    assert_eq!(of(61_000_000_000), "61.0 s");
}
