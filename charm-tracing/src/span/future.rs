use std::cell::RefCell;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::alive::can_open_spans;
use super::attribute::Opened;
use super::failure::Failure;
use super::open::{Current, OpenSpan};
use super::own_work;

pin_project! {
    /// A future with its span. The span is the current one exactly while the future is polled or dropped, and ends with it. If
    /// the future is dropped before it has finished, its span ends as an error, `cancelled`.
    ///
    /// It implements the traits of the future that a function's signature can promise: `Send`, `Sync`, `Unpin`, `UnwindSafe`
    /// and `RefUnwindSafe`.
    ///
    /// The type has no bound `F: Future<Output = T>`. So if the author's future has another output, or is no future, the
    /// compiler says so only once, where it is used.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Traced<F, T> {
        #[pin]
        body: F,
        // It stands after the body, because fields are dropped in their order.
        span: FutureSpan<T>,
    }

    impl<F, T> PinnedDrop for Traced<F, T> {
        #[inline]
        fn drop(this: Pin<&mut Self>) {
            if let Some(open) = &mut this.project().span.0 {
                open.make_current();
            }
        }
    }
}

/// Returns a future that is polled and dropped in an open span. The span ends with it; an error that it yields is not recorded.
#[cfg(feature = "session")]
pub(crate) fn in_span<F, T>(span: Option<(OpenSpan, opentelemetry::Context)>, body: F) -> Traced<F, T> {
    Traced::new(body, FutureSpan::new(span, |_| None))
}

impl<F, T> Traced<F, T> {
    #[inline]
    pub(super) fn new(body: F, span: FutureSpan<T>) -> Self {
        Self { body, span }
    }
}

impl<T, F: Future<Output = T>> Future for Traced<F, T> {
    type Output = T;

    #[inline]
    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<T> {
        let this = self.project();
        match this.span.0.take() {
            None => this.body.poll(task),
            Some(open) => poll_now(open, this.span, this.body, task),
        }
    }
}

/// Polls a future in its span. The span is taken out of the future meanwhile, so a panic ends it here and not when the future
/// is dropped.
#[cold]
#[inline(never)]
fn poll_now<T, F: Future<Output = T>>(
    open: AssertUnwindSafe<Box<OpenFuture<T>>>,
    place: &mut FutureSpan<T>,
    body: Pin<&mut F>,
    task: &mut Context<'_>,
) -> Poll<T> {
    let current = Current::attach(open.context.clone());
    let polled = body.poll(task);
    drop(current);
    match &polled {
        Poll::Pending => place.0 = Some(open),
        Poll::Ready(output) => {
            let OpenFuture { span, failure, .. } = *open.0;
            span.end(|| failure(output));
        }
    }
    polled
}

/// The span of a future that yields `T`, until it ends. It is one machine word long, because futures are moved and nested.
#[derive(Debug)]
pub struct FutureSpan<T>(Option<AssertUnwindSafe<Box<OpenFuture<T>>>>);

// It is `AssertUnwindSafe` because its locks are never held while the charm's code runs.
#[derive(Debug)]
struct OpenFuture<T> {
    span: OpenSpan,
    context: opentelemetry::Context,
    failure: fn(&T) -> Option<Failure>,
    /// True if the guard that makes the span current is in [`CURRENT`].
    current: bool,
}

thread_local! {
    /// The guards of the spans whose futures this thread is dropping, the innermost last. They cannot be in the futures,
    /// because a guard belongs to a thread.
    static CURRENT: RefCell<Vec<Current>> = const { RefCell::new(Vec::new()) };
}

impl<T> FutureSpan<T> {
    pub(super) const NONE: Self = Self(None);

    pub(super) fn new(
        opened: Option<(OpenSpan, opentelemetry::Context)>,
        failure: fn(&T) -> Option<Failure>,
    ) -> Self {
        let open = |(span, context)| OpenFuture { span, context, failure, current: false };
        Self(opened.map(|opened| AssertUnwindSafe(Box::new(open(opened)))))
    }

    /// Returns the span, for attributes that the body adds.
    #[inline]
    #[must_use]
    pub fn opened(&self) -> Opened {
        Opened(self.0.as_ref().map(|open| open.span.handle()))
    }
}

impl<T> OpenFuture<T> {
    /// Makes the span current while its future is dropped before it has finished.
    #[cold]
    #[inline(never)]
    fn make_current(&mut self) {
        self.span.is_being_dropped();
        // On a thread that is ending, OpenTelemetry's current context may be destroyed already.
        if !can_open_spans() {
            return;
        }
        // It is attached before `CURRENT` is touched, so that `CURRENT` is destroyed before OpenTelemetry's current context.
        let current = Current::attach(self.context.clone());
        let keep = |spans: &RefCell<Vec<_>>| spans.borrow_mut().push(current);
        self.current = own_work(|| CURRENT.try_with(keep)).is_ok();
    }

    #[cold]
    #[inline(never)]
    fn cancelled(self) {
        if self.current {
            drop(CURRENT.try_with(|spans| spans.borrow_mut().pop()));
        }
        self.span.cancelled();
    }
}

impl<T> Drop for FutureSpan<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(open) = self.0.take() {
            open.0.cancelled();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Ready;
    use std::panic::{RefUnwindSafe, UnwindSafe};

    use super::Traced;

    #[test]
    fn it_is_as_free_to_move_as_its_future() {
        fn free<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
        free::<Traced<Ready<u8>, u8>>();
    }

    #[test]
    fn it_needs_little_room_of_its_own() {
        assert!(size_of::<Traced<Ready<u64>, u64>>() <= size_of::<Ready<u64>>() + size_of::<usize>());
    }
}
