//! Tracers work when a session is open, from whichever provider they are, and do no harm at other times.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use charm_testing::Trace;
use charm_tracing::opentelemetry::trace::noop::NoopTracer;
use charm_tracing::opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
    get_active_span, mark_span_as_active,
};
use charm_tracing::opentelemetry::{Context, InstrumentationScope, KeyValue, global};
use charm_tracing::{Config, current_span, event, is_enabled, switch_off, trace_fn};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanProcessor};
use tests::recording::{record, spans_of, take_turn};

use super::id;

/// Keeps what has ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended(pub(crate) Arc<Mutex<Vec<SpanData>>>);

impl Ended {
    fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|span| span.name.to_string()).collect()
    }
}

impl SpanProcessor for Ended {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[trace_fn]
fn work() {
    event("worked", || ());
}

const WORK: &str = "
app/0: start event
  event: start
    function call: work
      event: worked";

/// Returns the tree of names, with a line feed before the first.
fn outline(spans: &Trace) -> String {
    spans.check().unwrap();
    format!("\n{}", spans.outline())
}

#[test]
fn a_tracer_that_is_kept_works_in_every_session_and_rests_between_them() {
    let turn = take_turn();
    let before = global::tracer("before");
    let mut kept = None;
    let first = record(&turn, Config::new(), |session| {
        session.event(|| {
            // It is from the provider that was global then, and that records nothing.
            before.in_span("before", |_| work());
            let tracer = global::tracer("kept");
            tracer.in_span("kept", |_| work());
            kept = Some(tracer);
        });
    });
    assert_eq!(
        outline(&first.spans),
        "
app/0: start event
  event: start
    function call: work
      event: worked
    kept
      function call: work
        event: worked"
    );

    let kept = kept.unwrap();
    for tracer in [&kept, &global::tracer("between")] {
        tracer.in_span("between", |context| {
            assert!(!context.span().is_recording());
            assert!(!context.span().span_context().is_valid());
            work();
            assert!(current_span().is_none());
        });
    }

    let second = record(&turn, Config::new(), |session| session.event(|| kept.in_span("kept", |_| work())));
    assert_eq!(
        outline(&second.spans),
        "
app/0: start event
  event: start
    kept
      function call: work
        event: worked"
    );
    assert_ne!(first.spans.spans()[0].trace_id, second.spans.spans()[0].trace_id);
}

#[test]
fn the_provider_from_before_a_session_is_global_again_after_it() {
    let turn = take_turn();
    let ended = Ended::default();
    let provider = SdkTracerProvider::builder().with_span_processor(ended.clone()).build();
    let nothing = global::tracer_provider();
    global::set_tracer_provider(provider.clone());
    let in_trace = record(&turn, Config::new(), |session| {
        session.event(|| {
            global::tracer("library").in_span("ours", |_| ());
            provider.tracer("library").in_span("theirs", |_| ());
        });
    });
    global::tracer("library").in_span("theirs again", |_| ());
    global::set_tracer_provider(nothing);
    assert_eq!(outline(&in_trace.spans), "\napp/0: start event\n  event: start\n    ours");
    assert_eq!(ended.names(), ["theirs", "theirs again"]);
}

#[test]
fn spans_of_another_provider_are_between_ours_and_go_elsewhere() {
    let turn = take_turn();
    let ended = Ended::default();
    let provider = SdkTracerProvider::builder().with_span_processor(ended.clone()).build();
    let nothing = global::tracer_provider();
    let recorded = record(&turn, Config::new(), |session| {
        global::set_tracer_provider(provider.clone());
        session.event(|| {
            event("above", || {
                global::tracer("library").in_span("theirs", |context| {
                    context.span().add_event("said", Vec::new());
                    event("below", || {
                        current_span().unwrap().set_attribute(KeyValue::new("ours", true));
                        let _active = mark_span_as_active(global::tracer("library").start("theirs too"));
                        current_span().unwrap().set_attribute(KeyValue::new("theirs", true));
                    });
                });
            });
        });
    });
    // As it was when the session began.
    global::tracer("library").in_span("nobody's", |_| ());
    global::set_tracer_provider(nothing);

    let above = recorded.spans.span("event: above");
    let below = recorded.spans.span("event: below");
    assert_eq!(recorded.spans.len(), 4);
    assert_eq!(below.attributes.len(), 2, "the kind of the event, and `ours`");
    assert_eq!(ended.names(), ["theirs too", "theirs"]);
    let ended = ended.0.lock().unwrap();
    let [inner, outer] = &ended[..] else { panic!("two spans") };
    assert_eq!(outer.parent_span_id, above.span_id);
    assert_eq!(below.parent_span_id, Some(outer.span_context.span_id()));
    assert_eq!(inner.parent_span_id, below.span_id);
    for span in [inner, outer] {
        assert_eq!(span.span_context.trace_id(), above.trace_id);
    }
    assert_eq!((inner.attributes.len(), outer.events.len()), (1, 1));
}

#[test]
fn nothing_begins_while_tracing_is_switched_off_and_what_is_open_goes_on() {
    let spans = spans_of(|| {
        let tracer = global::tracer("library");
        event("open", || {
            let active = mark_span_as_active(tracer.start("active"));
            let off = switch_off();
            let twice = switch_off();
            assert!(!is_enabled() && current_span().is_none());
            work();
            tracer.in_span("not recorded", |context| {
                assert!(!context.span().is_recording());
                work();
                drop(twice);
                get_active_span(|span| span.add_event("not recorded", Vec::new()));
                assert!(!is_enabled());
            });
            get_active_span(|span| {
                assert!(span.is_recording());
                span.set_attribute(KeyValue::new("meanwhile", true));
            });
            // What is open may end.
            drop(active);
            // What has begun in between stays below what is recorded.
            tracer.in_span("not recorded", |_| {
                drop(off);
                work();
            });
        });
        work();
    });
    assert_eq!(
        outline(&spans),
        "
app/0: start event
  event: start
    event: open
      active
      function call: work
        event: worked
    function call: work
      event: worked"
    );
    let active = spans.span("active");
    assert_eq!((active.attributes.len(), active.events.len()), (1, 0));
}

#[test]
fn a_session_may_finish_while_tracing_is_switched_off() {
    let turn = take_turn();
    let mut off = None;
    let recorded = record(&turn, Config::new(), |session| {
        session.event(work);
        off = Some(switch_off());
        work();
    });
    drop(off);
    assert_eq!(outline(&recorded.spans), WORK);
    assert!(!is_enabled());
}

#[test]
fn suppressed_telemetry_is_not_recorded() {
    let spans = spans_of(|| {
        let tracer = global::tracer("library");
        event("outer", || {
            let suppressed = Context::enter_telemetry_suppressed_scope();
            work();
            tracer.in_span("not recorded", |context| {
                assert!(!context.span().is_recording());
                work();
            });
            let context = Context::current();
            thread::spawn(move || {
                let _current = context.attach();
                work();
            })
            .join()
            .unwrap();
            get_active_span(|span| span.set_attribute(KeyValue::new("meanwhile", true)));
            drop(suppressed);
            work();
        });
    });
    assert_eq!(
        outline(&spans),
        "
app/0: start event
  event: start
    event: outer
      function call: work
        event: worked"
    );
    assert_eq!(spans.span("event: outer").attributes.len(), 2, "the kind of the event, and `meanwhile`");
}

/// Ours are children of the event there; OpenTelemetry's begin a trace, as its API has it.
#[test]
fn spans_of_a_thread_without_a_context_are_recorded() {
    let spans = spans_of(|| {
        let on_thread = || {
            work();
            global::tracer("library").in_span("other trace", |context| {
                context.span().add_event("said", Vec::new());
                work();
            });
        };
        thread::spawn(on_thread).join().unwrap();
    });
    assert_eq!(
        outline(&spans),
        "
app/0: start event
  event: start
    function call: work
      event: worked
other trace
  function call: work
    event: worked"
    );
    let other = spans.span("other trace");
    let root = spans.span("app/0: start event");
    assert_ne!(other.trace_id, root.trace_id);
    assert_eq!((other.events.len(), other.parent_span_id, other.flags), (1, None, root.flags));
}

/// A context that came over the network.
#[test]
fn spans_below_a_remote_context_are_in_its_trace() {
    const REMOTE: u32 = 0x200;
    let state = TraceState::from_key_value([("vendor", "x")]).unwrap();
    let remote = SpanContext::new(TraceId::from(7), SpanId::from(8), TraceFlags::NOT_SAMPLED, true, state);
    let spans = spans_of(|| {
        let _current = Context::current().with_remote_span_context(remote).attach();
        event("ours", || event("below", || ()));
        global::tracer("library").in_span("theirs", |context| {
            assert!(context.span().span_context().is_sampled());
        });
    });
    for (name, parent) in
        [("event: ours", 8), ("theirs", 8), ("event: below", id(spans.span("event: ours").span_id))]
    {
        let span = spans.span(name);
        assert_eq!(span.trace_id, TraceId::from(7));
        assert_eq!(span.parent_span_id.map(id), Some(parent), "{name}");
        assert_eq!(span.trace_state, "vendor=x");
        assert_eq!(span.flags & REMOTE != 0, parent == 8, "{name}");
        assert_eq!(span.flags & 0xff, 1, "{name}");
    }
}

/// As one whose exporter is instrumented.
#[derive(Debug)]
struct LooksWhenDropped;

impl TracerProvider for LooksWhenDropped {
    type Tracer = NoopTracer;

    fn tracer_with_scope(&self, _: InstrumentationScope) -> NoopTracer {
        NoopTracer::new()
    }
}

impl Drop for LooksWhenDropped {
    fn drop(&mut self) {
        drop(global::tracer("http client"));
    }
}

#[test]
fn a_provider_of_the_charm_may_look_for_the_global_one_when_it_is_replaced() {
    let spans = spans_of(|| {
        global::set_tracer_provider(LooksWhenDropped);
        work();
    });
    assert_eq!(outline(&spans), WORK);
}
