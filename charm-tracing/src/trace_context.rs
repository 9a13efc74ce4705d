//! The W3C trace context: <https://www.w3.org/TR/trace-context/>. It names a span of another process, in headers of HTTP or in
//! the environment.

use std::sync::OnceLock;

use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, global};

/// The header that names the trace and the span.
pub(crate) const TRACEPARENT: &str = "traceparent";
/// The header with what tracing systems add to it.
pub(crate) const TRACESTATE: &str = "tracestate";

/// Returns the `traceparent` of a span: `00-<trace id>-<span id>-<flags>`.
pub(crate) fn traceparent(span: &SpanContext) -> String {
    // Only the flag "sampled" is defined in this version.
    let flags = span.trace_flags() & TraceFlags::SAMPLED;
    format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), flags)
}

/// Writes the context of a span into headers, which are left alone if there is no valid span.
pub(crate) fn inject(span: &SpanContext, headers: &mut dyn Injector) {
    if !span.is_valid() {
        return;
    }
    headers.set(TRACEPARENT, traceparent(span));
    let state = span.trace_state().header();
    if !state.is_empty() {
        headers.set(TRACESTATE, state);
    }
}

/// Parses a `traceparent` and its `tracestate`. A later version may append fields to the first; version ff is invalid. A
/// `tracestate` that is not valid is left out.
pub(crate) fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<SpanContext> {
    let mut fields = traceparent.split('-');
    let (version, trace_id, span_id, flags) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let version = hex_byte(version)?;
    if version == 0xff || (version == 0 && fields.next().is_some()) {
        return None;
    }
    // OpenTelemetry accepts line breaks, with which no request can be sent.
    let is_printable = |state: &&str| state.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let state = tracestate.filter(is_printable).and_then(|state| state.parse().ok()).unwrap_or_default();
    remote(trace_id, span_id, hex_byte(flags)?, state)
}

/// Returns the context of a span of another process; `None` if an id is not valid.
pub(crate) fn remote(trace_id: &str, span_id: &str, flags: u8, state: TraceState) -> Option<SpanContext> {
    if !is_hex(trace_id, 32) || !is_hex(span_id, 16) {
        return None;
    }
    let (trace_id, span_id) = (TraceId::from_hex(trace_id).ok()?, SpanId::from_hex(span_id).ok()?);
    let context = SpanContext::new(trace_id, span_id, TraceFlags::new(flags), true, state);
    context.is_valid().then_some(context)
}

fn hex_byte(text: &str) -> Option<u8> {
    is_hex(text, 2).then(|| u8::from_str_radix(text, 16).ok())?
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
}

/// Makes the W3C trace context the format of OpenTelemetry's global propagator, unless the process has a propagator already.
/// Code that sends headers, such as a middleware for HTTP, uses that one.
pub(crate) fn install_propagator() {
    // OpenTelemetry's own default has no fields.
    let is_set = global::get_text_map_propagator(|propagator| propagator.fields().next().is_some());
    if !is_set {
        global::set_text_map_propagator(W3cPropagator);
    }
}

/// The propagator of the W3C trace context. That of `opentelemetry_sdk` does the same, but is in no charm's dependency tree.
#[derive(Debug)]
struct W3cPropagator;

impl TextMapPropagator for W3cPropagator {
    fn inject_context(&self, context: &Context, headers: &mut dyn Injector) {
        inject(context.span().span_context(), headers);
    }

    fn extract_with_context(&self, context: &Context, headers: &dyn Extractor) -> Context {
        match headers.get(TRACEPARENT).and_then(|parent| parse(parent.trim(), headers.get(TRACESTATE))) {
            Some(parent) => context.with_remote_span_context(parent),
            None => context.clone(),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        static FIELDS: OnceLock<[String; 2]> = OnceLock::new();
        FieldIter::new(FIELDS.get_or_init(|| [TRACEPARENT, TRACESTATE].map(str::to_owned)))
    }
}

#[cfg(test)]
mod tests;
