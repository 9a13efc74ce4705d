//! Work that goes on in another thread or task is below the span that its context says.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{self, Waker};
use std::thread;

use charm_tracing::opentelemetry::baggage::BaggageExt;
use charm_tracing::opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};
use charm_tracing::opentelemetry::{Context, KeyValue};
use charm_tracing::{current_span, event, trace_fn, tracer_provider, with_current_context};
use tests::futures::block_on;
use tests::recording::spans_of;
use tokio::runtime::Runtime;
use tokio::task::{JoinSet, LocalSet, spawn_blocking, spawn_local, yield_now};

use crate::runtimes;

#[trace_fn]
fn work() {
    tracer_provider().tracer("library").in_span("in span", |_| event("custom", || ()));
}

#[trace_fn]
async fn work_later() {
    yield_now().await;
    work();
    yield_now().await;
}

#[trace_fn]
async fn spawner(spawn: impl AsyncFnOnce()) {
    spawn().await;
}

/// The trace of a traced future that runs `spawn`.
fn outline(runtime: &Runtime, spawn: impl AsyncFnOnce()) -> String {
    let spans = spans_of(|| runtime.block_on(spawner(spawn)));
    format!("\n{}", spans.outline())
}

#[test]
fn a_task_with_the_current_context_is_below_the_span_that_spawned_it() {
    for runtime in runtimes() {
        let spawned = outline(&runtime, async || {
            tokio::spawn(with_current_context(work_later())).await.unwrap();
        });
        assert_eq!(
            spawned,
            "
app/0: start event
  event: start
    function call: spawner
      function call: work_later
        function call: work
          in span
            event: custom"
        );
    }
}

#[test]
fn a_blocking_closure_with_the_current_context_is_below_the_span_that_spawned_it() {
    for runtime in runtimes() {
        let spawned = outline(&runtime, async || {
            spawn_blocking(with_current_context(work)).await.unwrap();
        });
        assert_eq!(
            spawned,
            "
app/0: start event
  event: start
    function call: spawner
      function call: work
        in span
          event: custom"
        );
    }
}

#[test]
fn one_word_fits_wherever_work_is_handed_over() {
    for runtime in runtimes() {
        let name = "carried".to_owned();
        let spawned = outline(&runtime, async || {
            let mut set = JoinSet::new();
            set.spawn(with_current_context(work_later()));
            set.spawn_blocking(with_current_context(work));
            set.join_all().await;
            // Neither is `Send`.
            let shared = Rc::new(());
            let local = with_current_context(async {
                work_later().await;
                drop(shared);
            });
            LocalSet::new().run_until(async { spawn_local(local).await.unwrap() }).await;
            let length = thread::scope(|scope| {
                scope.spawn(with_current_context(|| event("scoped", || name.len()))).join().unwrap()
            });
            assert_eq!(length, name.len());
            let (pool, jobs) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
            pool.send(with_current_context(work)).unwrap();
            drop(pool);
            thread::spawn(|| jobs.into_iter().for_each(|job| job())).join().unwrap();
        });
        let (above, below) = spawned.split_once("    function call: spawner\n").unwrap();
        assert_eq!(above, "\napp/0: start event\n  event: start\n");
        assert!(below.lines().all(|line| line.starts_with("      ")), "{below}");
        let mut at_once: Vec<_> = below.lines().filter(|line| !line.starts_with("       ")).collect();
        at_once.sort_unstable();
        let [later, now] = ["      function call: work_later", "      function call: work"];
        assert_eq!(at_once, ["      event: scoped", now, now, later, later]);
    }
}

#[test]
fn a_context_is_handed_on_from_task_to_thread() {
    for runtime in runtimes() {
        let spawned = outline(&runtime, async || {
            let task = async {
                event("in task", || thread::spawn(with_current_context(work)).join().unwrap());
            };
            tokio::spawn(with_current_context(task)).await.unwrap();
        });
        assert_eq!(
            spawned,
            "
app/0: start event
  event: start
    function call: spawner
      event: in task
        function call: work
          in span
            event: custom"
        );
    }
}

#[test]
fn without_a_context_a_worker_thread_works_below_the_event() {
    let [_, runtime] = runtimes();
    let spawned = outline(&runtime, async || {
        tokio::spawn(work_later()).await.unwrap();
        spawn_blocking(|| tracer_provider().tracer("library").in_span("blocking", |_| work())).await.unwrap();
    });
    assert_eq!(
        spawned,
        "
app/0: start event
  event: start
    function call: spawner
    function call: work_later
      function call: work
        in span
          event: custom
    blocking
      function call: work
        in span
          event: custom"
    );
}

#[test]
fn a_task_without_a_context_on_the_thread_of_the_session_works_below_the_event() {
    let [runtime, _] = runtimes();
    let spawned = outline(&runtime, async || {
        tokio::spawn(work_later()).await.unwrap();
        spawn_blocking(work).await.unwrap();
    });
    assert_eq!(
        spawned,
        "
app/0: start event
  event: start
    function call: spawner
    function call: work_later
      function call: work
        in span
          event: custom
    function call: work
      in span
        event: custom"
    );
}

#[test]
fn a_carried_context_is_current_for_the_closure_only_even_if_that_panics() {
    let carried = {
        let _current = Context::current_with_value(KeyValue::new("carried", true)).attach();
        with_current_context(|| {
            assert!(Context::current().get::<KeyValue>().is_some());
            assert!(current_span().is_none(), "there is none to carry");
            panic!("as it may");
        })
    };
    let panic = thread::spawn(|| {
        let _own = Context::current_with_baggage([KeyValue::new("own", true)]).attach();
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(carried)).unwrap_err();
        assert!(Context::current().baggage().get("own").is_some());
        assert!(!Context::current().has_active_span());
    });
    panic.join().unwrap();
}

/// OpenTelemetry's own wrapper of a future panics in both places, and so would have ended the process.
#[test]
fn a_future_with_the_current_context_is_polled_wherever_the_charm_polls_it() {
    thread_local!(static LATE: RefCell<Option<Late>> = const { RefCell::new(None) });

    struct Late(Pin<Box<dyn Future<Output = ()> + Send>>);
    impl Drop for Late {
        fn drop(&mut self) {
            let mut task = task::Context::from_waker(Waker::noop());
            assert!(self.0.as_mut().poll(&mut task).is_pending());
        }
    }

    let spans = spans_of(|| {
        let late = Late(Box::pin(with_current_context(work_later())));
        let thread = thread::spawn(|| {
            // OpenTelemetry's value of the thread is newer, so it is destroyed first.
            LATE.set(Some(late));
            work();
        });
        thread.join().unwrap();
        Context::map_current(|_| block_on(with_current_context(async { 7 })));
    });
    assert_eq!(spans.find("function call: work").len(), 1);
    assert!(spans.find("function call: work_later").is_empty());
}
