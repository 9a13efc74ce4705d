use std::borrow::Cow;
use std::fmt;
use std::thread;

use opentelemetry::trace::{SpanRef, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, ContextGuard, KeyValue};

use super::attribute::Attributes;
use super::failure::Failure;
use super::future::{FutureSpan, Traced};
use super::returned::Returns;
use super::{Callee, alive, panic, quiet, text};
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
    /// None when nothing records, on a thread that is ending, and in work that is done only for a trace.
    pub(crate) fn start(name: impl Into<Cow<'static, str>>, attributes: Vec<KeyValue>) -> Option<Self> {
        if quiet::is_own_work() {
            return None;
        }
        quiet::own_work(|| {
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
        })
    }

    /// The span of a traced call, which is open while it runs.
    fn of_call(callee: Callee, attributes: impl FnOnce(&mut Attributes)) -> Option<Self> {
        if quiet::is_own_work() {
            return None;
        }
        let mut own = Attributes::default();
        attributes(&mut own);
        Self::start(callee.span_name(), callee.attributes(own.into_inner()))
    }

    /// The span that `context` is about.
    pub(crate) fn new(context: Context) -> Self {
        let unwinding_before = thread::panicking();
        if !unwinding_before {
            // What was caught before is not what will end this span.
            panic::forget();
        }
        Self { context, unwinding_before }
    }

    pub(crate) fn attach(&self) -> Current {
        Current(quiet::own_work(|| Some(self.context.clone().attach())))
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn span(&self) -> SpanRef<'_> {
        self.context.span()
    }

    /// Sets the status. The `exception` event is on the span of the function that failed.
    pub(crate) fn fail(&self, description: String) {
        quiet::own_work(|| self.span().set_status(Status::error(description)));
    }

    /// Records the last panic of this thread, for a span that was open during it and outlives it.
    pub(crate) fn panicked(&self) {
        quiet::own_work(|| panic::unwinding().record(&self.span()));
    }

    /// Ends the span of a call that has returned.
    pub(super) fn end(self, failure: impl FnOnce() -> Option<Failure>) {
        self.note(failure);
    }

    fn note(&self, failure: impl FnOnce() -> Option<Failure>) {
        quiet::own_work(|| {
            if let Some(failure) = failure() {
                failure.record(&self.span());
            }
        });
    }

    /// A span whose future is dropped half-way; a panic that is under way did not pass through it.
    pub(super) fn is_being_dropped(&mut self) {
        self.unwinding_before = thread::panicking();
    }

    /// Ends it then. It is no cancellation if what the future owned panicked while it was dropped.
    pub(super) fn cancelled(self) {
        if !thread::panicking() || self.unwinding_before {
            self.fail("cancelled".into());
        }
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
        quiet::own_work(|| self.span().end());
    }
}

/// Makes a span the current one of its thread while it lives.
#[derive(Debug)]
pub(crate) struct Current(Option<ContextGuard>);

impl Drop for Current {
    fn drop(&mut self) {
        quiet::own_work(|| self.0.take());
    }
}

/// The span of a traced call, current on this thread while it lives. Empty when nothing records.
#[derive(Debug)]
#[must_use = "the span ends when this is dropped"]
pub struct Entered(Option<Box<EnteredSpan>>);

/// In the order in which the fields are dropped: first the span stops being current, then it ends.
#[derive(Debug)]
struct EnteredSpan {
    _current: Current,
    span: OpenSpan,
}

/// Opens the span of a call.
#[inline]
pub fn enter(callee: Callee) -> Entered {
    if globals::is_recording() { enter_now(callee, |_| ()) } else { Entered(None) }
}

/// The same with attributes, which are evaluated only for a span that is recorded.
#[inline]
pub fn enter_with(callee: Callee, attributes: impl FnOnce(&mut Attributes)) -> Entered {
    if globals::is_recording() { enter_now(callee, attributes) } else { Entered(None) }
}

#[cold]
#[inline(never)]
fn enter_now(callee: Callee, attributes: impl FnOnce(&mut Attributes)) -> Entered {
    let span = OpenSpan::of_call(callee, attributes);
    Entered(span.map(|span| Box::new(EnteredSpan { _current: span.attach(), span })))
}

impl Entered {
    /// Passes on what the call returns; `leave` looks at it, if anybody records it.
    #[inline]
    pub fn leave<T>(self, returned: T, leave: impl FnOnce(Entered, T) -> T) -> T {
        if self.0.is_some() { leave_now(self, returned, leave) } else { returned }
    }

    /// Passes on what a call is about to return, in a function that stays where it is.
    #[inline]
    pub fn notice<T>(&self, _returns: Returns<T>, returned: T, failure: fn(&T) -> Option<Failure>) -> T {
        if let Some(entered) = &self.0 {
            entered.span.note(|| failure(&returned));
        }
        returned
    }

    /// The future that a call returns: its polls belong to the span.
    #[inline]
    pub(super) fn carry<F, T>(self, future: F, failure: fn(&T) -> Option<Failure>) -> Traced<F, T> {
        Traced::new(future, if self.0.is_some() { detach_now(self, failure) } else { FutureSpan::NONE })
    }

    /// The span, current no more.
    pub(super) fn detach(mut self) -> Option<OpenSpan> {
        self.0.take().map(|entered| entered.span)
    }
}

#[cold]
#[inline(never)]
fn leave_now<T>(entered: Entered, returned: T, leave: impl FnOnce(Entered, T) -> T) -> T {
    leave(entered, returned)
}

/// Opens the span of an `async fn`, when it is first polled. Before the body owns the arguments, which attributes may
/// use.
#[inline]
pub fn open_future<T>(
    callee: Callee,
    attributes: impl FnOnce(&mut Attributes),
    _returns: Returns<T>,
    failure: fn(&T) -> Option<Failure>,
) -> FutureSpan<T> {
    if globals::is_recording() { open_now(callee, attributes, failure) } else { FutureSpan::NONE }
}

/// Runs the body of a traced `async fn`.
#[inline]
pub fn trace_future<F, T>(span: FutureSpan<T>, body: F) -> Traced<F, T> {
    Traced::new(body, span)
}

/// Runs a function that returns `impl Future<Output = T>`.
#[inline]
pub fn call_for_future<T, F>(
    span: Entered,
    body: impl FnOnce() -> F,
    failure: fn(&T) -> Option<Failure>,
) -> Traced<F, T> {
    span.carry(body(), failure)
}

/// The same where a part of `T` cannot be written, but is to be found out from the future.
#[inline]
pub fn call_for_future_of<T, F: Future<Output = T>>(
    span: Entered,
    body: impl FnOnce() -> F,
    failure: fn(&T) -> Option<Failure>,
) -> Traced<F, T> {
    call_for_future(span, body, failure)
}

#[cold]
#[inline(never)]
fn open_now<T>(
    callee: Callee,
    attributes: impl FnOnce(&mut Attributes),
    failure: fn(&T) -> Option<Failure>,
) -> FutureSpan<T> {
    FutureSpan::new(OpenSpan::of_call(callee, attributes), failure)
}

#[cold]
#[inline(never)]
fn detach_now<T>(entered: Entered, failure: fn(&T) -> Option<Failure>) -> FutureSpan<T> {
    FutureSpan::new(entered.detach(), failure)
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
