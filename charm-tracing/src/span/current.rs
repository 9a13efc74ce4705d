use std::borrow::Cow;
use std::error::Error;

use opentelemetry::propagation::Injector;
use opentelemetry::trace::{SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use super::{alive, text};
use crate::recorder::{globals, parent_of_orphans};
use crate::trace_context;

/// Returns the innermost open span of the calling thread; `None` if no session is open or tracing is switched off, so code that
/// adds to the span costs nothing then.
///
/// ```
/// use charm_tracing::opentelemetry::KeyValue;
///
/// if let Some(span) = charm_tracing::current_span() {
///     span.add_event("config_rendered", vec![KeyValue::new("files", 3)]);
/// }
/// ```
#[must_use]
pub fn current_span() -> Option<CurrentSpan> {
    if !globals::is_recording() || !alive::can_open_spans() {
        return None;
    }
    let context = Context::current();
    let context = if context.span().span_context().is_valid() { context } else { parent_of_orphans()? };
    context.span().is_recording().then_some(CurrentSpan(context))
}

/// A handle to an open span, with the methods of `opentelemetry::trace::SpanRef`; made by [`current_span`].
///
/// It may be kept and sent to other threads. After the span has ended its methods do nothing.
#[derive(Clone, Debug)]
pub struct CurrentSpan(Context);

impl CurrentSpan {
    /// Adds an event that happens now.
    pub fn add_event(&self, name: impl Into<Cow<'static, str>>, attributes: Vec<KeyValue>) {
        self.0.span().add_event(name.into(), attributes);
    }

    /// Sets one attribute; an earlier value of the same key is replaced.
    pub fn set_attribute(&self, attribute: KeyValue) {
        self.0.span().set_attribute(attribute);
    }

    /// Sets several attributes.
    pub fn set_attributes(&self, attributes: impl IntoIterator<Item = KeyValue>) {
        // One by one, because OpenTelemetry locks the span, and the iterator may use the span meanwhile.
        for attribute in attributes {
            self.set_attribute(attribute);
        }
    }

    /// Sets the status. `Ok` is final. Of two errors only one is kept, as in the OpenTelemetry SDK.
    pub fn set_status(&self, status: Status) {
        self.0.span().set_status(status);
    }

    /// Adds the `exception` event for `error`; the status stays as it is.
    pub fn record_error(&self, error: &dyn Error) {
        // `SpanRef::record_error` is not used, because it has the span locked while it formats the error.
        let message = text::display(error).map(|message| KeyValue::new("exception.message", message));
        self.add_event("exception", message.into_iter().collect());
    }

    /// Changes the span's name.
    pub fn update_name(&self, name: impl Into<Cow<'static, str>>) {
        self.0.span().update_name(name.into());
    }

    /// Returns the trace id and the span id.
    #[must_use]
    pub fn span_context(&self) -> SpanContext {
        self.0.span().span_context().clone()
    }

    /// Returns the span as a header of the W3C trace context, for a request whose receiver continues the trace:
    /// `00-<trace id>-<span id>-01`. The variable `TRACEPARENT` of a child process has the same form.
    ///
    /// ```
    /// # fn send(_: &str, _: &str) {}
    /// if let Some(span) = charm_tracing::current_span() {
    ///     send("traceparent", &span.traceparent());
    /// }
    /// ```
    #[must_use]
    pub fn traceparent(&self) -> String {
        trace_context::traceparent(self.0.span().span_context())
    }

    /// Writes the headers `traceparent` and, if the trace has a state, `tracestate`.
    ///
    /// A map of texts is an [`Injector`], and so is the `HeaderInjector` of the crate `opentelemetry-http`.
    ///
    /// ```
    /// let mut headers = std::collections::HashMap::new();
    /// if let Some(span) = charm_tracing::current_span() {
    ///     span.inject(&mut headers);
    /// }
    /// ```
    pub fn inject(&self, headers: &mut dyn Injector) {
        // The context is cloned, because `headers` is the charm's code and may use the span.
        let context = self.span_context();
        trace_context::inject(&context, headers);
    }

    /// Returns true if the span is still open.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.0.span().is_recording()
    }
}
