use std::cell::RefCell;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::attribute::Opened;
use super::failure::Failure;
use super::open::{Current, OpenSpan};
use super::quiet;

pin_project! {
    /// A future with its span, which is current exactly while the future is polled or dropped, and ends with it. A
    /// future that is dropped half-way ends its span as an error, `cancelled`.
    ///
    /// It implements what the future implements, as far as a function's signature can promise it: `Send`, `Sync`,
    /// `Unpin`, `UnwindSafe` and `RefUnwindSafe`.
    ///
    /// That it is a future of `T` is no bound but left to its use: where the author's is of another type, or none at
    /// all, the compiler says so once.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Traced<F, T> {
        #[pin]
        body: F,
        // Below the body, since fields are dropped in their order.
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

/// The span is out of the future while it is polled: a panic ends it here, not when somebody drops the future.
#[cold]
#[inline(never)]
fn poll_now<T, F: Future<Output = T>>(
    open: AssertUnwindSafe<Box<Open<T>>>,
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
            let Open { span, failure, .. } = *open.0;
            span.end(|| failure(output));
        }
    }
    polled
}

/// The span of a future that yields `T`, until it ends. One word, since futures are moved and nested.
#[derive(Debug)]
pub struct FutureSpan<T>(Option<AssertUnwindSafe<Box<Open<T>>>>);

// Its locks are never held while the charm's code runs, hence `AssertUnwindSafe`.
#[derive(Debug)]
struct Open<T> {
    span: OpenSpan,
    context: opentelemetry::Context,
    failure: fn(&T) -> Option<Failure>,
    /// Whether what makes it current is in [`CURRENT`].
    current: bool,
}

thread_local! {
    /// For the spans of the futures that this thread is dropping, the innermost last: the futures themselves have no
    /// place for what belongs to a thread.
    static CURRENT: RefCell<Vec<Current>> = const { RefCell::new(Vec::new()) };
}

impl<T> FutureSpan<T> {
    pub(super) const NONE: Self = Self(None);

    pub(super) fn new(
        opened: Option<(OpenSpan, opentelemetry::Context)>,
        failure: fn(&T) -> Option<Failure>,
    ) -> Self {
        let open = |(span, context)| Open { span, context, failure, current: false };
        Self(opened.map(|opened| AssertUnwindSafe(Box::new(open(opened)))))
    }

    /// For attributes that the body adds.
    #[inline]
    #[must_use]
    pub fn opened(&self) -> Opened {
        Opened(self.0.as_ref().and_then(|open| open.span.handle()))
    }
}

impl<T> Open<T> {
    /// The future is being dropped half-way.
    #[cold]
    #[inline(never)]
    fn make_current(&mut self) {
        self.span.is_being_dropped();
        let keep = |spans: &RefCell<Vec<_>>| spans.borrow_mut().push(Current::attach(self.context.clone()));
        // On a thread that is ending there is no such place any more.
        self.current = quiet::own_work(|| CURRENT.try_with(keep)).is_ok();
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
