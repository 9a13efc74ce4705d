//! What the cases are written in.
#![expect(clippy::redundant_pub_crate, reason = "`unreachable_pub` asks for the opposite")]

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// A module for each construct, with the annotated items, what is done with them, and the spans that it leaves below
/// the event, each with the error of its status.
macro_rules! constructs {
    ($($(#[$meta:meta])* $name:ident { $($items:tt)* } runs { $($run:tt)* } traces $expected:literal)*) => { $(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "not every case needs what its file imports")]
            use super::*;

            $($items)*

            #[test]
            fn is_traced() {
                let trace = tests::recording::recorded(|| { $($run)* });
                let expected = $crate::table::unindented($expected);
                assert!(trace == expected, "these spans were recorded:\n{trace}\nand not these:\n{expected}");
            }
        }
    )* };
}

/// A tree of spans as it is written beside the code: without the indentation of its first line.
pub(super) fn unindented(text: &str) -> String {
    let text = text.trim_matches('\n').trim_end();
    let indent = text.len() - text.trim_start().len();
    text.lines().fold(String::new(), |all, line| all + line.get(indent..).unwrap_or_default() + "\n")
}

/// Leaves the span `event: <place>` below the one that is open.
pub(super) fn at(place: &str) {
    charm_tracing::event(place, || ());
}

/// Leaves such a span when it is dropped.
pub(super) struct Dropped(pub(super) &'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        at(self.0);
    }
}

/// Is not ready when it is polled first.
pub(super) fn once() -> impl Future<Output = ()> + Send + Sync + Unpin {
    let mut polled = false;
    std::future::poll_fn(
        move |_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending },
    )
}

/// Polls a future until it is ready.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = poll(future.as_mut()) {
            return output;
        }
    }
}

/// Polls a future one time.
pub(super) fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
