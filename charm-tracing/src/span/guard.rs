use std::borrow::Cow;
use std::fmt;
use std::thread;
use std::time::SystemTime;

use opentelemetry::trace::{Event, SpanContext, SpanId, Status, TraceContextExt};
use opentelemetry::{Context, ContextGuard, KeyValue};

use super::attribute::Attributes;
use super::failure::Failure;
use super::future::{FutureSpan, Traced};
use super::returned::Returns;
use super::{Callee, Site, alive, panic, quiet, text};
use crate::recorder::{Details, Handle, LiveSpan, Whose, now};
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
        open(|| (None, details()), |_, _, _| ()).map(Self::new)
    }

    /// The same with the context to attach.
    fn start_in_context(
        name: impl Into<Cow<'static, str>>,
        attributes: Vec<KeyValue>,
    ) -> Option<(Self, Context)> {
        let details = || Some(Box::new(Details::named(name, attributes)));
        let (handle, context) = open_in_context(|| (None, details()))?;
        Some((Self::new(handle), context))
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

    pub(crate) fn new(handle: Handle) -> Self {
        Self { handle: Some(handle), unwinding_before: is_unwinding() }
    }

    pub(crate) fn add_event(&self, name: impl Into<Cow<'static, str>>, attributes: Vec<KeyValue>) {
        if let Some(handle) = self.handle {
            handle.add_event(Whose::Failure, Event::new(name, SystemTime::now(), attributes, 0));
        }
    }

    pub(crate) fn set_attribute(&self, attribute: KeyValue) {
        if let Some(handle) = self.handle {
            handle.set_attribute(Whose::Trace, attribute);
        }
    }

    /// Sets the status. The `exception` event is on the span of the function that failed.
    pub(crate) fn fail(&self, description: String) {
        if let Some(handle) = self.handle {
            handle.set_status(Whose::Failure, Status::error(description));
        }
    }

    pub(crate) fn failed(&self, failure: Failure) {
        if let Some(handle) = self.handle {
            quiet::own_work(|| failure.record(handle));
        }
    }

    /// Records the last panic of this thread, for a span that was open during it and outlives it.
    pub(crate) fn panicked(&self) {
        if let Some(handle) = self.handle {
            quiet::own_work(|| panic::unwinding().record(handle));
        }
    }

    /// Ends the span of a call that has returned: now, however long the failure takes to be told.
    #[inline]
    pub(super) fn end(mut self, failure: impl FnOnce() -> Option<Failure>) {
        let end = now();
        quiet::own_work(|| {
            if let Some(handle) = self.handle.take() {
                if let Some(failure) = failure() {
                    failure.record(handle);
                }
                globals::end(handle, end);
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
        panic::forget();
        if thread::panicking() && !self.unwinding_before {
            self.panicked();
        }
        if let Some(handle) = self.handle {
            handle.end(now());
        }
    }
}

/// Opens a span. `found` is called with the context in which that happens, while it is borrowed, and with the parent.
#[expect(clippy::inline_always, reason = "a tenth of what a span costs is the moving of its parts")]
#[inline(always)]
fn open(
    begin: impl FnOnce() -> (Option<&'static Site>, Option<Box<Details>>),
    found: impl FnOnce(&Context, Handle, &SpanContext),
) -> Option<Handle> {
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
            found(current, handle, parent);
            Some(handle)
        })
    })
}

/// The same with the context to attach.
#[expect(clippy::inline_always, reason = "as above")]
#[inline(always)]
fn open_in_context(
    begin: impl FnOnce() -> (Option<&'static Site>, Option<Box<Details>>),
) -> Option<(Handle, Context)> {
    let mut context = None;
    let found = |current: &Context, handle, parent: &_| context = Some(in_context(current, handle, parent));
    let handle = open(begin, found)?;
    Some((handle, context?))
}

/// Evaluating attributes is the charm's own work.
fn open_call_with(callee: Callee, attributes: impl FnOnce(&mut Attributes)) -> Option<(Handle, Context)> {
    if quiet::is_own_work() {
        return None;
    }
    let mut own = Attributes::default();
    attributes(&mut own);
    open_in_context(|| {
        let site = callee.site();
        (Some(site), own.into_details(site))
    })
}

/// Whether a panic unwinds the thread when a span is opened.
#[inline]
fn is_unwinding() -> bool {
    panic::forget();
    thread::panicking()
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
///
/// Not inside of `opentelemetry::trace::get_active_span` and `Context::map_current`: while the charm looks at the current
/// context OpenTelemetry panics when another one is to be it, and has no way to be asked before.
#[derive(Debug)]
pub(crate) struct Current(Option<ContextGuard>);

impl Current {
    pub(crate) fn attach(context: Context) -> Self {
        Self(attach(context))
    }
}

fn attach(context: Context) -> Option<ContextGuard> {
    quiet::quietly(|| context.attach())
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

/// An [`OpenSpan`] and what makes it current, in two words: calls that nobody records hand it around, too.
#[derive(Debug)]
struct EnteredSpan {
    span_id: SpanId,
    place: u32,
    attached: Attached,
}

/// What makes a span current, unless it cannot be (see [`Current`]), and whether a panic was under way before.
#[derive(Debug)]
enum Attached {
    Yes { current: ContextGuard, unwinding_before: bool },
    No { unwinding_before: bool },
}

impl Attached {
    #[inline]
    fn detach(self) -> bool {
        match self {
            Self::Yes { current, unwinding_before } => {
                quiet::own_work(|| drop(current));
                unwinding_before
            }
            Self::No { unwinding_before } => unwinding_before,
        }
    }
}

impl EnteredSpan {
    fn handle(&self) -> Handle {
        Handle { span_id: self.span_id, place: self.place }
    }

    /// Ends the span of a call that has returned: now, however long the failure takes to be told.
    #[inline]
    fn end(self, failure: impl FnOnce() -> Option<Failure>) {
        let (handle, end) = (self.handle(), now());
        panic::forget();
        quiet::own_work(|| {
            self.attached.detach();
            if let Some(failure) = failure() {
                failure.record(handle);
            }
            globals::end(handle, end);
        });
    }

    /// First the span stops being current, then it can end.
    #[inline]
    fn detach(self) -> OpenSpan {
        OpenSpan { handle: Some(self.handle()), unwinding_before: self.attached.detach() }
    }
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
    let mut context = None;
    let found = |current: &Context, handle, parent: &_| context = Some(in_context(current, handle, parent));
    match (open(|| (Some(callee.site()), None), found), context) {
        (Some(handle), Some(context)) => Entered::of(handle, context),
        _ => Entered(None),
    }
}

#[cold]
#[inline(never)]
fn enter_with_now(callee: Callee, attributes: impl FnOnce(&mut Attributes)) -> Entered {
    open_call_with(callee, attributes).map_or(Entered(None), |(handle, context)| Entered::of(handle, context))
}

/// Runs the body of a traced call in its span; `leave` looks at what it returns.
///
/// When nothing is recorded the body is all there is, and returns to where the caller wants the value: to move a `Result`
/// costs more than to see whether anything is recorded.
#[inline]
pub fn run<T>(
    callee: Callee,
    _returns: Returns<T>,
    body: impl FnOnce() -> T,
    leave: impl FnOnce(Entered, T) -> T,
) -> T {
    if globals::is_recording() { run_now(callee, body, leave) } else { body() }
}

#[cold]
#[inline(never)]
fn run_now<T>(callee: Callee, body: impl FnOnce() -> T, leave: impl FnOnce(Entered, T) -> T) -> T {
    let entered = enter_now(callee);
    let returned = body();
    if entered.0.is_some() { leave(entered, returned) } else { returned }
}

impl Entered {
    #[inline]
    fn of(Handle { span_id, place }: Handle, context: Context) -> Self {
        let current = attach(context);
        let unwinding_before = is_unwinding();
        let attached = match current {
            Some(current) => Attached::Yes { current, unwinding_before },
            None => Attached::No { unwinding_before },
        };
        Self(Some(EnteredSpan { span_id, place, attached }))
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
            quiet::own_work(|| {
                if let Some(failure) = failure(&returned) {
                    failure.record(entered.handle());
                }
            });
        }
        returned
    }

    /// The future that a call returns: its polls belong to the span.
    #[inline]
    pub(super) fn carry<F, T>(self, future: F, failure: fn(&T) -> Option<Failure>) -> Traced<F, T> {
        Traced::new(future, if self.0.is_some() { carry_now(self, failure) } else { FutureSpan::NONE })
    }

    /// Ends the span of a call that has returned.
    #[inline]
    pub(super) fn end(mut self, failure: impl FnOnce() -> Option<Failure>) {
        if let Some(entered) = self.0.take() {
            entered.end(failure);
        }
    }

    /// The span, current no more.
    pub(super) fn detach(mut self) -> Option<OpenSpan> {
        self.0.take().map(EnteredSpan::detach)
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        if let Some(entered) = self.0.take() {
            drop_now(entered);
        }
    }
}

#[cold]
#[inline(never)]
fn drop_now(entered: EnteredSpan) {
    if thread::panicking() {
        drop(entered.detach());
    } else {
        entered.end(|| None);
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
    let opened = open_call_with(callee, attributes);
    FutureSpan::new(opened.map(|(handle, context)| (OpenSpan::new(handle), context)), failure)
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

#[cfg(test)]
mod tests {
    use super::Entered;

    #[test]
    fn a_call_hands_two_words_around() {
        assert_eq!(size_of::<Entered>(), 2 * size_of::<u64>());
    }
}
