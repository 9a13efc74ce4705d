use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::failure::Failure;
use super::guard::OpenSpan;

pin_project! {
    /// A future with its span, which is current exactly while the future is polled or dropped, and ends with it. A
    /// future that is dropped half-way ends its span as an error, `cancelled`.
    ///
    /// It implements what the future implements, as far as a function's signature can promise it: `Send`, `Sync`,
    /// `Unpin`, `UnwindSafe` and `RefUnwindSafe`.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Traced<F: Future> {
        // The span's own locks are never held while the charm's code runs.
        span: AssertUnwindSafe<Option<OpenSpan>>,
        failure: fn(&F::Output) -> Option<Failure>,
        // Always there, but for the moment in which it is dropped.
        #[pin]
        body: Option<F>,
    }

    impl<F: Future> PinnedDrop for Traced<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(span) = this.span.take() {
                let current = span.attach();
                this.body.set(None);
                drop(current);
                span.cancelled();
            }
        }
    }
}

impl<F: Future> Traced<F> {
    pub(super) fn new(span: Option<OpenSpan>, body: F, failure: fn(&F::Output) -> Option<Failure>) -> Self {
        Self { span: AssertUnwindSafe(span), failure, body: Some(body) }
    }
}

impl<F: Future> Future for Traced<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let body = this.body.as_pin_mut().expect("it is there until it is dropped");
        let Some(span) = this.span.take() else { return body.poll(task) };

        // Out of the future while it is polled: a panic ends the span here, not when somebody drops the future.
        let current = span.attach();
        let polled = body.poll(task);
        drop(current);
        match &polled {
            Poll::Pending => **this.span = Some(span),
            Poll::Ready(output) => span.end(|| (this.failure)(output)),
        }
        polled
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
        free::<Traced<Ready<u8>>>();
    }

    #[test]
    fn without_a_span_it_adds_the_room_of_one() {
        // A span is a context, and whether a panic was under way.
        assert!(size_of::<Traced<Ready<u64>>>() <= size_of::<Ready<u64>>() + 64);
    }
}
