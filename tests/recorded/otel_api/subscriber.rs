//! A subscriber of `tracing` records into the session, wherever its tracer was taken.

use charm_testing::Trace;
use charm_tracing::opentelemetry::trace::{FutureExt, SpanKind, TraceContextExt, Tracer, TracerProvider};
use charm_tracing::opentelemetry::{Context, global};
use charm_tracing::{Config, SessionTracer, event, is_enabled, trace_fn, tracer_provider};
use tests::recording::{record, spans_of, take_turn};
use tokio::runtime::Builder;
use tokio::task::yield_now;
use tracing::instrument::WithSubscriber;
use tracing::{Dispatch, info, info_span, instrument};
use tracing_subscriber::layer::SubscriberExt;

#[instrument]
fn inner(files: u8) {
    info!("rendered");
    event("custom", || ());
}

#[trace_fn]
fn work() {
    info_span!("outer").in_scope(|| inner(3));
}

const WORK: &str = "
app/0: start event
  event: start
    function call: work
      outer
        inner
          event: custom";

fn subscriber(tracer: SessionTracer) -> impl tracing::Subscriber {
    tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer))
}

fn outline(spans: &Trace) -> String {
    spans.check().unwrap();
    format!("\n{}", spans.outline())
}

#[test]
fn its_tracer_may_be_taken_before_the_session() {
    let turn = take_turn();
    assert!(!is_enabled());
    let subscriber = subscriber(tracer_provider().tracer("my-charm"));
    let recorded = tracing::subscriber::with_default(subscriber, || {
        // Neither is recorded, and the second is open when the session begins.
        work();
        let _main = info_span!("main").entered();
        record(&turn, Config::new(), |session| session.event(work))
    });
    assert_eq!(outline(&recorded.spans), WORK);
    let inner = recorded.spans.span("inner");
    assert_eq!(inner.events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["rendered"]);
    assert!(inner.attribute("files").is_some());
}

#[test]
fn its_tracer_may_be_taken_inside_the_session() {
    let spans = spans_of(|| {
        let subscriber = subscriber(tracer_provider().tracer("my-charm"));
        tracing::subscriber::with_default(subscriber, work);
    });
    assert_eq!(outline(&spans), WORK);
}

#[instrument]
async fn inner_later() {
    yield_now().await;
    work();
}

#[trace_fn]
async fn work_later() {
    yield_now().await;
    inner_later().await;
}

#[test]
fn its_spans_follow_futures_to_other_threads() {
    let turn = take_turn();
    // A worker thread has the subscriber of the process, if any.
    let dispatch = Dispatch::new(subscriber(tracer_provider().tracer("my-charm")));
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let recorded = record(&turn, Config::new(), |session| {
        session.event(|| {
            let tasks = async {
                let spawned = work_later().with_subscriber(dispatch).with_current_context();
                tokio::spawn(spawned).await.unwrap();
            };
            runtime.block_on(tasks);
        });
    });
    let expected = "
app/0: start event
  event: start
    function call: work_later
      inner_later
        function call: work
          outer
            inner
              event: custom";
    assert_eq!(outline(&recorded.spans), expected);
}

#[test]
fn one_tracer_serves_session_after_session() {
    let turn = take_turn();
    let tracer = tracer_provider().tracer("my-charm");
    let ids = [1, 2].map(|_| {
        let recorded =
            record(&turn, Config::new(), |session| session.event(|| tracer.in_span("ours", |_| work())));
        assert_eq!(
            outline(&recorded.spans),
            "\napp/0: start event\n  event: start\n    ours\n      function call: work\n        event: custom"
        );
        tracer.in_span("between", |context| assert!(!context.span().is_recording()));
        recorded.spans.spans()[0].trace_id
    });
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_span_that_was_created_before_the_session_is_below_the_event_in_which_it_is_entered() {
    let turn = take_turn();
    let subscriber = subscriber(tracer_provider().tracer("my-charm"));
    let recorded = tracing::subscriber::with_default(subscriber, || {
        let early = info_span!("early");
        record(&turn, Config::new(), |session| {
            session.event(|| {
                early.in_scope(work);
                drop(early);
            });
        })
    });
    let expected = "
app/0: start event
  event: start
    early
      function call: work
        outer
          inner
            event: custom";
    assert_eq!(outline(&recorded.spans), expected);
}

#[test]
fn a_span_without_a_parent_is_below_the_event() {
    let spans = spans_of(|| {
        let tracer = tracer_provider().tracer("library");
        let builder = tracer.span_builder("no parent").with_kind(SpanKind::Client);
        event("elsewhere", || drop(tracer.build_with_context(builder, &Context::new())));
        std::thread::scope(|scope| {
            scope.spawn(|| tracer.in_span("on a thread", |_| event("below", || ())));
        });
    });
    assert_eq!(
        spans.outline().to_string(),
        "
app/0: start event
  event: start
    event: elsewhere
    no parent
    on a thread
      event: below"
            .trim_start()
    );
}

#[test]
fn as_the_global_provider_it_serves_who_takes_a_global_tracer_before_the_session() {
    let turn = take_turn();
    let before = global::tracer_provider();
    global::set_tracer_provider(tracer_provider());
    let tracer = global::tracer("library");
    let recorded =
        record(&turn, Config::new(), |session| session.event(|| tracer.in_span("ours", |_| work())));
    global::set_tracer_provider(before);
    assert_eq!(
        outline(&recorded.spans),
        "\napp/0: start event\n  event: start\n    ours\n      function call: work\n        event: custom"
    );
}
