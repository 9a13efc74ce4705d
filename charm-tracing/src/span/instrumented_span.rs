use opentelemetry::trace::{Link, SpanContext, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use super::logging_span::OTHER_ERROR;
use super::{Current, LoggingSpan, OpenSpan, Site, StatusOnly};
use crate::recorder::{Details, Purpose};

/// An open span of the crate `tracing`. It is current on the threads that have entered it, and ends when this is dropped.
#[derive(Debug)]
pub(crate) struct InstrumentedSpan {
    span: OpenSpan,
    context: Context,
}

impl InstrumentedSpan {
    /// Opens a span below that of the context `parent`; without it, below the innermost open span of the thread, whichever API
    /// opened that one. Returns `None` if nothing records, or telemetry is suppressed.
    pub(crate) fn start(
        parent: Option<Context>,
        site: &'static Site,
        attributes: Vec<KeyValue>,
    ) -> Option<Self> {
        // In the context of `parent`, telemetry may not be suppressed.
        if parent.is_some() && Context::map_current(Context::is_telemetry_suppressed) {
            return None;
        }
        let _current = parent.map(Current::attach);
        let details = Details::of_site(site, attributes);
        let (handle, context) = super::open::open_in_context(|| (Some(site), details))?;
        Some(Self { span: OpenSpan::new(handle), context })
    }

    /// Returns the context in which the span is the current one.
    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn set_attribute(&self, attribute: KeyValue) {
        self.span.handle().set_attribute(Purpose::Charm, attribute);
    }

    pub(crate) fn add_link(&self, to: SpanContext) {
        self.span.handle().add_link(Link::with_context(to));
    }

    /// Sets the status to an error.
    pub(crate) fn fail(&self, message: String) {
        self.span.fail(StatusOnly { error_type: OTHER_ERROR.into(), description: message });
    }

    /// Returns the span for what is logged with it as the parent.
    pub(crate) fn logging_span(&self) -> LoggingSpan {
        LoggingSpan::new(self.span.handle(), self.context.span().span_context().clone())
    }
}
