//! A charm whose handler is an `async fn`, as a process of its own: on any runtime, it ends as a charm with `run` does.

use std::process::ExitCode;
use std::time::Duration;
use std::{env, process};

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju, Outcome};
use charm_tracing::juju::Dispatch;
use charm_tracing::{trace_charm, trace_fn};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

use crate::unit::notices;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl MyCharm {
    fn new(_: &Dispatch) -> Result<Self, String> {
        Ok(Self { endpoint: None })
    }

    async fn handle(&mut self, dispatch: &Dispatch) -> anyhow::Result<()> {
        // Also a handler that fails has told the charm where its traces go.
        self.endpoint = dispatch.var("COLLECTOR").map(ToOwned::to_owned);
        step().await;
        match dispatch.event() {
            "upgrade_charm" => anyhow::bail!("no such version"),
            "stop" => panic!("the workload is gone"),
            "rotate_action" => dispatch.action_fail("no key")?,
            "install" => tokio::spawn(step()).await?,
            "leader_elected" => {
                tokio::spawn(never());
                // Then it has begun.
                yield_now().await;
            }
            _ => {}
        }
        Ok(())
    }
}

#[trace_fn]
async fn step() {
    yield_now().await;
}

#[trace_fn]
async fn never() {
    std::future::pending::<()>().await;
}

#[test]
#[ignore = "it is the `main` of the charm that the tests below deploy"]
fn charm() {
    let exit_code = match env::var("RUNTIME").as_deref() {
        Ok("current thread") => run_on(Builder::new_current_thread().build().unwrap()),
        Ok("multi thread") => run_on(Builder::new_multi_thread().worker_threads(2).build().unwrap()),
        Ok("futures") => charm_tracing::run_async(futures_executor::block_on, MyCharm::new, MyCharm::handle),
        Ok("by hand") => charm_tracing::run_async(tests::futures::block_on, MyCharm::new, MyCharm::handle),
        other => unreachable!("{other:?}"),
    };
    process::exit(i32::from(exit_code != ExitCode::SUCCESS));
}

/// Runs the charm on a runtime that ends with the event.
fn run_on(runtime: Runtime) -> ExitCode {
    let block_on = |handled| {
        let result = runtime.block_on(handled);
        runtime.shutdown_timeout(Duration::from_secs(5));
        result
    };
    charm_tracing::run_async(block_on, MyCharm::new, MyCharm::handle)
}

const ANY: [&str; 4] = ["current thread", "multi thread", "futures", "by hand"];
const TOKIO: [&str; 2] = ["current thread", "multi thread"];

/// Dispatches an event to the charm, and returns what Juju sees, and the trace.
fn dispatch(runtime: &str, event: Event) -> (Outcome, String) {
    let collector = Collector::start();
    let test = env::current_exe().unwrap();
    let script =
        format!("#!/bin/sh\nexec '{}' --quiet --exact async_charm::charm --ignored\n", test.display());
    let event = event.env("COLLECTOR", &collector.endpoint()).env("RUNTIME", runtime);
    let outcome = Juju::from_script(&script).dispatch(event);
    let trace = collector.trace();
    trace.check().unwrap();
    (outcome, trace.outline().status().to_string())
}

#[test]
fn the_spans_of_the_handler_are_below_the_event() {
    for runtime in ANY {
        let (outcome, trace) = dispatch(runtime, Event::hook("start"));
        assert!(outcome.success(), "{runtime}: {outcome}");
        assert_eq!(
            trace,
            "\
app/0: start event
  method call: MyCharm.new
  event: start
    method call: MyCharm.handle
      function call: step",
            "{runtime}"
        );
    }
}

#[test]
fn an_error_fails_the_hook_the_event_and_the_root() {
    for runtime in ANY {
        let (outcome, trace) = dispatch(runtime, Event::hook("upgrade-charm"));
        assert_eq!(outcome.code(), Some(1), "{runtime}: {outcome}");
        assert!(outcome.stderr.ends_with("Error: no such version\n"), "{runtime}: {outcome}");
        assert_eq!(notices(&outcome), ["ERROR no such version"], "{runtime}");
        assert_eq!(
            trace,
            "\
app/0: upgrade-charm event [error: no such version]
  method call: MyCharm.new
  event: upgrade_charm [error: no such version]
    method call: MyCharm.handle [error: no such version]
      function call: step",
            "{runtime}"
        );
    }
}

#[test]
fn a_panic_goes_on_after_the_trace_was_delivered_to_the_endpoint_of_the_charm() {
    for runtime in ANY {
        let (outcome, trace) = dispatch(runtime, Event::hook("stop"));
        assert_eq!(outcome.code(), Some(101), "{runtime}: {outcome}");
        assert_eq!(
            trace,
            "\
app/0: stop event [error: the workload is gone]
  method call: MyCharm.new
  event: stop [error: the workload is gone]
    method call: MyCharm.handle [error: the workload is gone]
      function call: step",
            "{runtime}"
        );
    }
}

#[test]
fn an_action_that_says_that_it_failed_is_a_failed_event() {
    for runtime in ANY {
        let (outcome, trace) = dispatch(runtime, Event::action("rotate", json!({})));
        assert!(outcome.success(), "{runtime}: {outcome}");
        assert_eq!(
            trace,
            "\
app/0: rotate event [error: the action failed]
  method call: MyCharm.new
  event: rotate_action [error: the action failed]
    method call: MyCharm.handle
      function call: step
      action-fail",
            "{runtime}"
        );
    }
}

#[test]
fn a_task_without_context_is_below_the_event() {
    for runtime in TOKIO {
        let (outcome, trace) = dispatch(runtime, Event::hook("install"));
        assert!(outcome.success(), "{runtime}: {outcome}");
        assert_eq!(
            trace,
            "\
app/0: install event
  method call: MyCharm.new
  event: install
    method call: MyCharm.handle
      function call: step
    function call: step",
            "{runtime}"
        );
    }
}

#[test]
fn a_task_that_the_end_of_the_runtime_drops_is_in_the_trace_as_cancelled() {
    // On another thread the task may not have begun by then.
    let (outcome, trace) = dispatch("current thread", Event::hook("leader-elected"));
    assert!(outcome.success(), "{outcome}");
    assert_eq!(
        trace,
        "\
app/0: leader-elected event
  method call: MyCharm.new
  event: leader_elected
    method call: MyCharm.handle
      function call: step
    function call: never [error: cancelled]"
    );
}
