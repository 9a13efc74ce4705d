//! Records the spans of traced code in memory, for its tests, and shows spans as values and trees.
//!
//! ```
//! # #[cfg(feature = "testing")] {
//! use charm_tracing::testing::Recording;
//! use charm_tracing::trace_fn;
//!
//! #[trace_fn]
//! fn port(text: &str) -> Result<u16, std::num::ParseIntError> {
//!     text.trim().parse()
//! }
//!
//! #[trace_fn]
//! fn ports(texts: &[&str]) -> usize {
//!     texts.iter().filter(|text| port(text).is_ok()).count()
//! }
//!
//! let recording = Recording::start();
//! assert_eq!(ports(&["4317", "http"]), 1);
//! let trace = recording.spans();
//! trace.assert_tree(
//!     "
//!     function call: ports
//!       function call: port
//!       function call: port [error: invalid digit found in string]
//!     ",
//! );
//! assert_eq!(trace.failed()[0].error(), Some("invalid digit found in string"));
//! # }
//! ```
//!
//! [`dispatch`] does so for a whole dispatch, with a Juju in memory: from the root to the hook tools. [`Trace`] and [`Span`] are also
//! what `charm-testing` returns for the traces of real processes.
//!
//! Tests run in parallel on threads of one process, but there is one recorder in the process. So recordings, sessions and
//! scopes of [`switch_off`](crate::switch_off) take turns: a thread that starts one waits until those of other threads are
//! over. A thread that records already gets a panic that says so, because it would wait for itself. A thread that has waited a
//! minute for the same other thread gets one as well.
//!
//! To record a whole test suite, start one recording for the life of the process: `std::mem::forget(Recording::start())` at the
//! beginning of the program. Such a process cannot open a session.

mod check;
mod decode;
#[cfg(feature = "session")]
mod dispatch;
#[cfg(test)]
mod fixture;
mod forest;
mod outline;
mod picture;
mod recording;
mod span;
#[cfg(test)]
mod tests;
mod trace;
mod value;

pub use decode::TraceError;
#[cfg(feature = "session")]
pub use dispatch::{Dispatched, dispatch};
pub use outline::Outline;
// `charm-traces` writes its lists as pictures are written.
#[doc(hidden)]
pub use picture::{in_one_line, in_words};
pub use recording::Recording;
pub use span::{Resource, Scope, Span, SpanEvent, SpanLink};
pub use trace::Trace;
pub use value::Value;
