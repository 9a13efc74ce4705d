use std::borrow::Cow;
#[cfg(feature = "session")]
use std::mem;
use std::time::SystemTime;

use opentelemetry::trace::{Event, Link, Span, SpanContext, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue, StringValue};

use super::clock::{event_on_the_clock, now, on_the_clock};
use super::globals;
use super::journal::Journal;
use super::open_trace::OpenTrace;
use super::own_work::own_work;
use super::quota::{Purpose, Share};
use super::record::{Details, TraceContext};
use super::store::Handle;
use crate::site::Site;

/// Opens a trace that may record `quota` bytes, with a root below `parent`, and returns the root. Returns `None` if another
/// trace is open, which keeps recording.
///
/// `journal` writes the spans while the trace is open.
pub(crate) fn open_trace(
    quota: u64,
    parent: &SpanContext,
    details: Box<Details>,
    journal: Option<Box<Journal>>,
) -> Option<(Handle, Context)> {
    let mut opened = None;
    globals::open(|| {
        let (mut trace, root) = OpenTrace::begin(quota, parent, details, journal);
        let context = Context::current_with_span(LiveSpan::of(root, parent));
        trace.root = Some(context.clone());
        opened = Some((root, context));
        trace
    });
    opened
}

/// Returns the context of the root of the open trace; `None` if there is none or tracing is switched off.
#[cfg(feature = "tracing")]
pub(crate) fn root() -> Option<Context> {
    if globals::is_recording() { globals::with(|trace| trace.root.clone())? } else { None }
}

/// Returns the context of the parent of spans that have no nearer one: of the event while it is handled, else of the root. `None`
/// if no trace is open or tracing is switched off.
///
/// A new thread has no current span, but what it does while the event is handled nearly always belongs to the event.
pub(crate) fn parent_of_orphans() -> Option<Context> {
    if !globals::is_recording() {
        return None;
    }
    globals::with(|trace| trace.event.as_ref().or(trace.root.as_ref()).cloned())?
}

/// Sets the event that is handled; `None` if none is.
#[cfg(feature = "session")]
pub(crate) fn set_event(event: Option<Context>) {
    // The replaced context is dropped after the lock is released, because it may hold values of the charm.
    drop(globals::with(|trace| mem::replace(&mut trace.event, event)));
}

impl Handle {
    pub(crate) fn add_event(self, purpose: Purpose, event: Event) {
        self.change(purpose, |details, _, share| details.add_event(event, share));
    }

    pub(crate) fn set_attribute(self, purpose: Purpose, attribute: KeyValue) {
        self.change(purpose, |details, site, share| details.set_attribute(site, attribute, share));
    }

    #[cfg(feature = "tracing")]
    pub(crate) fn add_link(self, link: Link) {
        self.change(Purpose::Charm, |details, _, share| details.add_link(link, share));
    }

    /// Sets the status to an error, and `error.type` to the kind of the failure.
    pub(crate) fn fail(self, error_type: impl Into<StringValue>, description: String) {
        let error_type = error_type.into();
        self.change(Purpose::Failure, |details, site, share| {
            details.fail(site, error_type, description, share);
        });
    }

    /// Returns the context of this span, which is below `parent`, for the spans below it.
    #[inline]
    pub(crate) fn context(self, parent: &SpanContext) -> SpanContext {
        let TraceContext { id, flags } = TraceContext::below(parent);
        SpanContext::new(id, self.span_id, flags, false, parent.trace_state().clone())
    }

    pub(crate) fn is_open(self) -> bool {
        own_work(|| globals::with(|trace| trace.spans.find(self).is_some())).unwrap_or(false)
    }

    #[inline]
    pub(crate) fn end(self) {
        self.end_at(now());
    }

    /// Ends the span at `end`, in nanoseconds since 1970.
    #[inline]
    fn end_at(self, end: u64) {
        own_work(|| globals::with(|trace| trace.end_span(self, end)));
    }

    fn change(
        self,
        purpose: Purpose,
        change: impl FnOnce(&mut Details, Option<&'static Site>, &mut Share<'_>),
    ) {
        own_work(|| globals::with(|trace| trace.change(self, purpose, change)));
    }
}

/// A span as OpenTelemetry's `Context` holds it, and as tracers return it.
#[derive(Debug)]
pub struct LiveSpan {
    context: SpanContext,
    /// `None` for a span that is not recorded.
    handle: Option<Handle>,
    /// True if dropping this ends the span, because nothing else ends it.
    ends_when_dropped: bool,
}

impl LiveSpan {
    /// Returns a span below `parent` that other code ends.
    #[inline]
    pub(crate) fn of(handle: Handle, parent: &SpanContext) -> Self {
        Self { context: handle.context(parent), handle: Some(handle), ends_when_dropped: false }
    }

    /// Returns a span below `parent` that ends when this is dropped, unless it has been ended.
    pub(super) fn owning(handle: Handle, parent: &SpanContext) -> Self {
        Self { ends_when_dropped: true, context: handle.context(parent), handle: Some(handle) }
    }

    /// Returns a span that records nothing. Spans below it are children of `parent`.
    pub(super) fn unrecorded(parent: SpanContext) -> Self {
        Self { context: parent, handle: None, ends_when_dropped: false }
    }

    fn change(&self, change: impl FnOnce(&mut Details, Option<&'static Site>, &mut Share<'_>)) {
        if let Some(handle) = self.handle {
            handle.change(Purpose::Charm, change);
        }
    }
}

impl Span for LiveSpan {
    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        let event = Event::new(name, event_on_the_clock(timestamp), attributes, 0);
        self.change(|details, _, share| details.add_event(event, share));
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.handle.is_some_and(Handle::is_open)
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        self.change(|details, site, share| details.set_attribute(site, attribute, share));
    }

    fn set_status(&mut self, status: Status) {
        self.change(|details, _, share| details.set_status(status, share));
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, new_name: T) {
        let name = new_name.into();
        self.change(|details, _, share| details.set_name(name, share));
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        let link = Link::new(span_context, attributes, 0);
        self.change(|details, _, share| details.add_link(link, share));
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        if let Some(handle) = self.handle.take() {
            handle.end_at(on_the_clock(timestamp));
        }
    }
}

impl Drop for LiveSpan {
    #[inline]
    fn drop(&mut self) {
        if let (true, Some(handle)) = (self.ends_when_dropped, self.handle) {
            handle.end();
        }
    }
}
