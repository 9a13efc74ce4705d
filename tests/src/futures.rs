//! Futures without an executor.

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// Polls a future until it is ready.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = poll(future.as_mut()) {
            return output;
        }
    }
}

/// Polls a future one time.
pub fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Is not ready when it is polled first.
pub fn once() -> impl Future<Output = ()> + Send + Sync + Unpin {
    let mut polled = false;
    poll_fn(move |_| if mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending })
}
