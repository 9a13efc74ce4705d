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
mod tests;
