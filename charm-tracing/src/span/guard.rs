use std::thread;

use opentelemetry::trace::SpanId;
use opentelemetry::{Context, ContextGuard};

use super::attribute::{Attributes, Opened};
use super::failure::Failure;
use super::future::{FutureSpan, Traced};
use super::open::{OpenSpan, attach, in_context, is_unwinding, open_in_context, open_span};
use super::returned::Returns;
use super::{Callee, own_work, panic};
use crate::recorder::globals;
use crate::recorder::{Details, Handle, now};

/// The span of a traced call, which is the current one of this thread while this lives. It is empty if nothing records.
#[derive(Debug)]
#[must_use = "the span ends when this is dropped"]
pub struct Entered(Option<EnteredSpan>);

/// An [`OpenSpan`] with the guard that makes it current. It is two machine words long, because calls that are not recorded pass
/// it, too.
#[derive(Debug)]
struct EnteredSpan {
    span_id: SpanId,
    place: u32,
    attached: Attached,
}

/// The guard that makes a span current, if that was possible (see [`Current`](super::Current)), and whether a panic was
/// unwinding the thread before.
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
                own_work(|| drop(current));
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

    /// Ends the span of a call that has returned. The end is the time of this call, because describing the failure may take
    /// long.
    #[inline]
    fn end(self, failure: impl FnOnce() -> Option<Failure>) {
        let (handle, end) = (self.handle(), now());
        panic::forget();
        own_work(|| {
            drop(self.attached);
            if let Some(failure) = failure() {
                failure.record(handle);
            }
            globals::with(|trace| trace.end_span(handle, end));
        });
    }

    /// Returns the span, which is not the current one any more, so that it can end.
    #[inline]
    fn detach(self) -> OpenSpan {
        OpenSpan::begun(self.handle(), self.attached.detach())
    }
}

/// Opens the span of a call with attributes. They are evaluated before the span opens, and not at all in work that is done only
/// for a trace.
fn open_call_with(callee: Callee, attributes: impl FnOnce(&mut Attributes)) -> Option<(Handle, Context)> {
    if own_work::is_own_work() {
        return None;
    }
    let mut own = Attributes::default();
    attributes(&mut own);
    open_in_context(|| {
        let site = callee.site();
        (Some(site), Details::of_site(site, own.0))
    })
}

/// Opens the span of a call.
#[inline]
pub fn enter(callee: Callee) -> Entered {
    if globals::is_recording() { enter_now(callee) } else { Entered(None) }
}

/// Opens the span of a call as [`enter`] does, but with attributes, which are evaluated only if something records.
#[inline]
pub fn enter_with(callee: Callee, attributes: impl FnOnce(&mut Attributes)) -> Entered {
    if globals::is_recording() { enter_with_now(callee, attributes) } else { Entered(None) }
}

#[cold]
#[inline(never)]
fn enter_now(callee: Callee) -> Entered {
    // `open_in_context` is not used, because it moves the context once more, which takes measurable time here.
    let mut context = None;
    let found = |current: &Context, handle, parent: &_| context = Some(in_context(current, handle, parent));
    match (open_span(|| (Some(callee.site()), None), found), context) {
        (Some(handle), Some(context)) => Entered::of(handle, context),
        _ => Entered(None),
    }
}

#[cold]
#[inline(never)]
fn enter_with_now(callee: Callee, attributes: impl FnOnce(&mut Attributes)) -> Entered {
    open_call_with(callee, attributes).map_or(Entered(None), |(handle, context)| Entered::of(handle, context))
}

/// True if a traced function calls its body itself while something records, instead of through [`run`]. It does so in debug
/// builds, because there each call takes space on the stack, in recursion once for each level.
pub const RUN_IN_PLACE: bool = cfg!(debug_assertions);

/// Runs the body of a traced call in its span. This is apart from the traced function so that the function itself contains only
/// the code for the case that nothing is recorded.
#[cold]
#[inline(never)]
pub fn run<T>(callee: Callee, body: impl FnOnce() -> T, leave: impl FnOnce(Entered, T) -> T) -> T {
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

    /// Returns the span, for attributes that the body adds.
    #[inline]
    #[must_use]
    pub fn opened(&self) -> Opened {
        Opened(self.0.as_ref().map(EnteredSpan::handle))
    }

    /// Returns the value that the call returned. Passes it through `leave` if the call is recorded.
    #[inline]
    pub fn leave<T>((entered, returned): (Self, T), leave: impl FnOnce(Self, T) -> T) -> T {
        if entered.0.is_some() { leave_now(entered, returned, leave) } else { returned }
    }

    /// Wraps the future that a call returns, so that its polls belong to the span.
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

    /// Returns the span, which is not the current one any more; `None` if nothing records.
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

/// Opens the span of an `async fn` when it is polled first. This happens before the body owns the arguments, because attributes
/// may use them.
#[inline]
pub fn open_future<T>(
    callee: Callee,
    attributes: impl FnOnce(&mut Attributes),
    _returns: Returns<T>,
    failure: fn(&T) -> Option<Failure>,
) -> FutureSpan<T> {
    if globals::is_recording() { open_now(callee, attributes, failure) } else { FutureSpan::NONE }
}

/// Wraps the body of a traced `async fn` with its span.
#[inline]
pub fn trace_future<F, T>(span: FutureSpan<T>, body: F) -> Traced<F, T> {
    Traced::new(body, span)
}

/// Calls a function that returns `impl Future<Output = T>`, and wraps its future with the span.
#[inline]
pub fn call_for_future<T, F>(
    span: Entered,
    body: impl FnOnce() -> F,
    failure: fn(&T) -> Option<Failure>,
) -> Traced<F, T> {
    span.carry(body(), failure)
}

/// Calls a function as [`call_for_future`] does, but infers `T` from the future, for types of which a part cannot be written.
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
    // After this, the context of the caller is the current one.
    let span = entered.detach();
    FutureSpan::new(span.and_then(OpenSpan::into_context), failure)
}

#[cfg(test)]
mod tests {
    use super::Entered;

    #[test]
    fn a_call_hands_two_words_around() {
        assert_eq!(size_of::<Entered>(), 2 * size_of::<u64>());
    }
}
