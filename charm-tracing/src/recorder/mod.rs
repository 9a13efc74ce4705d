//! What one session records: our own implementation of OpenTelemetry's tracing API.
//!
//! A span that begins gets a place in the [`Store`] of its session, and a [`Handle`] with which it is changed and ended. The
//! attributes end their spans with it. For everybody else there is the [`LiveSpan`], which implements
//! `opentelemetry::trace::Span`: in a `Context` it makes the span the parent of others, and lets whoever holds the context
//! add to the span or end it; from a tracer it is all there is of a span. A handle finds the
//! store through the process globals, so one that is used late, twice or on another thread finds the open span, or none.
//!
//! Nothing is encoded or sent while the charm works, and no queue overflows: a span that has begun has its place. What
//! bounds the store is looked at when a span begins, so no span is kept whose parent did not fit.

mod clock;
pub(crate) mod globals;
mod ids;
mod journal;
mod provider;
pub(crate) mod quiet;
mod quota;
mod record;
mod span;
mod store;
#[cfg(feature = "testing")]
pub(crate) mod turn;

pub(crate) use clock::{anchor, now, now_of_event, unix_nanos};
#[cfg(any(test, fuzzing))]
pub(crate) use ids::split_mix;
pub(crate) use ids::{SpanIds, random};
pub(crate) use journal::{Journal, JournalFile, JournalWriter};
pub use provider::{SessionTracer, SessionTracerProvider, tracer_provider};
pub(crate) use provider::{install, new_trace, own_scope, uninstall};
pub(crate) use quota::{Purpose, Quota, Share};
pub(crate) use record::{Details, Record, Remote, TraceContext, weight};
pub(crate) use span::{Handle, LiveSpan};
pub(crate) use store::Store;
