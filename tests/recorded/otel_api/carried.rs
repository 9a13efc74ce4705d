//! A context may be carried to where it is used, and be used when it likes.

use std::sync::mpsc;
use std::thread;

use charm_testing::Trace;
use charm_tracing::opentelemetry::trace::{FutureExt, TraceContextExt, Tracer, get_active_span};
use charm_tracing::opentelemetry::{Context, global};
use charm_tracing::{Config, current_span, event, trace_fn};
use tests::futures::{block_on, once, poll};
use tests::recording::{Recorded, record, spans_of, take_turn};

#[trace_fn]
fn work() {
    global::tracer("library").in_span("in span", |_| event("custom", || ()));
}

#[trace_fn]
async fn work_later() {
    once().await;
    work();
    once().await;
}

/// Below the event of the session.
fn outline(spans: &Trace) -> String {
    let all = spans.outline().to_string();
    all.lines().filter_map(|line| line.strip_prefix("    ")).collect::<Vec<_>>().join("\n")
}

const WORK: &str = "\
event: carrier
  function call: work
    in span
      event: custom";
const WORK_LATER: &str = "\
event: carrier
  function call: work_later
    function call: work
      in span
        event: custom";

#[test]
fn a_context_works_when_its_span_has_ended() {
    let spans = spans_of(|| {
        let context = event("carrier", Context::current);
        assert!(!context.span().is_recording());
        thread::spawn(move || {
            let _current = context.attach();
            assert!(current_span().is_none());
            work();
        })
        .join()
        .unwrap();
    });
    assert_eq!(outline(&spans), WORK);
}

#[test]
fn a_future_works_with_its_context_when_the_span_has_ended() {
    for in_library in [false, true] {
        let carried = || {
            if in_library { in_library_span(Context::current) } else { event("carrier", Context::current) }
        };
        let spans = spans_of(|| {
            let later = work_later().with_context(carried());
            // It is opened where it is polled first.
            event("elsewhere", || {
                thread::scope(|scope| scope.spawn(|| block_on(later)).join().unwrap());
            });
        });
        assert_eq!(outline(&spans), format!("{WORK_LATER}\nevent: elsewhere"));
    }
}

fn in_library_span<T>(work: impl FnOnce() -> T) -> T {
    global::tracer("library").in_span("event: carrier", |_| work())
}

#[test]
fn a_future_stays_below_the_span_in_which_it_was_polled_first() {
    let spans = spans_of(|| {
        let mut later = Box::pin(work_later());
        event("carrier", || assert!(poll(later.as_mut()).is_pending()));
        event("elsewhere", || {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            thread::scope(|scope| scope.spawn(|| block_on(later)).join().unwrap());
        });
    });
    assert_eq!(outline(&spans), format!("{WORK_LATER}\nevent: elsewhere"));
}

#[test]
fn many_threads_work_below_one_span() {
    const THREADS: usize = 8;
    const CALLS: usize = 50;
    let spans = spans_of(|| {
        event("carrier", || {
            let context = Context::current();
            thread::scope(|scope| {
                for _ in 0..THREADS {
                    let context = context.clone();
                    scope.spawn(move || {
                        let _current = context.attach();
                        (0..CALLS).for_each(|_| work());
                        let parent = get_active_span(|span| span.span_context().clone());
                        assert_eq!(&parent, Context::current().span().span_context());
                    });
                }
            });
        });
    });
    let calls = WORK.lines().skip(1).collect::<Vec<_>>().join("\n") + "\n";
    assert_eq!(outline(&spans) + "\n", "event: carrier\n".to_owned() + &calls.repeat(THREADS * CALLS));
}

/// As OpenTelemetry has it: what is opened in a context belongs to its trace.
#[test]
fn a_context_that_outlives_its_session_spoils_no_other_one() {
    let turn = take_turn();
    let mut carried = None;
    let first = record(&turn, Config::new(), |session| {
        session.event(|| event("carrier", || carried = Some((Context::current(), Box::pin(work_later())))));
        event("after", || assert!(poll(carried.as_mut().unwrap().1.as_mut()).is_pending()));
    });
    let (context, later) = carried.unwrap();

    // None is open.
    let current = context.clone().attach();
    work();
    assert!(current_span().is_none());
    assert!(!Context::current().span().is_recording());

    // It is current when the next one begins.
    let second = record(&turn, Config::new(), |session| {
        session.event(|| {
            work();
            let _current = context.clone().attach();
            work();
            block_on(later);
        });
    });
    drop(current);

    let trace = |recorded: &Recorded| recorded.spans.spans().last().unwrap().trace_id;
    let (strays, own): (Trace, Trace) =
        second.spans.iter().cloned().partition(|span| span.trace_id == trace(&first));
    assert!(own.iter().all(|span| span.trace_id == trace(&second)));
    own.check().unwrap();
    assert_eq!(
        own.outline().to_string(),
        "\
app/0: start event
  event: start
    function call: work
      in span
        event: custom"
    );
    let mut both = first.spans;
    both.extend(strays);
    both.check().unwrap_err();
    assert_eq!(
        both.outline().to_string(),
        "\
app/0: start event
  event: start
    event: carrier
      function call: work
        in span
          event: custom
  event: after
function call: work
  in span
    event: custom"
    );
}

#[test]
fn a_thread_may_outlive_the_session() {
    let turn = take_turn();
    let (go, wait) = mpsc::channel::<()>();
    let mut thread = None;
    record(&turn, Config::new(), |session| {
        session.event(|| {
            let context = Context::current();
            thread = Some(thread::spawn(move || {
                let _current = context.attach();
                event("open", || {
                    wait.recv().unwrap();
                    work();
                    assert!(current_span().is_none());
                });
                block_on(work_later());
            }));
        });
    });
    go.send(()).unwrap();
    thread.unwrap().join().unwrap();
}
