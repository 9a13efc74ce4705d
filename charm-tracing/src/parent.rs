//! The trace context that Juju may pass to a dispatch.
//!
//! Since Juju 4.0 an agent that traces its own work sets `JUJU_TRACE_ID`, `JUJU_SPAN_ID` and `JUJU_TRACE_FLAGS`; later
//! versions set the W3C `TRACEPARENT` as well, with the flags fixed to 01. The set may be partial (juju#21321). A process that
//! starts a charm otherwise may add `TRACESTATE`.
//!
//! A traced process that the charm runs has Juju's variables as well, with a `TRACEPARENT` that names the span of the charm.

use opentelemetry::trace::{SpanContext, TraceState};

use crate::trace_context;

/// Returns the context that becomes the root's parent; `None` if `var` returns no complete and valid one.
pub(crate) fn from_environment<'a>(var: impl Fn(&str) -> Option<&'a str>) -> Option<SpanContext> {
    let w3c = trace_context::parse(var("TRACEPARENT").unwrap_or_default(), var("TRACESTATE"));
    // Juju has no variable of its own for the state.
    let state = w3c.as_ref().map(|parent| parent.trace_state().clone()).unwrap_or_default();
    let own = || juju(var("JUJU_TRACE_ID")?, var("JUJU_SPAN_ID")?, var("JUJU_TRACE_FLAGS"), state);
    // Juju names the same span in both. Another one is that of a process which has started this one.
    let is_jujus = |own: &SpanContext| w3c.as_ref().is_none_or(|w3c| w3c.span_id() == own.span_id());
    own().filter(is_jujus).or(w3c)
}

fn juju(trace_id: &str, span_id: &str, flags: Option<&str>, state: TraceState) -> Option<SpanContext> {
    // Decimal, as Go prints a byte.
    let flags = match flags {
        Some(flags) => flags.parse().ok()?,
        None => 0,
    };
    trace_context::remote(trace_id, span_id, flags, state)
}

#[cfg(test)]
mod tests;
