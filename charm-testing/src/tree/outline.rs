//! Trees for assertions: nothing in them depends on how fast the machine is.

use std::fmt::Write;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::forest::{Standing, walk};
use crate::collector::{CollectedSpan, attribute};

/// The spans' names, a line each, indented by two blanks below their parent's; siblings in the order they started.
#[must_use]
pub fn names(spans: &[CollectedSpan]) -> String {
    Outline::new().of(spans)
}

/// A tree of names, with as much beside them as an assertion is about.
///
/// With everything asked for, a failed call looks like this:
///
/// ```text
/// method call: MyCharm.handle [error: no such unit] {code.function.name=handle}
///   * exception {exception.message=no such unit}
/// ```
#[derive(Debug, Clone, Default)]
pub struct Outline {
    status: bool,
    events: bool,
    attributes: Vec<String>,
}

impl Outline {
    /// Names only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `[ok]` or `[error: message]` after spans whose status is set.
    #[must_use]
    pub fn status(mut self) -> Self {
        self.status = true;
        self
    }

    /// Adds a line `* name` below its span for each event.
    #[must_use]
    pub fn events(mut self) -> Self {
        self.events = true;
        self
    }

    /// Adds these attributes, in this order, to the spans and events that have them.
    #[must_use]
    pub fn attributes(mut self, keys: &[&str]) -> Self {
        self.attributes.extend(keys.iter().map(|&key| key.to_owned()));
        self
    }

    /// Writes the tree of these spans, without a line feed at the end.
    #[must_use]
    pub fn of(&self, spans: &[CollectedSpan]) -> String {
        let mut lines = Vec::new();
        for place in walk(spans) {
            let span = &place.span.span;
            let mut line = format!("{}{}", "  ".repeat(place.depth), span.name);
            line.push_str(match place.standing {
                Standing::Root | Standing::Child => "",
                Standing::Orphan => " (its parent is missing)",
                Standing::InCircle => " (its own ancestor)",
            });
            if let Some(status) = span.status.as_ref().filter(|_| self.status) {
                match status.code() {
                    StatusCode::Unset => {}
                    StatusCode::Ok => line.push_str(" [ok]"),
                    StatusCode::Error if status.message.is_empty() => line.push_str(" [error]"),
                    StatusCode::Error => _ = write!(line, " [error: {}]", status.message),
                }
            }
            line.push_str(&self.chosen(&span.attributes));
            lines.push(line);
            for event in span.events.iter().filter(|_| self.events) {
                let indent = "  ".repeat(place.depth + 1);
                lines.push(format!("{indent}* {}{}", event.name, self.chosen(&event.attributes)));
            }
        }
        lines.join("\n")
    }

    fn chosen(&self, attributes: &[KeyValue]) -> String {
        let found = |key: &String| Some(format!("{key}={}", attribute(attributes, key)?));
        let found: Vec<_> = self.attributes.iter().filter_map(found).collect();
        if found.is_empty() { String::new() } else { format!(" {{{}}}", found.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
    use opentelemetry_proto::tonic::trace::v1::{Status, span::Event};

    use super::*;
    use crate::tree::forest::spans::{span, with};

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
    fn shows_traces_one_after_the_other() {
        let other = with(span("second", 1, 0), |span| {
            span.trace_id[0] = 7;
            span.start_time_unix_nano += 10;
        });
        assert_eq!(names(&[other, span("inner", 2, 1), span("first", 1, 0)]), "first\n  inner\nsecond");
    }

    #[test]
    fn shows_what_does_not_belong_anywhere() {
        let spans =
            [span("root", 1, 0), span("lost", 2, 9), span("below", 3, 2), span("a", 4, 5), span("b", 5, 4)];
        assert_eq!(names(&spans), "root\nlost (its parent is missing)\n  below\na (its own ancestor)\n  b");
    }

    #[test]
    fn shows_status_events_and_chosen_attributes_when_asked() {
        let pair = |key: &str, value: &str| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) }),
            ..KeyValue::default()
        };
        let failed = with(span("failed", 1, 0), |span| {
            span.status = Some(Status { message: "no such unit".to_owned(), code: StatusCode::Error.into() });
            span.attributes = vec![pair("other", "x"), pair("code.function.name", "handle")];
            span.events = vec![Event {
                name: "exception".to_owned(),
                attributes: vec![pair("exception.message", "no such unit")],
                ..Event::default()
            }];
        });
        let fine = with(span("fine", 2, 1), |span| {
            span.status = Some(Status { message: String::new(), code: StatusCode::Ok.into() });
        });
        let outline = Outline::new().status().events();
        let outline = outline.attributes(&["code.function.name", "exception.message"]);
        assert_eq!(
            outline.of(&[failed.clone(), fine.clone()]),
            "\
failed [error: no such unit] {code.function.name=handle}
  * exception {exception.message=no such unit}
  fine [ok]"
        );
        assert_eq!(names(&[failed, fine]), "failed\n  fine");
    }
}
