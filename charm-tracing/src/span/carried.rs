use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{self, Poll};

use opentelemetry::Context;
use pin_project_lite::pin_project;

use super::alive;
use super::open::Current;

/// Wraps a future or a closure that is to run in another task or thread, so that spans in it are below the span that is current
/// now.
///
/// Each task and thread has a current span of its own. Without this, what is given to `tokio::spawn`, `spawn_blocking` or
/// [`std::thread::spawn`] is below the event that is handled, or below the root if none is. The wrapper carries the OpenTelemetry
/// context, so it works for the spans of every API.
///
/// ```
/// use charm_tracing::{trace_fn, with_current_context};
/// use tokio::task::{JoinError, spawn_blocking};
///
/// #[trace_fn]
/// async fn fetch(url: &str) {}
///
/// #[trace_fn]
/// fn unpack() {}
///
/// #[trace_fn]
/// async fn install() -> Result<(), JoinError> {
///     // Both are below `function call: install`.
///     tokio::spawn(with_current_context(fetch("http://localhost"))).await?;
///     spawn_blocking(with_current_context(unpack)).await
/// }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(install()).unwrap();
/// ```
///
/// It fits wherever a future or a closure without arguments fits: in a `JoinSet`, in [`std::thread::scope`], in a pool of threads. A
/// future stays a future of its own type. A closure becomes a box, and must be [`Send`].
pub fn with_current_context<W: Work<Kind>, Kind>(work: W) -> W::Carried {
    // A thread that is ending has no context any more.
    work.carry(alive::can_open_spans().then(Context::current))
}

/// Work that [`with_current_context`] accepts. A type is one `Kind` of it, either [`FutureWork`] or [`ClosureWork`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a future nor a closure that another thread can call",
    label = "this cannot carry the current span",
    note = "give it a future, or a closure without arguments that is `Send`"
)]
pub trait Work<Kind> {
    /// The work with its context.
    type Carried;

    #[doc(hidden)]
    fn carry(self, context: Option<Context>) -> Self::Carried;
}

/// The kind of a future.
#[derive(Debug)]
pub struct FutureWork;

/// The kind of a closure that returns an `R`.
#[derive(Debug)]
pub struct ClosureWork<'a, R>(PhantomData<(&'a (), R)>);

impl<F: Future> Work<FutureWork> for F {
    type Carried = WithCurrent<F>;

    fn carry(self, context: Option<Context>) -> WithCurrent<F> {
        WithCurrent { future: self, context }
    }
}

pin_project! {
    /// A future with the span that is current while it is polled; made by [`with_current_context`].
    ///
    /// That of OpenTelemetry panics on a thread that is ending, and while the charm looks at the current context.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct WithCurrent<F> {
        #[pin]
        future: F,
        context: Option<Context>,
    }
}

impl<F: Future> Future for WithCurrent<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _current = attach(this.context.clone());
        this.future.poll(task)
    }
}

impl<'a, R, F: FnOnce() -> R + Send + 'a> Work<ClosureWork<'a, R>> for F {
    // The type of a closure that calls another one has no name, so it is boxed.
    type Carried = Box<dyn FnOnce() -> R + Send + 'a>;

    fn carry(self, context: Option<Context>) -> Self::Carried {
        Box::new(move || {
            let _current = attach(context);
            self()
        })
    }
}

/// Makes the context the current one, unless this thread is ending.
fn attach(context: Option<Context>) -> Option<Current> {
    context.filter(|_| alive::can_open_spans()).map(Current::attach)
}
