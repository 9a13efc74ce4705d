//! Juju's variables and tools are not as they should be: the charm does its work, traced if that is possible.

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju};
use serde_json::json;

use crate::unit::{
    assert_untouched, buffer, delivered, notices, relate, struct_charm, test_charm, trace_id, waiting,
};

const NEEDED: [&str; 4] = ["JUJU_UNIT_NAME", "JUJU_DISPATCH_PATH", "JUJU_MODEL_NAME", "JUJU_MODEL_UUID"];

#[test]
fn without_what_a_trace_needs_the_charm_runs_untraced() {
    let (collector, mut juju) = related_leader();
    let absent = NEEDED.map(|name| Event::hook("update-status").env_remove(name));
    let empty = NEEDED.map(|name| Event::hook("update-status").env(name, ""));
    let malformed = ["app", "app/", "/0", "app/zero", "app/-1"]
        .map(|name| Event::hook("update-status").env("JUJU_UNIT_NAME", name));
    let nothing = NEEDED.iter().fold(Event::hook("update-status"), |event, name| event.env_remove(name));
    for event in absent.into_iter().chain(empty).chain(malformed).chain([nothing]) {
        let outcome = juju.dispatch(event.clone());
        assert_untouched(&outcome);
        let ran = outcome.calls.iter().any(|call| call == &["status-set", "active", "--", "ready"]);
        assert!(ran, "{event:?}: {outcome}");
        assert_eq!(outcome.log, [], "{event:?}");
    }
    assert!(!buffer(&juju).exists());
    assert_eq!(collector.requests().len(), 0);
}

#[test]
fn a_charm_that_asks_for_what_is_missing_fails_and_says_what() {
    let mut juju = test_charm();
    for name in NEEDED {
        let outcome = juju.dispatch(Event::action("show-unit", json!({})).env_remove(name));
        let expected = format!("cannot find {name} in the environment");
        if name == "JUJU_DISPATCH_PATH" {
            // The charm still knows from JUJU_ACTION_NAME what it is to do.
            assert!(outcome.stdout.starts_with("app/0 of app\nin test-model ("), "{outcome}");
        }
        assert_eq!(outcome.code(), Some(1), "{outcome}");
        assert_eq!(outcome.stderr, format!("Error: {expected}\n"));
        assert_eq!(notices(&outcome), [format!("ERROR {expected}")]);
    }
    let malformed = Event::action("show-unit", json!({})).env("JUJU_UNIT_NAME", "app");
    let outcome = juju.dispatch(malformed);
    let expected = "cannot read JUJU_UNIT_NAME=\"app\": expected an application and a number, such as app/0";
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    assert_eq!(outcome.stderr, format!("Error: {expected}\n"));
    assert!(!buffer(&juju).exists());
}

#[test]
fn what_a_trace_does_not_need_may_be_missing_or_wrong() {
    let (collector, mut juju) = related_leader();
    let start = || Event::hook("start");
    for event in [
        start().env_remove("JUJU_CHARM_DIR"),
        start().env_remove("JUJU_CHARM_DIR").env_remove("CHARM_DIR"),
        start().env_remove("JUJU_VERSION"),
        start().env("JUJU_VERSION", "not a version"),
        start().env_remove("JUJU_HOOK_NAME"),
        start().env("JUJU_RELATION_ID", "tracing:many").env("JUJU_RELATION", "tracing"),
        start().env("JUJU_SECRET_REVISION", "first").env("JUJU_SECRET_ID", "secret:1"),
    ] {
        collector.clear();
        let outcome = juju.dispatch(event.clone());
        assert_untouched(&outcome);
        assert_eq!(delivered(&collector), [trace_id(&outcome)], "{event:?}");
    }
    assert_eq!(waiting(&juju), 0);
}

#[test]
fn a_command_of_juju_exec_is_not_an_event() {
    let (collector, mut juju) = related_leader();
    let exec = Event::hook("start").env_remove("JUJU_DISPATCH_PATH").env("JUJU_HOOK_NAME", "");
    assert_untouched(&juju.dispatch(exec));
    assert_eq!(collector.requests().len(), 0);
}

#[test]
fn without_hook_tools_the_trace_waits() {
    let mut juju = struct_charm();
    let outcome = juju.dispatch(Event::hook("start").env("PATH", "/nowhere"));
    assert_untouched(&outcome);
    assert_eq!(outcome.log, []);
    assert!(juju.charm_dir().join("state/traces/buffer").exists());
}

#[test]
fn hooks_in_which_juju_refuses_its_tools_are_traced_all_the_same() {
    let collector = Collector::start();
    let mut juju = struct_charm();
    let metrics = Event::hook("collect-metrics").env("JUJU_CHARM_TRACE_CONFIG_HTTP", &collector.endpoint());
    let outcome = juju.dispatch(metrics);
    assert_untouched(&outcome);
    assert_eq!(delivered(&collector), [trace_id(&outcome)]);
}

/// A charm that leads its application and is related to a healthy backend.
fn related_leader() -> (Collector, Juju) {
    let collector = Collector::start();
    let mut juju = test_charm();
    juju.set_leader(true);
    let _ = relate(&mut juju, &collector.endpoint());
    (collector, juju)
}
