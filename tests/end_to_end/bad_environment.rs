//! Juju's variables and tools are not as they should be: the charm does its work, traced if that is possible.

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju};
use serde_json::json;

use crate::unit::{
    assert_untouched, buffer, delivered, notices, relate, session_charm_by, struct_charm, test_charm,
    trace_id, waiting,
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

/// The variables that the test below sets to what is not UTF-8. A trace needs none of them.
const NOT_UTF8: [&str; 23] = [
    "CHARM_DIR",
    "CHARM_TRACING_ENABLED",
    "JUJU_AGENT_SOCKET_ADDRESS",
    "JUJU_AGENT_SOCKET_NETWORK",
    "JUJU_CHARM_DIR",
    "JUJU_CHARM_TRACE_CONFIG_CA_CERT",
    "JUJU_CHARM_TRACE_CONFIG_HTTP",
    "JUJU_HOOK_NAME",
    "JUJU_RELATION",
    "JUJU_REMOTE_UNIT",
    "JUJU_SPAN_ID",
    "JUJU_TRACE_FLAGS",
    "JUJU_TRACE_ID",
    "JUJU_VERSION",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SDK_DISABLED",
    "OTEL_SERVICE_NAME",
    "TRACEPARENT",
    "TRACESTATE",
    "UNKNOWN",
    "no_proxy",
];

#[test]
fn a_variable_that_is_not_utf8_counts_as_none() {
    let collector = Collector::start();
    let mut juju = session_charm_by(r#"env "$BAD=$(printf 'a\377')""#);
    let event =
        |name: &str| Event::hook("start").env("BAD", name).env("TRACE_ENDPOINT", &collector.endpoint());
    for name in NOT_UTF8 {
        collector.clear();
        let outcome = juju.dispatch(event(name));
        assert!(outcome.success() && outcome.stderr.is_empty(), "{name}: {outcome}");
        let trace = collector.trace();
        let root = trace.span("app/0: start event");
        assert_eq!((root.parent_span_id, trace.len()), (None, 3), "{name}: {outcome}");
        assert_eq!(root.resource_attribute("service.name").unwrap().as_str(), Some("app-charm"), "{name}");
    }
    for name in NEEDED {
        collector.clear();
        let outcome = juju.dispatch(event(name));
        assert!(outcome.success() && outcome.stderr.is_empty(), "{name}: {outcome}");
        assert_eq!(collector.requests().len(), 0, "{name}: {outcome}");
    }
    // An invalid proxy is not ignored, because the backend may be reachable only through a proxy.
    let outcome = juju.dispatch(event("http_proxy"));
    assert!(outcome.success() && outcome.stderr.is_empty(), "{outcome}");
    assert!(notices(&outcome)[0].contains("the proxy that http_proxy names: it is not the URL"), "{outcome}");
    assert_eq!(waiting(&juju), 1);
}

#[test]
fn malformed_variables_of_opentelemetry_count_as_none() {
    let collector = Collector::start();
    let event = || Event::hook("start").env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint());
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "no/such/file"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "=a, ,no pair,b c=d,%ff=e,f=%ff,g=\u{7f},h=%0a"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "alone"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zip"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=a,no pair"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=%ff"),
        ("OTEL_RESOURCE_ATTRIBUTES", ",=,"),
        ("OTEL_SERVICE_NAME", "\t"),
        ("OTEL_SDK_DISABLED", "maybe"),
        ("OTEL_TRACES_SAMPLER", "never"),
        ("TRACEPARENT", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"),
        ("TRACEPARENT", "00-00000000000000000000000000000000-0000000000000000-01"),
        ("TRACESTATE", "=,\n"),
    ] {
        collector.clear();
        let outcome = test_charm().dispatch(event().env(name, value));
        assert_untouched(&outcome);
        assert_eq!(delivered(&collector), [trace_id(&outcome)], "{name}={value}");
        let trace = collector.trace();
        let root = trace.span("app/0: start event");
        assert_eq!((root.parent_span_id, root.links.len()), (None, 0), "{name}={value}");
        assert_eq!(root.resource_attribute("service.name").unwrap().as_str(), Some("app-charm"));
        assert_eq!(root.resource_attribute("team"), None, "{name}={value}");
    }
    for endpoint in ["not a url", "ftp://localhost", "http://", "http://[::1", "http://localhost:70000"] {
        let mut juju = test_charm();
        let outcome = juju.dispatch(event().env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint));
        assert_untouched(&outcome);
        assert_eq!((notices(&outcome).len(), waiting(&juju)), (1, 1), "{endpoint}: {outcome}");
    }
}

#[test]
fn a_line_break_in_a_header_makes_no_other_header() {
    let collector = Collector::start();
    let headers = "x-scope-orgid=ops,x-bad=a%0d%0ax-evil:%20b,x-raw=a\r\nx-evil: b";
    let event = Event::hook("start")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint())
        .env("OTEL_EXPORTER_OTLP_HEADERS", headers);
    let outcome = test_charm().dispatch(event);
    assert_untouched(&outcome);
    let request = &collector.requests()[0];
    let sent = ["x-scope-orgid", "x-bad", "x-raw", "x-evil"].map(|name| request.header(name));
    assert_eq!(sent, [Some("ops"), None, None, None]);
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
