use std::fmt;

use opentelemetry::trace::{SpanKind, Status};

use super::forest::walk;
use super::value::find;
use super::{Span, Value};

/// A tree of names, with as much beside them as an assertion is about. [`Trace::outline`](super::Trace::outline) returns it,
/// and its `Display` writes it, without a line feed at the end.
///
/// Nothing in it depends on how fast the machine is. With everything asked for, a failed call looks like this:
///
/// ```text
/// method call: MyCharm.handle (client) [error: no such unit] {code.function.name=handle}
///   * exception {exception.message=no such unit}
/// ```
#[derive(Debug, Clone)]
pub struct Outline<'a> {
    spans: &'a [Span],
    status: bool,
    kinds: bool,
    events: bool,
    attributes: Vec<String>,
}

impl<'a> Outline<'a> {
    pub(super) fn new(spans: &'a [Span]) -> Self {
        Self { spans, status: false, kinds: false, events: false, attributes: Vec::new() }
    }

    /// Adds `[ok]` or `[error: message]` after spans whose status is set.
    #[must_use]
    pub fn status(mut self) -> Self {
        self.status = true;
        self
    }

    /// Adds the kind after spans that are not internal, e.g. `(client)`.
    #[must_use]
    pub fn kinds(mut self) -> Self {
        self.kinds = true;
        self
    }

    /// Adds a line `* name` below its span for each span event.
    #[must_use]
    pub fn events(mut self) -> Self {
        self.events = true;
        self
    }

    /// Adds these attributes, in this order, to the spans and span events that have them.
    #[must_use]
    pub fn attributes(mut self, keys: &[&str]) -> Self {
        self.attributes.extend(keys.iter().map(|&key| key.to_owned()));
        self
    }

    fn chosen(&self, attributes: &[(String, Value)]) -> String {
        let found = |key: &String| Some(format!("{key}={}", find(attributes, key)?));
        let found: Vec<_> = self.attributes.iter().filter_map(found).collect();
        if found.is_empty() { String::new() } else { format!(" {{{}}}", found.join(", ")) }
    }
}

impl fmt::Display for Outline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line_feed = "";
        for place in walk(self.spans) {
            let span = place.span;
            // The formatter takes no width above 65,535.
            let indent = "  ".repeat(place.depth);
            write!(f, "{line_feed}{indent}{}", span.name)?;
            line_feed = "\n";
            if self.kinds && span.kind != SpanKind::Internal {
                write!(f, " ({})", format!("{:?}", span.kind).to_lowercase())?;
            }
            match &span.status {
                Status::Ok if self.status => f.write_str(" [ok]")?,
                Status::Error { description } if self.status && description.is_empty() => {
                    f.write_str(" [error]")?;
                }
                Status::Error { description } if self.status => write!(f, " [error: {description}]")?,
                _ => {}
            }
            f.write_str(&self.chosen(&span.attributes))?;
            for event in span.events.iter().filter(|_| self.events) {
                let chosen = self.chosen(&event.attributes);
                write!(f, "\n{indent}  * {}{chosen}", event.name)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
}
