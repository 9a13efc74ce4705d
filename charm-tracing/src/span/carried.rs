use opentelemetry::Context;

use super::alive;
use super::open::Current;

/// Wraps a closure that another thread is to run, so that spans in it are below the span that is current now.
///
/// Each thread has a current span of its own. Without this, the spans of a closure that is given to
/// `tokio::task::spawn_blocking` or [`std::thread::spawn`] are below the root. It carries the OpenTelemetry context, so it
/// works for the spans of every API.
///
/// ```
/// use charm_tracing::{trace_fn, with_current_context};
///
/// #[trace_fn]
/// fn unpack() {}
///
/// #[trace_fn]
/// fn install() {
///     // `function call: unpack` is below `function call: install`.
///     std::thread::spawn(with_current_context(unpack)).join().expect("it cannot panic");
/// }
/// # install();
/// ```
///
/// For a future that is polled by a task of its own, as after `tokio::spawn`, OpenTelemetry's API has a method:
///
/// ```
/// use charm_tracing::opentelemetry::trace::FutureExt;
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
///     tokio::spawn(fetch("http://localhost").with_current_context()).await?;
///     spawn_blocking(with_current_context(unpack)).await
/// }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(install()).unwrap();
/// ```
pub fn with_current_context<R>(work: impl FnOnce() -> R) -> impl FnOnce() -> R {
    // A thread that is ending has no context any more.
    let context = alive::can_open_spans().then(Context::current);
    move || {
        let _current = context.filter(|_| alive::can_open_spans()).map(Current::attach);
        work()
    }
}
