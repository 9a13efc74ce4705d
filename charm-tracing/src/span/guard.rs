use std::borrow::Cow;
use std::fmt;
use std::thread;

use opentelemetry::trace::{SpanRef, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, ContextGuard, KeyValue};

use super::failure::Failure;
use super::{Callee, alive, panic, text};
use crate::{globals, names};

/// A span that is open. It is not the current one of any thread until its context is attached, and it ends when it
/// is dropped: as an error if that happens while a panic unwinds the thread.
#[derive(Debug)]
pub(crate) struct OpenSpan {
    context: Context,
    /// A span opened by a destructor while a panic unwinds is not touched by that panic.
    unwinding_before: bool,
}

impl OpenSpan {
    /// As a child of the innermost open span, whichever API opened that one; on a thread without any, of the root.
    /// None when nothing records, and on a thread that is ending.
    pub(crate) fn start(name: impl Into<Cow<'static, str>>, attributes: Vec<KeyValue>) -> Option<Self> {
        let recorder = globals::recorder()?;
        if !alive::can_open_spans() {
            return None;
        }
        let parent = Context::current();
        if parent.is_telemetry_suppressed() {
            return None;
        }
        let parent = if parent.span().span_context().is_valid() { parent } else { recorder.root()? };
        let builder = recorder.tracer().span_builder(name).with_attributes(attributes);
        let span = recorder.tracer().build_with_context(builder, &parent);
        Some(Self::new(parent.with_span(span)))
    }

    /// The span of a traced call, which is open while it runs.
    pub(super) fn of_call(callee: Callee) -> Option<Self> {
        Self::start(callee.span_name(), callee.attributes())
    }

    /// The span that `context` is about.
    pub(crate) fn new(context: Context) -> Self {
        Self { context, unwinding_before: thread::panicking() }
    }

    pub(crate) fn attach(&self) -> ContextGuard {
        self.context.clone().attach()
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn span(&self) -> SpanRef<'_> {
        self.context.span()
    }

    /// Sets the status. The `exception` event is on the span of the function that failed.
    pub(crate) fn fail(&self, description: String) {
        self.span().set_status(Status::error(description));
    }

    /// Records the last panic of this thread, for a span that was open during it and outlives it.
    pub(crate) fn panicked(&self) {
        panic::unwinding().record(&self.span());
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        if !thread::panicking() {
            // One that passed spans was caught by now.
            panic::forget();
        } else if !self.unwinding_before {
            self.panicked();
        }
        self.span().end();
    }
}

/// The span of a traced call, current on this thread while it lives. Empty when nothing records.
#[derive(Debug)]
#[must_use = "the span ends when this is dropped"]
pub struct Entered(Option<EnteredSpan>);

/// In the order in which the fields are dropped: first the span stops being current, then it ends.
#[derive(Debug)]
struct EnteredSpan {
    _current: ContextGuard,
    span: OpenSpan,
}

/// Opens the span of a call.
#[inline]
pub fn enter(callee: Callee) -> Entered {
    if globals::is_recording() { open(callee) } else { Entered(None) }
}

#[cold]
#[inline(never)]
fn open(callee: Callee) -> Entered {
    Entered(OpenSpan::of_call(callee).map(|span| EnteredSpan { _current: span.attach(), span }))
}

impl Entered {
    /// Asks `failure` about the value that the call returns, if anybody records it.
    #[inline]
    pub fn returned<T>(&self, value: &T, failure: impl FnOnce(&T) -> Option<Failure>) {
        if let Some(entered) = &self.0
            && let Some(failure) = failure(value)
        {
            failure.record(&entered.span.span());
        }
    }
}

/// Opens the span of a custom or re-emitted event around `handle`, e.g. `event: certificates_available`.
///
/// Events nest: what one handler emits is a child of that handler's span. Without an open session this is a plain call.
///
/// ```
/// let renewed = charm_tracing::event("certificates_available", || 2);
/// assert_eq!(renewed, 2);
/// ```
pub fn event<R>(name: &str, handle: impl FnOnce() -> R) -> R {
    in_event(name, |_| handle())
}

/// The same for a handler that can fail: an error marks the span as failed.
///
/// ```
/// let renewed: Result<u8, _> = charm_tracing::try_event("certificates_available", || "two".parse());
/// assert!(renewed.is_err());
/// ```
///
/// # Errors
///
/// The handler's own.
pub fn try_event<T, E: fmt::Debug>(name: &str, handle: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    in_event(name, |span| {
        let result = handle();
        if let (Some(span), Err(error)) = (span, &result) {
            span.fail(text::headline(error));
        }
        result
    })
}

fn in_event<R>(name: &str, handle: impl FnOnce(Option<&OpenSpan>) -> R) -> R {
    let span = if globals::is_recording() { open_event(name) } else { None };
    let _current = span.as_ref().map(OpenSpan::attach);
    handle(span.as_ref())
}

/// The span `event: <name>` with its span event.
pub(crate) fn open_event(name: &str) -> Option<OpenSpan> {
    let span = OpenSpan::start(names::event(name), Vec::new())?;
    span.span().add_event(name.to_owned(), Vec::new());
    Some(span)
}
