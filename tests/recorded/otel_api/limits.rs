//! A trace that has grown to its limit says what it lacks.

use std::fmt;
use std::panic::catch_unwind;
use std::time::Duration;

use charm_testing::{Span, Trace};
use charm_tracing::opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
    TracerProvider as _, get_active_span,
};
use charm_tracing::opentelemetry::{Context, InstrumentationScope, KeyValue, global};
use charm_tracing::{Config, event, trace_fn, trace_type};
use tests::recording::{Recorded, record, take_turn};

/// Time to send as much as fits into the default.
fn config() -> Config {
    let minutes = Duration::from_mins(5);
    Config::new().request_timeout(minutes).delivery_timeout(minutes)
}

struct Charm;

#[trace_type]
#[expect(clippy::unused_self, reason = "the method is there for its signature")]
impl Charm {
    fn handle(&self, work: impl FnOnce()) -> Result<(), fmt::Error> {
        work();
        Err(fmt::Error)
    }
}

#[trace_fn]
fn outer(calls: usize) {
    let tracer = global::tracer("library");
    for _ in 0..calls {
        tracer.in_span("in span", |_| event("inner", || inner(3)));
    }
}

#[trace_fn]
fn inner(depth: usize) {
    if depth > 1 {
        inner(depth - 1);
    }
}

/// A handler that works and then fails, in a session of the default limit.
fn failing_after(work: impl FnOnce()) -> Recorded {
    record(&take_turn(), config(), |session| {
        session.try_event(|| Charm.handle(work)).unwrap_err();
    })
}

fn warnings(recorded: &Recorded) -> Vec<String> {
    let lines = recorded.model.log().into_iter().filter(|line| line.level != "DEBUG");
    lines.map(|line| format!("{}: {}", line.level, line.message)).collect()
}

fn root(spans: &Trace) -> &Span {
    spans.span("app/0: start event")
}

fn dropped(spans: &Trace) -> Option<u64> {
    let count = root(spans).attribute("charm_tracing.dropped_spans")?;
    count.as_i64().and_then(|count| count.try_into().ok())
}

/// Asserts that Tempo takes the trace: it drops one of more than 5,000,000 bytes, although it answers 200.
fn fits(recorded: &Recorded) {
    let bytes: usize = recorded.requests.iter().map(|request| request.otlp.len()).sum();
    assert!(bytes < 4_500_000, "{bytes} bytes");
}

/// Checks that the handler's span and all around it tell of its failure.
fn says_that_it_failed(spans: &Trace) {
    let handle = spans.span("method call: Charm.handle");
    let exception = handle.events.last().expect("an exception");
    assert_eq!(exception.name, "exception");
    assert_eq!(exception.attribute("exception.message").unwrap(), fmt::Error.to_string());
    assert_eq!(handle.status, Status::error(fmt::Error.to_string()));
    for span in [handle, root(spans), spans.span("event: start")] {
        assert!(span.is_failed(), "{}", span.name);
    }
}

#[test]
fn a_trace_says_how_many_spans_it_lacks_and_no_other_lacks_its_parent() {
    const OUTER: usize = 40;
    const CALLS: usize = 300;
    const MADE: usize = OUTER * (1 + CALLS * 5);
    let recorded = failing_after(|| (0..OUTER).for_each(|_| outer(CALLS)));
    let Recorded { spans, report, .. } = &recorded;
    spans.check().unwrap();
    fits(&recorded);
    says_that_it_failed(spans);
    // The root, the event and the handler are no calls of `work`.
    let delivered = spans.len() - 3;
    assert!((10_000..MADE).contains(&delivered), "{delivered} of {MADE} were delivered");
    let lacks = u64::try_from(MADE - delivered).unwrap();
    assert_eq!(dropped(spans), Some(lacks));
    assert_eq!(report.dropped_spans, lacks);
    assert_eq!(
        warnings(&recorded),
        [format!(
            "WARNING: the trace of this event had grown to its limit and lacks {lacks} spans; \
             `max_bytes_per_trace` sets it"
        )]
    );
}

#[test]
fn a_trace_that_is_not_too_large_lacks_nothing_and_says_nothing() {
    let recorded = failing_after(|| (0..10_000).for_each(|_| inner(1)));
    assert_eq!(recorded.spans.len(), 10_003);
    assert_eq!((recorded.report.dropped_spans, dropped(&recorded.spans)), (0, None));
    assert_eq!(warnings(&recorded).len(), 0);
}

/// Most of a limit, together with another one too much.
fn large() -> Vec<KeyValue> {
    vec![KeyValue::new("large", "x".repeat(3_000_000))]
}

#[test]
fn spans_whose_scope_does_not_fit_are_dropped_and_the_others_arrive() {
    let recorded = failing_after(|| {
        let tracer = |name| {
            let scope = InstrumentationScope::builder(name).with_attributes(large()).build();
            global::tracer_provider().tracer_with_scope(scope)
        };
        let (first, second) = (tracer("first"), tracer("second"));
        for _ in 0..3 {
            first.in_span("of the first scope", |_| inner(1));
            second.in_span("of the second one", |_| inner(1));
        }
    });
    let Recorded { spans, report, .. } = &recorded;
    spans.check().unwrap();
    says_that_it_failed(spans);
    let count = |name: &str| spans.iter().filter(|span| span.name == name).count();
    assert_eq!((count("of the first scope"), count("of the second one")), (3, 0));
    assert_eq!(count("function call: inner"), 6);
    assert_eq!((report.dropped_spans, dropped(spans)), (3, Some(3)));
}

#[test]
fn what_is_too_large_for_a_span_is_counted_and_the_rest_arrives() {
    let recorded = failing_after(|| {
        event("crowded", || {
            let context = Context::current();
            let span = context.span();
            span.add_event("first", large());
            span.add_event("too large", large());
            span.set_attributes(large());
            span.add_link(span.span_context().clone(), large());
            span.add_event("last", Vec::new());
        });
        let tracer = global::tracer("library");
        tracer.build_with_context(
            tracer.span_builder("too large").with_attributes(large()),
            &Context::current(),
        );
        inner(1);
    });
    recorded.spans.check().unwrap();
    says_that_it_failed(&recorded.spans);
    let span = recorded.spans.span("event: crowded");
    let events: Vec<_> = span.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(events, ["crowded", "first", "last"]);
    assert_eq!((span.dropped_events, span.dropped_attributes, span.dropped_links), (1, 1, 1));
    assert_eq!(recorded.report.dropped_spans, 1);
    assert!(recorded.spans.span("function call: inner").attributes.len() == 3);
}

/// It is not only spans that fill a trace.
#[test]
fn a_charm_that_says_too_much_about_its_spans_has_its_failure_recorded() {
    let recorded = failing_after(|| {
        for _ in 0..50 {
            event("crowded", || {
                for _ in 0..4_000 {
                    get_active_span(|span| span.add_event("x", vec![KeyValue::new("y", "z".repeat(40))]));
                }
            });
        }
        (0..10).for_each(|_| inner(1));
    });
    recorded.spans.check().unwrap();
    fits(&recorded);
    says_that_it_failed(&recorded.spans);
    let lacks = recorded.report.dropped_spans;
    assert!(lacks >= 10, "{lacks}");
    assert_eq!(dropped(&recorded.spans), Some(lacks));
}

#[trace_fn]
fn panics_below(depth: usize) {
    if depth == 0 {
        while is_room() {}
        panic!("{}", "at the limit ".repeat(50));
    }
    panics_below(depth - 1);
}

/// Returns true if another span is recorded.
fn is_room() -> bool {
    let before = get_active_span(|span| span.span_context().clone());
    event(&"large".repeat(2_000), || get_active_span(|span| *span.span_context() != before))
}

/// More failures than there is room left for.
#[test]
fn a_panic_through_many_spans_at_the_limit_is_not_all_that_a_trace_says() {
    const DEPTH: usize = 1_000;
    let recorded = failing_after(|| {
        catch_unwind(|| panics_below(DEPTH)).unwrap_err();
    });
    recorded.spans.check().unwrap();
    fits(&recorded);
    assert_eq!(dropped(&recorded.spans), Some(1));
    let calls = recorded.spans.iter().filter(|span| span.name == "function call: panics_below");
    let failed = calls.map(Span::is_failed);
    assert_eq!(failed.collect::<Vec<_>>(), [true; DEPTH + 1]);
}

/// Counts a trace state that is as long as one from beyond a proxy may be.
#[test]
fn what_spans_have_from_elsewhere_is_part_of_what_is_limited() {
    let state =
        TraceState::from_key_value([("vendor", "x".repeat(250)), ("other", "y".repeat(250))]).unwrap();
    let (trace, span) = (TraceId::from(7), SpanId::from(8));
    let remote = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, state);
    let recorded = failing_after(|| {
        let _elsewhere = Context::new().with_remote_span_context(remote).attach();
        (0..60_000).for_each(|_| inner(1));
    });
    fits(&recorded);
    says_that_it_failed(&recorded.spans);
    assert!(!recorded.report.lost, "{:?}", recorded.report);
    let lacks = recorded.report.dropped_spans;
    let kept = recorded.spans.iter().filter(|span| span.name == "function call: inner").count();
    assert_eq!(kept as u64 + lacks, 60_000);
    assert_eq!(dropped(&recorded.spans), Some(lacks));
}

#[test]
fn what_is_said_again_or_too_often_to_be_kept_takes_no_room() {
    let recorded = failing_after(|| {
        get_active_span(|span| {
            for number in 0..300_000 {
                span.set_attribute(KeyValue::new("progress", number));
                span.add_event("step", Vec::new());
                span.set_status(Status::error("not yet"));
                span.update_name("a name that is longer than the one before");
                span.add_link(SpanContext::NONE, Vec::new());
            }
        });
        (0..100).for_each(|_| inner(1));
    });
    assert_eq!((recorded.report.dropped_spans, dropped(&recorded.spans)), (0, None));
    let calls = recorded.spans.iter().filter(|span| span.name == "function call: inner");
    assert_eq!(calls.count(), 100);
    let said = recorded.spans.span("a name that is longer than the one before");
    assert_eq!(said.attribute("progress").unwrap(), 299_999);
    // Among those that are dropped is the exception.
    assert_eq!((said.events.len(), said.dropped_events), (4096, 295_905));
}
