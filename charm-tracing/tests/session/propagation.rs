//! The trace context that a charm passes on.

use std::collections::HashMap;

use charm_tracing::current_span;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, global};

use super::conventions::hook;

#[test]
fn the_current_span_is_a_header_of_a_request() {
    let (mut by_hand, mut injected, mut global) = (String::new(), HashMap::new(), HashMap::new());
    let trace = hook(|session| {
        session.event(|| {
            let span = current_span().unwrap();
            by_hand = span.traceparent();
            span.inject(&mut injected);
            global::get_text_map_propagator(|propagator| propagator.inject(&mut global));
        });
    });
    let span = trace.span("event: start");
    assert_eq!(by_hand, format!("00-{}-{}-01", span.trace_id, span.span_id));
    assert_eq!(injected, HashMap::from([("traceparent".to_owned(), by_hand)]));
    assert_eq!(global, injected);
}

#[test]
fn the_global_propagator_reads_an_incoming_context() {
    drop(hook(|_| ()));
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = HashMap::from([("traceparent".to_owned(), parent.to_owned())]);
    let context = global::get_text_map_propagator(|propagator| {
        propagator.extract_with_context(&Context::new(), &headers)
    });
    assert_eq!(context.span().span_context().span_id().to_string(), "00f067aa0ba902b7");
}
