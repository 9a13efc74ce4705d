//! Spans and events of the crate `tracing` in a session, by the layer. Each test has a subscriber of its own.

use std::error::Error;
use std::sync::Arc;
use std::{fmt, io, mem, thread};

use charm_testing::{Span, Trace};
use charm_tracing::juju::Dispatch;
use charm_tracing::juju::testing::{HookContext, Model};
use charm_tracing::opentelemetry::trace::TracerProvider;
use charm_tracing::{
    Config, Destination, TracedCharm, TracingLayer, event, testing, trace_fn, tracer_provider,
};
use tests::futures::block_on;
use tests::recording::take_turn;
use tracing::level_filters::LevelFilter;
use tracing::{Instrument, info_span};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::{Registry, registry};

struct MyCharm;

impl TracedCharm for MyCharm {
    fn config() -> Config {
        Config::new()
    }

    fn destination(&self) -> Option<Destination> {
        None
    }
}

/// Plays a dispatch with the subscriber. Returns the trace, and the lines of Juju's log without the first two.
fn dispatched(
    subscriber: impl tracing::Subscriber + Send + Sync,
    handle: impl FnOnce(),
) -> (Trace, Vec<String>) {
    let _turn = take_turn();
    let juju = Model::new("app/0");
    let new = |_: &Dispatch| Ok::<_, String>(MyCharm);
    let handle = |_: &mut MyCharm, _: &Dispatch| {
        tracing::subscriber::with_default(subscriber, handle);
        Ok::<_, String>(())
    };
    let dispatched = testing::dispatch(&juju, "start", HookContext::new(), new, handle);
    dispatched.trace.check().unwrap();
    let lines = juju.log().into_iter().skip(2).map(|line| format!("{} {}", line.level, line.message));
    (dispatched.trace, lines.collect())
}

fn traced(handle: impl FnOnce()) -> (Trace, Vec<String>) {
    dispatched(registry().with(TracingLayer::new()), handle)
}

/// The tree below the event's span.
fn tree(handle: impl FnOnce()) -> String {
    let (trace, _) = traced(handle);
    let tree = trace.tree();
    let lines: Vec<_> = tree.lines().skip(2).map(|line| line.strip_prefix("    ").unwrap()).collect();
    lines.join("\n") + "\n"
}

fn attributes(of: &[(String, charm_testing::Value)]) -> Vec<String> {
    of.iter().map(|(key, value)| format!("{key}={value}")).collect()
}

fn events(span: &Span) -> Vec<&str> {
    span.events.iter().map(|event| event.name.as_str()).collect()
}

#[trace_fn]
fn outer() {
    instrumented();
}

#[tracing::instrument]
fn instrumented() {
    inner();
    event("custom", || info_span!("below").in_scope(|| ()));
}

#[trace_fn]
fn inner() {
    tracing::info!("in it");
}

#[test]
fn parents_are_right_in_both_directions() {
    assert_eq!(
        tree(outer),
        "\
function call: outer
  instrumented
    function call: inner
    event: custom
      below
"
    );
}

#[test]
fn an_event_belongs_to_the_innermost_span_whichever_api_opened_it() {
    let (trace, lines) = traced(|| {
        outer();
        tracing::warn!(files = 3, name = "app.conf", ?LINES, "rendered");
        tracing::debug!("not for Juju");
    });
    assert_eq!(events(trace.span("function call: inner")), ["in it"]);
    let handled = trace.span("event: start");
    assert_eq!(events(handled), ["start", "rendered", "not for Juju"]);
    assert_eq!(
        attributes(&handled.events[1].attributes),
        ["level=WARN", "target=recorded::tracing_layer", "files=3", "name=app.conf", "LINES=[1, 2]"]
    );
    assert_eq!(lines, ["INFO in it", "WARNING rendered files=3 name=app.conf LINES=[1, 2]"]);
}

const LINES: [u8; 2] = [1, 2];

#[test]
fn fields_are_attributes() {
    let (trace, _) = traced(|| {
        let span = info_span!(
            "render",
            text = "a",
            count = 3_u64,
            share = 0.5,
            whole = true,
            big = u64::MAX,
            late = tracing::field::Empty
        );
        span.record("late", "b");
        span.record("count", 4);
    });
    let span = trace.span("render");
    assert_eq!(
        attributes(&span.attributes)[2..],
        ["text=a", "count=4", "share=0.5", "whole=true", "big=18446744073709551615", "late=b"]
    );
    assert_eq!(span.attribute("code.file.path").unwrap().to_string(), file!());
    assert!(span.attribute("code.line.number").is_some());
}

#[derive(Debug)]
struct Failed(io::Error);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot start")
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[tracing::instrument(err)]
fn fails() -> Result<(), Failed> {
    Err(Failed(io::Error::other("no space is left")))
}

#[tracing::instrument(err(level = "warn"))]
fn warns() -> Result<(), Failed> {
    fails()
}

#[test]
fn an_error_fails_the_span_unless_its_level_says_that_it_is_none() {
    let (trace, lines) = traced(|| {
        warns().unwrap_err();
        info_span!("told").in_scope(|| {
            let error = Failed(io::Error::other("no space is left"));
            tracing::error!(error = &error as &dyn Error, unit = "app", "giving up");
        });
        info_span!("alone").in_scope(|| tracing::error!("only said"));
        info_span!("recorded", error = "wrong");
    });
    let errors: Vec<_> =
        trace.failed().iter().map(|span| (span.name.as_str(), span.error().unwrap())).collect();
    assert_eq!(errors, [("fails", "cannot start"), ("told", "cannot start"), ("recorded", "wrong")]);
    let exception = trace.span("told").event("exception").unwrap();
    assert_eq!(
        attributes(&exception.attributes),
        [
            "exception.message=cannot start",
            "exception.stacktrace=Caused by:\n    no space is left",
            "message=giving up",
            "level=ERROR",
            "target=recorded::tracing_layer",
            "unit=app"
        ]
    );
    assert_eq!(trace.span("fails").event("exception").unwrap().attributes.len(), 3);
    assert_eq!(
        lines,
        [
            "ERROR error=cannot start",
            "WARNING error=cannot start",
            "ERROR giving up error=cannot start unit=app",
            "ERROR only said"
        ]
    );
}

#[test]
fn a_span_may_be_entered_several_times_and_left_in_any_order() {
    let tree = tree(|| {
        let (one, two) = (info_span!("one"), info_span!("two"));
        one.in_scope(|| event("first", || ()));
        one.in_scope(|| one.in_scope(|| event("second", || ())));
        let (in_one, in_two) = (one.enter(), two.enter());
        drop(in_one);
        event("third", || ());
        drop(in_two);
        event("outside", || ());
    });
    assert_eq!(
        tree,
        "\
one
  event: first
  event: second
two
  event: third
event: outside
"
    );
}

#[test]
fn spans_of_several_subscribers_that_have_the_same_ids_are_left_in_any_order() {
    let tree = tree(|| {
        let [one, two] = [(); 2].map(|()| {
            let subscriber = registry().with(TracingLayer::new());
            tracing::subscriber::with_default(subscriber, || info_span!("span"))
        });
        assert_eq!(one.id(), two.id());
        let (in_one, in_two) = (one.enter(), two.enter());
        drop(in_one);
        event("in two", || ());
        drop(in_two);
        event("outside", || ());
    });
    assert_eq!(tree, "span\nspan\n  event: in two\nevent: outside\n");
}

#[test]
fn explicit_parents_count() {
    let tree = tree(|| {
        let one = info_span!("one");
        let _two = info_span!("two").entered();
        let _child = info_span!(parent: &one, "child of one").entered();
        info_span!("below it");
        info_span!(parent: &one, "another").follows_from(&one);
    });
    assert_eq!(
        tree,
        "\
one
  child of one
    below it
  another
two
"
    );
    let (trace, _) = traced(|| {
        info_span!(parent: None, "top");
    });
    assert_eq!(trace.parent(trace.span("top")).unwrap().name, "app/0: start event");
}

#[test]
fn a_span_goes_with_a_future_and_to_other_threads() {
    let tree = tree(|| {
        let span = info_span!("request");
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let other = thread::spawn({
            let span = span.clone();
            move || {
                tracing::dispatcher::with_default(&dispatch, || span.in_scope(inner));
            }
        });
        other.join().unwrap();
        block_on(async { event("polled", || ()) }.instrument(span));
    });
    assert_eq!(tree, "request\n  function call: inner\n  event: polled\n");
}

#[test]
fn a_panic_closes_the_spans_that_it_passes() {
    let (trace, _) = traced(|| {
        let caught = std::panic::catch_unwind(|| {
            let _span = info_span!("risky").entered();
            panic!("the workload is gone");
        });
        assert!(caught.is_err());
        event("after", || ());
    });
    assert_eq!(trace.span("risky").error(), Some("the workload is gone"));
    assert_eq!(trace.parent(trace.span("event: after")).unwrap().name, "event: start");
}

#[test]
fn a_value_that_panics_or_logs_makes_nothing_fail() {
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("in Debug")
        }
    }
    struct Logs;
    impl fmt::Debug for Logs {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            tracing::info!("while it is shown");
            inner();
            f.write_str("Logs")
        }
    }
    let (trace, lines) = traced(|| {
        info_span!("span", value = ?Panics).in_scope(|| tracing::info!(value = ?Panics, "said"));
        tracing::info!(value = ?Logs, "shown");
    });
    assert_eq!(trace.span("span").events.len(), 1);
    assert_eq!(lines, ["INFO said", "INFO shown value=Logs"]);
}

#[test]
fn of_several_layers_only_the_last_records_however_they_are_joined() {
    let layer = TracingLayer::new;
    // Only the last says the ids.
    let last = || TracingLayer::new().trace_ids(true);
    for (trace, lines) in [
        dispatched(registry().with(layer()).with(last().with_filter(LevelFilter::TRACE)), outer),
        dispatched(registry().with(layer().and_then(last())), outer),
        dispatched(registry().with(layer().and_then(layer())).with(last()), outer),
        dispatched(registry().with(layer().boxed()).with(Some(last())), outer),
    ] {
        assert_eq!(trace.find("instrumented").len(), 1);
        let span = trace.span("function call: inner");
        assert_eq!(events(span), ["in it"]);
        assert_eq!(lines, [format!("INFO in it trace_id={} span_id={}", span.trace_id, span.span_id)]);
    }
}

#[test]
fn beside_tracing_opentelemetry_each_layer_has_its_own_span() {
    let tracer = tracer_provider().tracer("other");
    let other = tracing_opentelemetry::layer().with_tracer(tracer);
    let (trace, _) = dispatched(registry().with(TracingLayer::new()).with(other), outer);
    assert_eq!(trace.find("instrumented").len(), 2);
    assert_eq!(trace.find("function call: inner").len(), 1);
}

#[test]
fn what_the_filters_let_through_is_recorded() {
    let layer = TracingLayer::new().juju_level(LevelFilter::WARN).trace_ids(true);
    let subscriber = Registry::default().with(layer.with_filter(LevelFilter::INFO));
    let (trace, lines) = dispatched(subscriber, || {
        tracing::debug_span!("hidden").in_scope(|| {
            tracing::debug!("hidden");
            tracing::info!("seen");
            tracing::warn!("told");
        });
    });
    assert!(trace.find("hidden").is_empty());
    let span = trace.span("event: start");
    assert_eq!(events(span), ["start", "seen", "told"]);
    assert_eq!(lines, [format!("WARNING told trace_id={} span_id={}", span.trace_id, span.span_id)]);
}

#[test]
fn what_tracing_itself_says_is_left_out() {
    let (trace, lines) = traced(|| {
        tracing::warn!(target: "ureq::run", "a request");
        tracing::warn!(target: "log", { log.target = "rustls::conn", log.line = 3 }, "a handshake");
        tracing::warn!(target: "log", { log.target = "my_charm::db", log.line = 3 }, "a query");
    });
    assert_eq!(lines, ["WARNING a query"]);
    let event = trace.span("event: start").event("a query").unwrap();
    assert_eq!(attributes(&event.attributes), ["level=WARN", "target=my_charm::db"]);
}

#[test]
fn a_subscriber_outlives_sessions() {
    let subscriber: Arc<dyn tracing::Subscriber + Send + Sync> =
        Arc::new(registry().with(TracingLayer::new()));
    let before = {
        // While no other test has a session.
        let _turn = take_turn();
        tracing::subscriber::with_default(Arc::clone(&subscriber), || info_span!("before"))
    };
    for _ in 0..2 {
        let (trace, lines) = dispatched(Arc::clone(&subscriber), || {
            before.in_scope(outer);
            tracing::info!("in a session");
        });
        assert!(trace.find("before").is_empty());
        assert_eq!(trace.parent(trace.span("function call: outer")).unwrap().name, "event: start");
        assert_eq!(lines, ["INFO in it", "INFO in a session"]);
    }
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!("outside of a session");
        outer();
    });
}

#[test]
fn where_telemetry_is_suppressed_no_span_is_recorded_whatever_its_parent() {
    let tree = tree(|| {
        let outer = info_span!("outer");
        let suppressed = charm_tracing::opentelemetry::Context::enter_telemetry_suppressed_scope();
        info_span!(parent: &outer, "explicit").in_scope(|| ());
        info_span!(parent: None, "root").in_scope(|| ());
        info_span!("contextual").in_scope(|| ());
        drop(suppressed);
        info_span!(parent: &outer, "recorded").in_scope(|| ());
    });
    assert_eq!(tree, "outer\n  recorded\n");
}

/// `std::process::exit` inside of a span ends a thread like this, because it drops nothing that is on the stack.
#[test]
fn a_thread_may_end_in_a_span_after_it_has_left_one_that_was_not_recorded() {
    let thread = thread::spawn(|| {
        let _subscriber = tracing::subscriber::set_default(registry().with(TracingLayer::new()));
        info_span!("before").in_scope(|| ());
        let recording = testing::Recording::start();
        mem::forget(info_span!("never left").entered());
        drop(recording);
    });
    thread.join().unwrap();
}
