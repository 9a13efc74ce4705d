use std::borrow::Cow;
use std::fmt;
use std::thread;
use std::time::SystemTime;

use opentelemetry::trace::{Event, SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, ContextGuard, KeyValue};

use super::attribute::Attributes;
use super::failure::Failure;
use super::future::{FutureSpan, Traced};
use super::returned::Returns;
use super::{Callee, Site, alive, panic, quiet, text};
use crate::recorder::{Details, Handle, LiveSpan, now};
use crate::{globals, names};

/// A span that is open. It ends when this is dropped: as an error if that happens while a panic unwinds the thread.
///
/// It is the current one of a thread while its context is attached there.
#[derive(Debug)]
pub(crate) struct OpenSpan {
    /// None once it was ended.
    handle: Option<Handle>,
    /// A span opened by a destructor while a panic unwinds is not touched by that panic.
    unwinding_before: bool,
}

impl OpenSpan {
    /// As a child of the innermost open span, whichever API opened that one; on a thread without any, of the root.
    /// None when nothing records, on a thread that is ending, in work that is done only for a trace, and if the trace has
    /// grown to its limit.
    pub(crate) fn start(name: impl Into<Cow<'static, str>>, attributes: Vec<KeyValue>) -> Option<Self> {
        let details = || Some(Box::new(Details::named(name, attributes)));
        Self::open(|| (None, details()), |_, _, _| ()).map(|(span, ())| span)
    }

    /// The same with the context to attach.
    fn start_in_context(
        name: impl Into<Cow<'static, str>>,
        attributes: Vec<KeyValue>,
    ) -> Option<(Self, Context)> {
        let details = || Some(Box::new(Details::named(name, attributes)));
        Self::open(|| (None, details()), in_context)
    }

    /// The span of a traced call, which is open while it runs.
    fn of_call(callee: Callee) -> Option<(Self, Context)> {
        Self::open(|| (Some(callee.site()), None), in_context)
    }

    /// The same with attributes, evaluating which is the charm's own work.
    fn of_call_with(callee: Callee, attributes: impl FnOnce(&mut Attributes)) -> Option<(Self, Context)> {
        if quiet::is_own_work() {
            return None;
        }
        let mut own = Attributes::default();
        attributes(&mut own);
        let begin = || {
            let site = callee.site();
            (Some(site), own.into_details(site))
        };
        Self::open(begin, in_context)
    }

    /// `place` is called with the context in which the span is opened, while that is borrowed, and with its parent.
    #[inline]
    fn open<R>(
        begin: impl FnOnce() -> (Option<&'static Site>, Option<Box<Details>>),
        place: impl FnOnce(&Context, Handle, &SpanContext) -> R,
    ) -> Option<(Self, R)> {
        if quiet::is_own_work() {
            return None;
        }
        quiet::own_work(|| {
            if !alive::can_open_spans() {
                return None;
            }
            let (site, details) = begin();
            Context::map_current(|current| {
                if current.is_telemetry_suppressed() {
                    return None;
                }
                let root = if has_span(current) { None } else { Some(globals::root()?) };
                let parent = root.as_ref().unwrap_or(current).span();
                let parent = parent.span_context();
                let handle = globals::begin(parent, site, details, now())?;
                Some((Self::new(handle), place(current, handle, parent)))
            })
        })
    }

    /// A span that is attached no more, and what to attach where it goes on.
    fn into_context(self) -> Option<(Self, Context)> {
        let handle = self.handle?;
        quiet::own_work(|| {
            // Of its parent, or the root, only what they share is used.
            let current = Context::current();
            let root = if has_span(&current) { None } else { Some(globals::root()?) };
            let parent = root.as_ref().unwrap_or(&current).span();
            let context = in_context(&current, handle, parent.span_context());
            Some((self, context))
        })
    }

    #[inline]
    pub(crate) fn new(handle: Handle) -> Self {
        let unwinding_before = thread::panicking();
        if !unwinding_before {
            // What was caught before is not what will end this span.
            panic::forget();
        }
        Self { handle: Some(handle), unwinding_before }
    }

    pub(crate) fn add_event(&self, name: impl Into<Cow<'static, str>>, attributes: Vec<KeyValue>) {
        if let Some(handle) = self.handle {
            handle.add_event(Event::new(name, SystemTime::now(), attributes, 0));
        }
    }

    pub(crate) fn set_attribute(&self, attribute: KeyValue) {
        if let Some(handle) = self.handle {
            handle.set_attribute(attribute);
        }
    }

    /// Sets the status. The `exception` event is on the span of the function that failed.
    pub(crate) fn fail(&self, description: String) {
        if let Some(handle) = self.handle {
            handle.set_status(Status::error(description));
        }
    }

    /// Records the last panic of this thread, for a span that was open during it and outlives it.
    pub(crate) fn panicked(&self) {
        quiet::own_work(|| panic::unwinding().record(self));
    }

    /// Ends the span of a call that has returned: now, however long the failure takes to be told.
    #[inline]
    pub(super) fn end(mut self, failure: impl FnOnce() -> Option<Failure>) {
        let end = now();
        quiet::own_work(|| {
            if let Some(failure) = failure() {
                failure.record(&self);
            }
            if let Some(handle) = self.handle.take() {
                globals::end(handle, end);
            }
        });
    }

    #[inline]
    fn note(&self, failure: impl FnOnce() -> Option<Failure>) {
        quiet::own_work(|| {
            if let Some(failure) = failure() {
                failure.record(self);
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
    #[inline]
    fn drop(&mut self) {
        if !thread::panicking() {
            // One that passed spans was caught by now.
            panic::forget();
        } else if !self.unwinding_before {
            self.panicked();
        }
        if let Some(handle) = self.handle {
            handle.end(now());
        }
    }
}

/// Otherwise spans are opened below the root of the session.
#[inline]
fn has_span(context: &Context) -> bool {
    context.span().span_context().is_valid()
}

/// The context in which a span below `parent` is the current one.
#[inline]
fn in_context(current: &Context, handle: Handle, parent: &SpanContext) -> Context {
    current.with_span(LiveSpan::of(handle, parent))
}

/// Makes a span the current one of its thread while it lives.
#[derive(Debug)]
pub(crate) struct Current(Option<ContextGuard>);

impl Current {
    #[inline]
    pub(crate) fn attach(context: Context) -> Self {
        Self(quiet::own_work(|| Some(context.attach())))
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        quiet::own_work(|| self.0.take());
    }
}

/// The span of a traced call, current on this thread while it lives. Empty when nothing records.
#[derive(Debug)]
#[must_use = "the span ends when this is dropped"]
pub struct Entered(Option<EnteredSpan>);

/// In the order in which the fields are dropped: first the span stops being current, then it ends.
#[derive(Debug)]
struct EnteredSpan {
    _current: Current,
    span: OpenSpan,
}

/// Opens the span of a call.
#[inline]
pub fn enter(callee: Callee) -> Entered {
    if globals::is_recording() { enter_now(callee) } else { Entered(None) }
}

/// The same with attributes, which are evaluated only for a span that is recorded.
#[inline]
pub fn enter_with(callee: Callee, attributes: impl FnOnce(&mut Attributes)) -> Entered {
    if globals::is_recording() { enter_with_now(callee, attributes) } else { Entered(None) }
}

#[cold]
#[inline(never)]
fn enter_now(callee: Callee) -> Entered {
    Entered::of(OpenSpan::of_call(callee))
}

#[cold]
#[inline(never)]
fn enter_with_now(callee: Callee, attributes: impl FnOnce(&mut Attributes)) -> Entered {
    Entered::of(OpenSpan::of_call_with(callee, attributes))
}

impl Entered {
    #[inline]
    fn of(opened: Option<(OpenSpan, Context)>) -> Self {
        Self(opened.map(|(span, context)| EnteredSpan { _current: Current::attach(context), span }))
    }

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
        Traced::new(future, if self.0.is_some() { carry_now(self, failure) } else { FutureSpan::NONE })
    }

    /// The span, current no more.
    #[inline]
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
    FutureSpan::new(OpenSpan::of_call_with(callee, attributes), failure)
}

#[cold]
#[inline(never)]
fn carry_now<T>(entered: Entered, failure: fn(&T) -> Option<Failure>) -> FutureSpan<T> {
    // Now its caller's context is the current one.
    let span = entered.detach();
    FutureSpan::new(span.and_then(OpenSpan::into_context), failure)
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
    let (span, context) = if globals::is_recording() { open_event(name) } else { None }.unzip();
    let _current = context.map(Current::attach);
    handle(span.as_ref())
}

/// The span `event: <name>` with its span event, and its context.
pub(crate) fn open_event(name: &str) -> Option<(OpenSpan, Context)> {
    let (span, context) = OpenSpan::start_in_context(names::event(name), Vec::new())?;
    span.add_event(name.to_owned(), Vec::new());
    Some((span, context))
}
