//! The charm fails: Juju sees what it would have seen without tracing, and the trace shows where it happened.

use charm_testing::collector::{Answer, Collector};
use charm_testing::{Event, Juju, ToolFault};
use serde_json::json;

use crate::unit::{
    METADATA, assert_untouched, delivered, notices, relate, session_charm, test_charm, trace_id, waiting,
    whole_traces,
};

const CHAIN: &str = "cannot upgrade the workload

Caused by:
    0: cannot read the workload's version
    1: invalid digit found in string";

#[test]
fn an_error_of_the_handler_fails_the_hook_and_is_told_with_its_causes() {
    let (collector, mut juju) = related_charm();
    let outcome = juju.dispatch(Event::hook("upgrade-charm"));
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", &*format!("Error: {CHAIN}\n")));
    assert_eq!(notices(&outcome), [format!("ERROR {CHAIN}")]);

    let shown = ["exception.message", "exception.stacktrace"];
    let outline = whole_traces(&collector).outline().status().events().attributes(&shown).to_string();
    let (before, event) = outline.split_once("  event: ").unwrap();
    assert_eq!(
        before.lines().next(),
        Some("app/0: upgrade-charm event [error: cannot upgrade the workload]")
    );
    assert!(!before.contains("TestCharm.new ["), "{before}");
    let outer = "exception {exception.message=cannot upgrade the workload, exception.stacktrace=Caused by:
    cannot read the workload's version
    invalid digit found in string}";
    assert_eq!(
        event,
        format!(
            "\
upgrade_charm [error: cannot upgrade the workload]
    * upgrade_charm
    method call: TestCharm.handle [error: cannot upgrade the workload]
      * {outer}
      method call: TestCharm.on_upgrade_charm [error: cannot upgrade the workload]
        * {outer}
        method call: TestCharm.migrate [error: cannot read the workload's version]
          * exception {{exception.message=cannot read the workload's version, exception.stacktrace=Caused by:
    invalid digit found in string}}"
        )
    );
}

#[test]
fn an_error_in_an_action_fails_the_action_and_says_nothing_on_standard_output() {
    let (collector, mut juju) = related_charm();
    let outcome = juju.dispatch(Event::action("restore", json!({})));
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.starts_with("Error: cannot restore\n\nCaused by:\n"), "{outcome}");
    assert_eq!(notices(&outcome).len(), 1, "{outcome}");
    let trace = whole_traces(&collector);
    assert_eq!(trace.spans().last().unwrap().error(), Some("cannot restore"));
}

#[test]
fn an_action_that_says_that_it_failed_is_a_failed_event_and_its_reason_is_not_recorded() {
    let (collector, mut juju) = related_charm();
    let outcome = juju.dispatch(Event::action("rotate", json!({})));
    assert!(outcome.success(), "{outcome}");
    let spans = whole_traces(&collector);
    let outline = spans.outline().status().to_string();
    assert_eq!(outline.lines().next(), Some("app/0: rotate event [error: the action failed]"));
    let (_, handled) = outline.split_once("  event: ").unwrap();
    assert_eq!(
        handled,
        "\
rotate_action [error: the action failed]
    method call: TestCharm.handle
      action-fail"
    );
    assert!(!format!("{spans:?}").contains("hunter2"));

    // An action that cannot fail, because Juju refuses it, has not failed.
    juju.break_tool("action-fail", ToolFault::Exits(1, "ERROR not running an action\n"));
    let outcome = juju.dispatch(Event::action("rotate", json!({})));
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    let trace = whole_traces(&collector);
    assert_eq!(trace.spans().last().unwrap().error(), Some("cannot run action-fail (exit code 1)"));
}

#[test]
fn an_error_while_the_charm_is_constructed_keeps_the_trace_for_later() {
    let (collector, mut juju) = related_charm();
    juju.set_config("calls", json!("many"));
    let failed = juju.dispatch(Event::hook("config-changed"));
    assert_eq!(failed.code(), Some(1), "{failed}");
    assert_eq!(failed.stdout, "");
    let expected = "cannot read the option `calls`

Caused by:
    invalid type: string \"many\", expected u32";
    assert_eq!(failed.stderr, format!("Error: {expected}\n"));
    assert_eq!(notices(&failed), [format!("ERROR {expected}")]);
    assert_eq!((collector.requests().len(), waiting(&juju)), (0, 1), "nobody could tell where to send it");

    juju.set_config("calls", json!(1));
    let mended = juju.dispatch(Event::hook("config-changed"));
    assert!(mended.success(), "{mended}");
    assert_eq!(delivered(&collector), [trace_id(&failed), trace_id(&mended)]);
    assert_eq!(
        collector.requests()[0].trace.as_ref().unwrap().outline().status().to_string(),
        "\
app/0: config-changed event [error: cannot read the option `calls`]
  method call: TestCharm.new [error: cannot read the option `calls`]
    config-get"
    );
    whole_traces(&collector);
}

#[test]
fn the_trace_of_a_charm_that_was_not_constructed_goes_where_juju_says() {
    let collector = Collector::start();
    let mut juju = test_charm();
    for (calls, error) in [(json!("many"), "cannot read the option"), (json!(1_000_000), "panicked")] {
        juju.set_config("calls", calls);
        let event = Event::hook("start").env("JUJU_CHARM_TRACE_CONFIG_HTTP", &collector.endpoint());
        let outcome = juju.dispatch(event);
        assert!(!outcome.success() && outcome.stderr.contains(error), "{outcome}");
        assert_eq!((waiting(&juju), collector.requests().len()), (0, 1), "{outcome}");
        collector.clear();
    }
}

#[test]
fn a_charm_that_juju_cannot_relate_says_so_as_its_own_error() {
    let mut juju = test_charm().metadata(&METADATA.replace("tracing:\n", "traces:\n"));
    let outcome = juju.dispatch(Event::hook("start"));
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    assert_eq!(
        (outcome.stdout.as_str(), outcome.stderr.as_str()),
        ("", "Error: cannot find the endpoint `tracing` in the charm's metadata\n")
    );
    assert_eq!(waiting(&juju), 1);
}

#[test]
fn a_hook_tool_that_fails_is_an_error_of_its_span_and_of_the_calls_around_it() {
    let (collector, mut juju) = related_charm();
    // It may quote what it was given, which is nobody's business but the charm's.
    let complaint = "ERROR expected a status, got \"hunter2\"\n";
    juju.break_tool("status-set", ToolFault::Exits(1, complaint));
    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    let message = "cannot run status-set (exit code 1)";
    assert_eq!(outcome.stderr, format!("Error: {message}\n"));
    let outline = whole_traces(&collector).outline().status().to_string();
    let (_, handled) = outline.split_once("  event: ").unwrap();
    assert_eq!(
        handled,
        format!(
            "\
update_status [error: {message}]
    method call: TestCharm.handle [error: {message}]
      method call: TestCharm.on_update_status [error: {message}]
        function call: unpack
        method call: TestCharm.report [error: {message}]
          method call: TestCharm.tool [error: {message}]
            status-set [error: {message}]"
        )
    );
}

#[test]
fn a_panic_ends_the_process_as_ever_and_every_open_span_as_an_error() {
    let (collector, mut juju) = related_charm();
    let outcome = juju.dispatch(Event::hook("stop"));
    assert_eq!(outcome.code(), Some(101), "{outcome}");
    assert_eq!(outcome.stdout, "");
    assert_eq!(outcome.stderr.matches("the workload does not stop").count(), 1, "{outcome}");
    assert!(outcome.stderr.contains("panicked at tests/src/bin/test-charm.rs:"), "{outcome}");
    assert_eq!(notices(&outcome), [""; 0]);

    let spans = whole_traces(&collector);
    let outline = spans.outline().status().events().attributes(&["exception.type", "exception.message"]);
    let panicked = "[error: the workload does not stop]";
    let exception = "* exception {exception.type=panic, exception.message=the workload does not stop}";
    let outline = outline.to_string();
    let (before, event) = outline.split_once("  event: ").unwrap();
    assert!(before.starts_with(&format!("app/0: stop event {panicked}\n  {exception}\n")), "{before}");
    assert_eq!(before.matches("[error").count(), 1, "what had ended before is no error: {before}");
    assert_eq!(
        event,
        format!(
            "\
stop {panicked}
    * stop
    {exception}
    method call: TestCharm.handle {panicked}
      {exception}
      method call: TestCharm.on_stop {panicked}
        {exception}"
        )
    );
    assert_eq!(delivered(&collector), [trace_id(&outcome)]);
    assert_eq!(waiting(&juju), 0);
}

#[test]
fn a_panic_while_the_charm_is_constructed_keeps_the_trace_for_later() {
    let (collector, mut juju) = related_charm();
    juju.set_config("calls", json!(1_000_000));
    let panicked = juju.dispatch(Event::hook("config-changed"));
    assert_eq!(panicked.code(), Some(101), "{panicked}");
    assert_eq!(panicked.stderr.matches("nobody needs a million calls").count(), 1, "{panicked}");
    assert_eq!((collector.requests().len(), waiting(&juju)), (0, 1));

    juju.set_config("calls", json!(0));
    let next = juju.dispatch(Event::hook("config-changed"));
    assert_eq!(delivered(&collector), [trace_id(&panicked), trace_id(&next)]);
    assert_eq!(
        collector.requests()[0].trace.as_ref().unwrap().outline().status().to_string(),
        "\
app/0: config-changed event [error: nobody needs a million calls]
  method call: TestCharm.new [error: nobody needs a million calls]
    config-get"
    );
}

#[test]
fn a_panic_in_what_only_tracing_asks_for_stays_unseen() {
    let (collector, mut juju) = related_charm();
    // Not a text, as the charm's `certificate` takes for granted.
    juju.set_config("tracing-ca", json!(7));
    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_untouched(&outcome);
    assert_eq!((collector.requests().len(), waiting(&juju)), (0, 1));

    juju.set_config("tracing-ca", json!(""));
    let next = juju.dispatch(Event::hook("update-status"));
    assert_eq!(delivered(&collector), [trace_id(&outcome), trace_id(&next)]);
    assert!(!whole_traces(&collector).outline().status().to_string().contains("[error"));
}

#[test]
fn a_session_by_hand_keeps_the_exit_code_and_marks_what_failed() {
    let collector = Collector::start();
    let mut juju = session_charm();
    let outcome = juju.dispatch(Event::hook("stop").env("TRACE_ENDPOINT", &collector.endpoint()));
    assert_eq!(outcome.code(), Some(3), "{outcome}");
    assert_eq!(outcome.stdout, "delivered 1\nwaiting 0\nbuffered false\nlost false\n");
    assert_eq!(
        whole_traces(&collector).outline().status().to_string(),
        "\
app/0: stop event [error: nobody is there]
  event: stop [error: nobody is there]
    function call: greet [error: nobody is there]"
    );
}

#[test]
fn a_session_that_a_panic_drops_leaves_its_trace_in_the_buffer() {
    let collector = Collector::start();
    let mut juju = session_charm();
    let panicked = juju.dispatch(Event::hook("remove").env("TRACE_ENDPOINT", &collector.endpoint()));
    assert_eq!(panicked.code(), Some(101), "{panicked}");
    assert_eq!(panicked.stderr.matches("nothing is left to remove").count(), 1, "{panicked}");
    assert_eq!(waiting(&juju), 1);

    let next = juju.dispatch(Event::hook("start").env("TRACE_ENDPOINT", &collector.endpoint()));
    assert_eq!(next.stdout, "delivered 2\nwaiting 0\nbuffered false\nlost false\n", "{next}");
    assert_eq!(
        collector.requests()[0].trace.as_ref().unwrap().outline().status().to_string(),
        "\
app/0: remove event [error: nothing is left to remove]
  event: remove [error: nothing is left to remove]"
    );
    whole_traces(&collector);
}

#[test]
fn an_action_prints_what_the_charm_prints() {
    let (_collector, mut juju) = related_charm();
    let outcome = juju.dispatch(Event::action("backup", json!({})));
    assert!(outcome.success(), "{outcome}");
    assert_eq!(outcome.stdout, "the backup begins\nthe backup is done\n");
    assert_eq!(outcome.stderr, "");
    let action = outcome.action.unwrap();
    assert_eq!(action.results["password"], "hunter2");
    assert_eq!(action.log, ["hunter2 was read"]);
    assert_eq!(action.failure, None);
}

#[test]
fn a_failing_hook_fails_alike_whatever_the_backend_does() {
    let alone = test_charm().dispatch(Event::hook("upgrade-charm"));
    assert_eq!(alone.code(), Some(1), "{alone}");
    let (collector, mut juju) = related_charm();
    collector.answer(Answer::Status(503));
    let outcome = juju.dispatch(Event::hook("upgrade-charm"));
    assert_eq!(waiting(&juju), 1);
    assert_eq!(
        (outcome.code(), &outcome.stdout, &outcome.stderr),
        (alone.code(), &alone.stdout, &alone.stderr)
    );
    assert_eq!(notices(&outcome), notices(&alone));
}

#[test]
fn an_actions_output_is_the_charms_alone_whatever_the_backend_does() {
    let (collector, mut juju) = related_charm();
    collector.answer(Answer::Status(503));
    let outcome = juju.dispatch(Event::action("backup", json!({})));
    assert!(outcome.success(), "{outcome}");
    let printed = "the backup begins\nthe backup is done\n";
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), (printed, ""));
    assert_eq!(waiting(&juju), 1);
}

/// A charm that is related to a backend.
fn related_charm() -> (Collector, Juju) {
    let collector = Collector::start();
    let mut juju = test_charm();
    let _ = relate(&mut juju, &collector.endpoint());
    (collector, juju)
}
