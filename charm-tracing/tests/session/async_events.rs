//! Async handlers of a session that belongs to a `main` of its own.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;

use charm_testing::queue;
use charm_tracing::juju::Dispatch;
use charm_tracing::juju::testing::HookContext;
use charm_tracing::{Config, Session, current_span, event, trace_fn};
use opentelemetry::trace::TraceContextExt;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{spawn_blocking, yield_now};

use super::conventions::{OF_UNIT, trace_of};
use super::take_turn;

#[trace_fn]
fn work() {}

#[trace_fn]
async fn step() {
    yield_now().await;
    work();
}

/// Returns the trace of a session that `work` has.
fn outline(work: impl AsyncFnOnce(&mut Session), runtime: &Runtime) -> String {
    let start = [("JUJU_DISPATCH_PATH", "hooks/start")];
    let trace = trace_of(&start, HookContext::new(), |session| runtime.block_on(work(session)));
    trace.outline().status().to_string()
}

fn runtimes() -> [Runtime; 2] {
    let mut builders = [Builder::new_current_thread(), Builder::new_multi_thread()];
    builders.each_mut().map(|builder| builder.build().unwrap())
}

#[test]
fn the_span_of_an_async_event_ends_with_its_future() {
    for runtime in runtimes() {
        let trace = outline(
            async |session| {
                step().await;
                assert_eq!(session.event_async(async || step().await).await, ());
                let failed: Result<(), String> = session
                    .try_event_async(async || {
                        step().await;
                        Err("no route".to_owned())
                    })
                    .await;
                assert!(failed.is_err());
                step().await;
            },
            &runtime,
        );
        assert_eq!(
            trace,
            "\
app/0: start event [error: no route]
  function call: step
    function call: work
  event: start
    function call: step
      function call: work
  event: start [error: no route]
    function call: step
      function call: work
  function call: step
    function call: work"
        );
    }
}

#[test]
fn tasks_and_threads_without_a_context_are_below_the_event_only_while_it_is_handled() {
    async fn everywhere() {
        tokio::spawn(step()).await.unwrap();
        spawn_blocking(work).await.unwrap();
        thread::spawn(|| event("on thread", || ())).join().unwrap();
        thread::spawn(|| assert!(current_span().is_some_and(|span| span.is_recording()))).join().unwrap();
    }
    for runtime in runtimes() {
        let trace = outline(
            async |session| {
                everywhere().await;
                session.event_async(everywhere).await;
                everywhere().await;
            },
            &runtime,
        );
        assert_eq!(
            trace,
            "\
app/0: start event
  function call: step
    function call: work
  function call: work
  event: on thread
  event: start
    function call: step
      function call: work
    function call: work
    event: on thread
  function call: step
    function call: work
  function call: work
  event: on thread"
        );
    }
}

#[test]
fn an_event_that_is_dropped_is_cancelled_and_is_no_parent_any_more() {
    let trace = trace_of(&[("JUJU_DISPATCH_PATH", "hooks/start")], HookContext::new(), |session| {
        {
            let mut handled = pin!(session.event_async(async || {
                step().await;
                step().await;
            }));
            assert!(handled.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        work();
        thread::spawn(work).join().unwrap();
    });
    assert_eq!(
        trace.outline().status().to_string(),
        "\
app/0: start event
  event: start [error: cancelled]
    function call: step [error: cancelled]
  function call: work
  function call: work"
    );
}

#[test]
fn an_event_between_whose_polls_another_future_is_traced_stays_the_current_one_of_its_own() {
    #[trace_fn]
    async fn beside(times: u8) {
        for _ in 0..times {
            yield_now().await;
            work();
        }
    }
    for (before, after) in [(1, 3), (3, 1)] {
        let [runtime, _] = runtimes();
        let trace = outline(
            async |session| {
                let current = || opentelemetry::Context::current().span().span_context().span_id();
                let outside = current();
                let handled = session.event_async(async || {
                    for _ in 0..2 {
                        yield_now().await;
                        event("inside", || ());
                    }
                });
                join([Box::pin(beside(before)), Box::pin(handled), Box::pin(beside(after))]).await;
                assert_eq!(current(), outside);
            },
            &runtime,
        );
        assert!(trace.contains("  event: start\n"), "{trace}");
        assert_eq!(trace.matches("\n    event: inside").count(), 2, "{trace}");
        assert_eq!(trace.matches("  function call: beside").count(), 2, "{trace}");
        assert_eq!(trace.matches("function call: work").count(), 4, "{trace}");
    }
}

/// Polls all futures in turn until the last one is ready.
async fn join(futures: [Pin<Box<dyn Future<Output = ()> + '_>>; 3]) {
    let mut running: Vec<_> = futures.into();
    poll_fn(|context| {
        running.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[test]
fn a_panic_in_an_async_event_fails_it_and_the_session_goes_on() {
    let trace = trace_of(&[("JUJU_DISPATCH_PATH", "hooks/start")], HookContext::new(), |session| {
        {
            let mut handled = pin!(session.event_async(async || {
                step().await;
                assert!(current_span().is_none(), "the workload is gone");
            }));
            let mut poll = || handled.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(poll().is_pending());
            catch_unwind(AssertUnwindSafe(poll)).unwrap_err();
        }
        work();
    });
    assert_eq!(
        trace.outline().status().to_string(),
        "\
app/0: start event
  event: start [error: the workload is gone]
    function call: step
      function call: work
  function call: work"
    );
}

#[test]
fn a_dispatch_is_idle_if_its_async_event_did_nothing_and_was_not_cancelled() {
    fn is_idle(handle: impl FnOnce(&mut Session)) -> bool {
        let _turn = take_turn();
        let directory = tempfile::tempdir().unwrap();
        let of_unit = OF_UNIT.into_iter().chain([("JUJU_DISPATCH_PATH", "hooks/start")]);
        let config = Config::new().buffer_path(directory.path());
        let mut session = Session::start(Dispatch::from_vars(of_unit), config);
        handle(&mut session);
        assert!(session.finish(None).buffered);
        let traces = queue::traces(directory.path());
        let [trace] = &traces[..] else { panic!("one trace: {traces:?}") };
        trace.is_idle
    }
    let [runtime, _] = runtimes();
    assert!(is_idle(|session| runtime.block_on(session.event_async(async || ()))));
    assert!(!is_idle(|session| runtime.block_on(session.event_async(step))));
    assert!(!is_idle(|session| {
        runtime.block_on(session.event_async(async || tokio::spawn(step()).await.unwrap()));
    }));
    assert!(!is_idle(|session| {
        let mut handled = pin!(session.event_async(yield_now));
        assert!(handled.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }));
}
