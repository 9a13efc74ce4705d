use std::fmt::Write;

use crate::testing::fixture::{span, with};
use crate::testing::{Span, SpanEvent, Trace};
use opentelemetry::trace::{SpanKind, Status};

fn names(spans: &[Span]) -> String {
    Trace::from(spans.to_vec()).outline().to_string()
}

#[test]
fn indents_children_below_their_parent_in_the_order_they_started() {
    // Spans arrive as they end: the innermost first.
    let spans = [
        span("method call: MyCharm.on_update_status", 4, 3),
        span("method call: MyCharm.report", 5, 3),
        span("method call: MyCharm.handle", 3, 2),
        span("event: update_status", 2, 1),
        span("app/0: update-status event", 1, 0),
    ];
    let mut shuffled = spans.to_vec();
    shuffled.swap(0, 1);
    let expected = "\
app/0: update-status event
  event: update_status
    method call: MyCharm.handle
      method call: MyCharm.on_update_status
      method call: MyCharm.report";
    assert_eq!(names(&spans), expected);
    assert_eq!(names(&shuffled), expected);
}

#[test]
fn shows_a_trace_of_any_depth() {
    let deepest = 33_000;
    let mut spans: Vec<_> = (0..=deepest).map(|depth| span("", depth + 1, depth)).collect();
    spans[usize::try_from(deepest).unwrap()].name = "deepest".to_owned();
    // Writes nothing down, because that would be a gigabyte.
    let mut last = String::new();
    write!(LastLine(&mut last), "{}", Trace::from(spans).outline()).unwrap();
    assert_eq!((last.len(), last.trim_start()), (2 * 33_000 + 7, "deepest"));
}

/// Keeps the last line of a text.
struct LastLine<'a>(&'a mut String);

impl Write for LastLine<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        if text == "\n" {
            self.0.clear();
        } else {
            self.0.push_str(text);
        }
        Ok(())
    }
}

#[test]
fn shows_traces_one_after_the_other() {
    let other = with(span("second", 1, 0), |span| {
        span.trace_id = 7.into();
        span.start_unix_nanos += 10;
    });
    assert_eq!(names(&[other, span("inner", 2, 1), span("first", 1, 0)]), "first\n  inner\nsecond");
}

#[test]
fn shows_spans_without_their_parent_at_the_top() {
    let spans =
        [span("root", 1, 0), span("lost", 2, 9), span("below", 3, 2), span("a", 4, 5), span("b", 5, 4)];
    assert_eq!(names(&spans), "root\nlost\n  below\na\n  b");
}

#[test]
fn shows_status_kind_events_and_chosen_attributes_when_asked() {
    let pair = |key: &str, value: &str| (key.to_owned(), value.into());
    let failed = with(span("failed", 1, 0), |span| {
        span.kind = SpanKind::Client;
        span.status = Status::error("no such unit");
        span.attributes = vec![pair("other", "x"), pair("code.function.name", "handle")];
        span.events = vec![SpanEvent {
            name: "exception".to_owned(),
            attributes: vec![pair("exception.message", "no such unit")],
            ..SpanEvent::default()
        }];
    });
    let fine = with(span("fine", 2, 1), |span| span.status = Status::Ok);
    let trace = Trace::from(vec![failed, fine]);
    let outline = trace.outline().status().kinds().events();
    let outline = outline.attributes(&["code.function.name", "exception.message"]);
    assert_eq!(
        outline.to_string(),
        "\
failed (client) [error: no such unit] {code.function.name=handle}
  * exception {exception.message=no such unit}
  fine [ok]"
    );
    assert_eq!(trace.outline().to_string(), "failed\n  fine");
    assert_eq!(trace.tree(), "failed [error: no such unit]\n  fine [ok]\n");
}
