use std::fmt::Write as _;

use opentelemetry::trace::{Event, SpanContext, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use super::{alive, own_work, text};
use crate::recorder::{Handle, Purpose, globals, now_of_event, parent_of_orphans};

/// The `error.type` of an error whose type is not known, by OpenTelemetry's conventions.
#[cfg(feature = "tracing")]
pub(super) const OTHER_ERROR: &str = "_OTHER";

/// The open span that a log line belongs to.
///
/// It is changed by its handle and not through OpenTelemetry's `SpanRef`, because that locks the span: the `Display` of an error
/// that the charm gives to `SpanRef::record_error` may log.
#[derive(Debug)]
pub(crate) struct LoggingSpan {
    handle: Handle,
    context: SpanContext,
}

impl LoggingSpan {
    /// Returns the innermost open span of the calling thread, else the event while it is handled, else the root; `None` if
    /// nothing records, and in work that is done only for a trace.
    pub(crate) fn current() -> Option<Self> {
        if !alive::is_recording_here() {
            return None;
        }
        own_work(|| {
            let context = Context::current();
            if context.is_telemetry_suppressed() {
                return None;
            }
            let context = context.span().span_context().clone();
            let context =
                if context.is_valid() { context } else { parent_of_orphans()?.span().span_context().clone() };
            let handle = globals::with(|trace| trace.spans.find_open(context.span_id()))??;
            Some(Self { handle, context })
        })
    }

    #[cfg(feature = "tracing")]
    pub(super) fn new(handle: Handle, context: SpanContext) -> Self {
        Self { handle, context }
    }

    /// Adds a log line as an event. Its name is the message.
    pub(crate) fn add_event(&self, message: &str, attributes: Vec<KeyValue>) {
        let event = Event::new(text::cut(message), now_of_event(), attributes, 0);
        self.handle.add_event(Purpose::Charm, event);
    }

    /// Adds the `exception` event of an error that was logged, and sets the status of the span to an error.
    #[cfg(feature = "tracing")]
    pub(crate) fn fail(&self, message: String, attributes: Vec<KeyValue>) {
        let event = Event::new("exception", now_of_event(), attributes, 0);
        self.handle.add_event(Purpose::Failure, event);
        self.handle.fail(OTHER_ERROR, message);
    }

    /// Adds the trace id and the span id to the end of a line.
    pub(crate) fn append_ids(&self, line: &mut String) {
        let _ = write!(line, " trace_id={} span_id={}", self.context.trace_id(), self.context.span_id());
    }
}
