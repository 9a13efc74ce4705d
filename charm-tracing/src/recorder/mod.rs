//! Records the spans of a session: an implementation of OpenTelemetry's tracing API.
//!
//! A span that begins gets a place in the [`Store`] of its session, and a [`Handle`] with which it is changed and ended. The
//! attributes end their spans with the handle. Other code uses the [`LiveSpan`], which implements `opentelemetry::trace::Span`.
//! In a `Context` it makes the span the parent of others, and code that holds the context can add to the span or end it. A
//! tracer returns a `LiveSpan` alone. A handle finds the store through the process globals. So one that is used late, twice or
//! on another thread finds the open span, or none.
//!
//! The request is encoded and sent only when the session finishes. No queue overflows, because a span that has begun has its
//! place. The quota is checked when a span begins, so no span is kept whose parent did not fit.

mod clock;
pub(crate) mod globals;
mod ids;
mod journal;
mod live_span;
mod open_trace;
pub(crate) mod own_work;
mod provider;
mod quota;
mod record;
mod store;
mod switch;
#[cfg(feature = "testing")]
pub(crate) mod turn;

pub(crate) use clock::{now, now_of_event, unix_nanos};
pub(crate) use ids::random;
#[cfg(any(test, fuzzing))]
pub(crate) use ids::split_mix;
pub(crate) use journal::{Journal, JournalFile, JournalFormat, JournalStatus};
#[cfg(feature = "tracing")]
pub(crate) use live_span::root;
#[cfg(feature = "session")]
pub(crate) use live_span::set_event;
pub(crate) use live_span::{LiveSpan, open_trace, parent_of_orphans};
pub(crate) use open_trace::Ended;
pub use provider::{SessionTracer, SessionTracerProvider, tracer_provider};
pub(crate) use provider::{install, new_trace, own_scope, uninstall};
pub(crate) use quota::{Purpose, Share};
pub(crate) use record::{Details, ERROR_TYPE, Record, TraceContext};
#[cfg(test)]
pub(crate) use record::{Remote, weight};
pub(crate) use store::{Handle, Store};
pub use switch::{SwitchedOff, switch_off};
