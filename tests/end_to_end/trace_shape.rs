//! The shape of a dispatch's trace when it has arrived.

use std::collections::BTreeMap;

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju, Outcome, Span, ToolFault, Trace, Value};
use serde_json::json;

use crate::unit::{
    EITHER_WAY, Way, assert_untouched, relate, session_charm, struct_charm, test_charm, trace_id,
    whole_traces,
};

const GUIDE: &str = include_str!("../../docs/guide/logs-and-tracing.md");

#[test]
fn a_hook_is_one_tree_from_its_root_to_the_innermost_call() {
    EITHER_WAY.into_iter().for_each(one_tree);
}

fn one_tree(way: Way) {
    let collector = Collector::start();
    let mut juju = way(test_charm());
    juju.set_leader(true);
    let _ = relate(&mut juju, &collector.endpoint());
    assert_untouched(&juju.dispatch(Event::hook("update-status")));
    let shown = ["juju.dispatch_path", "code.function.name", "juju.hook_tool.arguments", "length"];
    assert_eq!(
        whole_traces(&collector).outline().status().events().attributes(&shown).to_string(),
        "\
app/0: update-status event {juju.dispatch_path=hooks/update-status}
  method call: TestCharm.new {code.function.name=test_charm::TestCharm::new}
    config-get {juju.hook_tool.arguments=[--format=json]}
    relation-ids {juju.hook_tool.arguments=[--format=json, tracing]}
    is-leader {juju.hook_tool.arguments=[--format=json]}
    relation-get {juju.hook_tool.arguments=[-r, tracing:1, --app, --format=json, -, app]}
    relation-set {juju.hook_tool.arguments=[-r, tracing:1, --app, --file=-]}
    relation-list {juju.hook_tool.arguments=[-r, tracing:1, --app, --format=json]}
    relation-get {juju.hook_tool.arguments=[-r, tracing:1, --app, --format=json, -, tempo]}
  event: update_status
    * update_status
    method call: TestCharm.handle {code.function.name=test_charm::TestCharm::handle}
      method call: TestCharm.on_update_status {code.function.name=test_charm::TestCharm::on_update_status}
        function call: unpack {code.function.name=test_charm::unpack}
        method call: TestCharm.report {code.function.name=test_charm::TestCharm::report}
          * reporting {length=5}
          method call: TestCharm.tool {code.function.name=test_charm::TestCharm::tool}
            status-set {juju.hook_tool.arguments=[active]}"
    );
    assert_eq!(collector.requests().len(), 1);
}

#[test]
fn every_kind_of_event_is_named_in_its_root_and_in_its_event_span() {
    let collector = Collector::start();
    let mut juju = test_charm();
    let relation = juju.relate("certificates", "ca");
    let storage = juju.add_storage("data-dir");
    let secret = juju.add_secret(&[("password", "hunter2")]);
    let own_secret = juju.add_own_secret("db", &[("password", "hunter2")]);
    let events = [
        (Event::hook("start"), "hooks/start", "start"),
        (
            Event::relation_created(&relation),
            "hooks/certificates-relation-created",
            "certificates_relation_created",
        ),
        (
            Event::relation_joined(&relation),
            "hooks/certificates-relation-joined",
            "certificates_relation_joined",
        ),
        (
            Event::relation_changed(&relation),
            "hooks/certificates-relation-changed",
            "certificates_relation_changed",
        ),
        (
            Event::relation_departed(&relation),
            "hooks/certificates-relation-departed",
            "certificates_relation_departed",
        ),
        (
            Event::relation_broken(&relation),
            "hooks/certificates-relation-broken",
            "certificates_relation_broken",
        ),
        (Event::storage_attached(&storage), "hooks/data-dir-storage-attached", "data_dir_storage_attached"),
        (
            Event::storage_detaching(&storage),
            "hooks/data-dir-storage-detaching",
            "data_dir_storage_detaching",
        ),
        (Event::secret_changed(&secret), "hooks/secret-changed", "secret_changed"),
        (Event::secret_rotate(&own_secret), "hooks/secret-rotate", "secret_rotate"),
        (Event::secret_expired(&own_secret, 2), "hooks/secret-expired", "secret_expired"),
        (Event::secret_remove(&own_secret, 1), "hooks/secret-remove", "secret_remove"),
        (Event::pebble_ready("my-web"), "hooks/my-web-pebble-ready", "my_web_pebble_ready"),
        (
            Event::pebble_custom_notice("my-web", "7", "example.com/done"),
            "hooks/my-web-pebble-custom-notice",
            "my_web_pebble_custom_notice",
        ),
        (
            Event::pebble_check_failed("my-web", "alive"),
            "hooks/my-web-pebble-check-failed",
            "my_web_pebble_check_failed",
        ),
        (
            Event::pebble_check_recovered("my-web", "alive"),
            "hooks/my-web-pebble-check-recovered",
            "my_web_pebble_check_recovered",
        ),
        (Event::action("set-password", json!({"length": 9})), "actions/set-password", "set_password_action"),
    ];
    for (event, path, name) in events {
        collector.clear();
        let outcome = juju.dispatch(event.env("JUJU_CHARM_TRACE_CONFIG_HTTP", &collector.endpoint()));
        assert!(outcome.success(), "{outcome}");
        let (_, hook) = path.split_once('/').unwrap();
        // What hook tools are asked for depends on the event only in that some refuse; it is shown above.
        let spans: Trace = whole_traces(&collector).into_iter().filter(|span| !is_hook_tool(span)).collect();
        assert_eq!(
            spans.outline().events().attributes(&["juju.dispatch_path"]).to_string(),
            format!(
                "\
app/0: {hook} event {{juju.dispatch_path={path}}}
  method call: TestCharm.new
  event: {name}
    * {name}
    method call: TestCharm.handle"
            )
        );
        let said = format!("Emitting Juju event {name}.");
        assert!(outcome.log.iter().any(|line| line.message.ends_with(&said)), "{outcome}");
    }
}

#[test]
fn async_methods_nest_as_they_are_awaited() {
    assert_eq!(
        below_handle("leader-elected"),
        "\
method call: TestCharm.on_leader_elected
  method call: TestCharm.apply_all
    function call: unpack"
    );
}

#[test]
fn custom_events_nest_in_the_handler_that_emits_them() {
    assert_eq!(
        below_handle("web-pebble-ready"),
        "\
event: web_available
  * web_available
  method call: TestCharm.on_web_available
    method call: TestCharm.on_config_changed
      method call: TestCharm.apply
      method call: TestCharm.apply"
    );
}

#[test]
fn spans_of_the_opentelemetry_api_stand_between_those_of_the_attributes() {
    assert_eq!(
        below_handle("install"),
        "\
method call: TestCharm.on_install
  download
    function call: unpack"
    );
    let spans = spans_of(Event::hook("install"));
    let download = spans.span("download");
    assert_eq!(download.scope.name, "workload-client");
    assert_eq!(download.attribute("bytes").unwrap(), 42);
    assert_eq!(download.resource, spans.span("event: install").resource);
}

#[test]
fn the_resource_says_whose_spans_these_are_and_nothing_else() {
    let collector = Collector::start();
    let mut juju = test_charm().unit("front-end/12").model("production", "model-uuid-1");
    let _ = juju.dispatch(pushed_to(&collector, Event::hook("start")));
    let spans = whole_traces(&collector);
    assert!(spans.iter().all(|span| span.resource == spans.spans()[0].resource));
    let attributes = resource(&spans);
    assert!(attributes["telemetry.sdk.version"].starts_with("0."), "{attributes:?}");
    let expected = [
        ("charm", "traced-charm"),
        ("charm_type", "TestCharm"),
        ("compose_service", "front-end-charm"),
        ("juju_application", "front-end"),
        ("juju_model", "production"),
        ("juju_model_uuid", "model-uuid-1"),
        ("juju_unit", "front-end/12"),
        ("service.instance.id", "12"),
        ("service.name", "front-end-charm"),
        ("service.namespace", "model-uuid-1"),
        ("service.namespace.name", "production"),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.sdk.name", "charm-tracing"),
        ("telemetry.sdk.version", &attributes["telemetry.sdk.version"]),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(attributes, BTreeMap::from(expected));
}

#[test]
fn a_service_name_of_the_charms_own_stands_in_both_places() {
    let collector = Collector::start();
    let _ = struct_charm().dispatch(pushed_to(&collector, Event::hook("start")));
    let attributes = resource(&whole_traces(&collector));
    assert_eq!(attributes["service.name"], "front-door");
    assert_eq!(attributes["compose_service"], "front-door");
    assert_eq!(attributes["charm_type"], "StructCharm");
    assert_eq!(attributes["juju_application"], "app");
}

#[test]
fn a_charm_traced_by_its_struct_has_the_spans_of_its_traced_types() {
    let collector = Collector::start();
    let mut juju = struct_charm();
    let _ = relate(&mut juju, &collector.endpoint());
    let outcome = juju.dispatch(Event::hook("start"));
    assert_untouched(&outcome);
    assert_eq!(
        whole_traces(&collector).outline().to_string(),
        "\
app/0: start event
  method call: StructCharm.new
    relation-ids
    is-leader
  event: start
    method call: StructCharm.handle
      method call: Workload.start",
        "asking for the endpoint at the end leaves no span"
    );
    assert!(outcome.calls.iter().any(|call| call[0] == "relation-get"), "{outcome}");
}

#[test]
fn a_session_by_hand_makes_the_same_kind_of_tree() {
    let collector = Collector::start();
    let start = Event::hook("start").env("TRACE_ENDPOINT", &collector.endpoint());
    let outcome = session_charm().dispatch(start);
    assert_eq!(outcome.stdout, "delivered 1\nwaiting 0\nbuffered false\nlost false\n", "{outcome}");
    assert_eq!(
        whole_traces(&collector).outline().to_string(),
        "app/0: start event\n  event: start\n    function call: greet"
    );
}

#[test]
fn calls_say_where_their_code_is_and_the_rest_only_what_the_design_lists() {
    let spans = spans_of(Event::hook("update-status"));
    let keys = |span: &Span| -> Vec<String> { span.attributes.iter().map(|(key, _)| key.clone()).collect() };
    let mut calls = 0;
    for span in &spans {
        let name = &span.name;
        if name.starts_with("method call: ") || name.starts_with("function call: ") {
            assert_eq!(keys(span), ["code.function.name", "code.file.path", "code.line.number"], "{name}");
            assert_eq!(span.attribute("code.file.path").unwrap(), "tests/src/bin/test-charm.rs");
            assert!(span.attribute("code.line.number").and_then(Value::as_i64) > Some(1), "{name}");
            calls += 1;
        } else if is_hook_tool(span) {
            let own = ["juju.hook_tool.arguments", "process.exit.code"];
            assert_eq!(keys(span), own, "{name}");
        } else if name.starts_with("event: ") {
            assert_eq!(keys(span), ["event_type"], "{name}");
        } else {
            let own = ["juju.dispatch_path", "process.pid", "process.exit.code"];
            assert_eq!(keys(span), own, "{name}");
            assert_eq!(span.attribute("process.exit.code").and_then(Value::as_i64), Some(0));
        }
        assert_eq!(span.scope.name, "charm-tracing", "{name}");
    }
    assert_eq!(calls, 6);
}

#[test]
fn a_sampled_context_of_juju_is_the_parent_of_the_root() {
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let w3c = format!("00-{trace}-{span}-01");
    let own = Event::hook("start").env("JUJU_TRACE_ID", trace).env("JUJU_SPAN_ID", span);
    let partial = Event::hook("start").env("JUJU_TRACE_ID", trace).env("TRACEPARENT", &w3c);
    let newest = own.clone().env("JUJU_TRACE_FLAGS", "1").env("TRACEPARENT", &w3c).env("TRACESTATE", "");
    let events = [
        Event::hook("start").env("TRACEPARENT", &w3c),
        own.clone().env("JUJU_TRACE_FLAGS", "1"),
        partial,
        newest,
    ];
    for event in events {
        let spans = spans_of(event);
        let root = spans.span("app/0: start event");
        assert_eq!(root.parent_span_id.unwrap().to_string(), span);
        assert_eq!(root.links, []);
        assert!(spans.iter().all(|span| span.trace_id.to_string() == trace));
    }
}

#[test]
fn a_context_of_juju_that_is_not_sampled_is_a_link_of_the_root() {
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let own = || Event::hook("start").env("JUJU_TRACE_ID", trace).env("JUJU_SPAN_ID", span);
    for event in [
        own().env("JUJU_TRACE_FLAGS", "0").env("TRACEPARENT", &format!("00-{trace}-{span}-01")),
        own(),
        Event::hook("start").env("TRACEPARENT", &format!("00-{trace}-{span}-00")),
    ] {
        let spans = spans_of(event.clone());
        let root = spans.span("app/0: start event");
        assert_eq!(root.parent_span_id, None, "an agent that does not sample is no parent: {event:?}");
        assert_ne!(root.trace_id.to_string(), trace, "{event:?}");
        let linked: Vec<_> =
            root.links.iter().map(|link| (link.trace_id.to_string(), link.span_id.to_string())).collect();
        assert_eq!(linked, [(trace.to_owned(), span.to_owned())], "{event:?}");
    }
}

#[test]
fn a_partial_or_malformed_context_of_juju_is_as_good_as_none() {
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let start = || Event::hook("start");
    for event in [
        start().env("JUJU_TRACE_ID", trace).env("JUJU_TRACE_FLAGS", "1"),
        start().env("JUJU_SPAN_ID", span).env("JUJU_TRACE_FLAGS", "1"),
        start().env("JUJU_TRACE_ID", "4bf9").env("JUJU_SPAN_ID", span).env("JUJU_TRACE_FLAGS", "1"),
        start().env("JUJU_TRACE_ID", trace).env("JUJU_SPAN_ID", span).env("JUJU_TRACE_FLAGS", "on"),
        start().env("TRACEPARENT", trace),
        start().env("TRACEPARENT", ""),
    ] {
        let spans = spans_of(event.clone());
        let root = spans.span("app/0: start event");
        assert_eq!(root.parent_span_id, None, "{event:?}");
        assert_eq!(root.links, [], "{event:?}");
        assert_ne!(root.trace_id.to_string(), trace, "{event:?}");
    }
}

#[test]
fn the_log_has_two_lines_at_debug_that_jhack_understands() {
    let collector = Collector::start();
    let mut juju = test_charm();
    let outcome = juju.dispatch(pushed_to(&collector, Event::hook("update-status")));
    let id = whole_traces(&collector).spans()[0].trace_id.to_string();
    let started = format!("Starting root trace with id='{id}'.");
    let emitting = "Emitting Juju event update_status.";
    let lines: Vec<_> = outcome.log.iter().map(|line| (line.level.as_str(), line.message.as_str())).collect();
    assert_eq!(lines, [("DEBUG", started.as_str()), ("DEBUG", emitting)]);
    let calls: Vec<_> = outcome.calls.iter().filter(|call| call[0] == "juju-log").collect();
    assert_eq!(calls.len(), 2, "{outcome}");
    assert_eq!(calls[0].last(), Some(&started));
    assert_eq!(calls[1].last().map(String::as_str), Some(emitting));
    let shown =
        format!("```text\n{started}\n{emitting}\n```\n").replace(&id, "d85a6df9e52c61f7f058384816b62c16");
    assert!(GUIDE.contains(&shown), "the guide should show:\n{shown}");
}

#[test]
fn a_trace_id_with_leading_zeros_is_logged_with_all_its_digits() {
    let id = "000000000000000000000000000000ab";
    let w3c = format!("00-{id}-00000000000000cd-01");
    let collector = Collector::start();
    let outcome = test_charm().dispatch(pushed_to(&collector, Event::hook("start").env("TRACEPARENT", &w3c)));
    assert_eq!(trace_id(&outcome), id, "{outcome}");
    assert_eq!(whole_traces(&collector).spans()[0].trace_id.to_string(), id);
}

#[test]
fn a_hook_tool_that_fails_is_the_same_span_by_either_way() {
    for fault in [
        ToolFault::Exits(1, "ERROR permission denied\n"),
        ToolFault::Exits(2, "ERROR option provided but not defined: --x\n"),
        ToolFault::Floods(40_000_000),
    ] {
        let [over_socket, as_process] = EITHER_WAY.map(|way| {
            let collector = Collector::start();
            let mut juju = way(test_charm());
            juju.break_tool("status-set", fault);
            let outcome = juju.dispatch(pushed_to(&collector, Event::hook("update-status")));
            assert_eq!(outcome.code(), Some(1), "{outcome}");
            let shown = ["juju.hook_tool.arguments", "exception.message", "exception.type", "error.type"];
            let tree = whole_traces(&collector).outline().status().events().attributes(&shown).to_string();
            (tree, outcome.notices(), outcome.stderr)
        });
        assert_eq!(over_socket, as_process, "{fault:?}");
        assert!(over_socket.0.contains("exception.message=cannot "), "{}", over_socket.0);
    }
}

#[test]
fn what_hook_tools_write_is_not_in_the_trace() {
    EITHER_WAY.into_iter().for_each(hides_what_is_written);
}

fn hides_what_is_written(way: Way) {
    let collector = Collector::start();
    let mut juju = way(test_charm());
    let outcome = juju.dispatch(pushed_to(&collector, Event::action("backup", json!({}))));
    assert!(outcome.calls.iter().flatten().any(|argument| argument.contains("hunter2")), "{outcome}");
    let spans = whole_traces(&collector);
    let outline = spans.outline().status().attributes(&["juju.hook_tool.arguments"]).to_string();
    for shown in [
        "state-set {juju.hook_tool.arguments=[token]}",
        "status-set {juju.hook_tool.arguments=[maintenance]}",
        "action-log {juju.hook_tool.arguments=[]}",
        "action-set {juju.hook_tool.arguments=[password]}",
    ] {
        assert!(outline.contains(shown), "{outline}");
    }
    assert!(!format!("{:?}", collector.requests()[0].trace).contains("hunter2"));
}

/// The event with Juju's own setting for where charms push their traces.
fn pushed_to(collector: &Collector, event: Event) -> Event {
    event.env("JUJU_CHARM_TRACE_CONFIG_HTTP", &collector.endpoint())
}

/// The spans of an event of a charm that makes two calls when it is configured.
fn spans_of(event: Event) -> Trace {
    let collector = Collector::start();
    let mut juju: Juju = test_charm();
    juju.set_config("calls", 2);
    let outcome: Outcome = juju.dispatch(pushed_to(&collector, event));
    assert_untouched(&outcome);
    whole_traces(&collector)
}

/// The tree below `TestCharm.handle`, with the events of its spans.
fn below_handle(hook: &str) -> String {
    let outline = spans_of(Event::hook(hook)).outline().status().events().to_string();
    let (_, below) = outline.split_once("method call: TestCharm.handle\n").unwrap();
    below.lines().map(|line| line.strip_prefix("      ").unwrap()).collect::<Vec<_>>().join("\n")
}

fn resource(spans: &Trace) -> BTreeMap<String, String> {
    let attributes = &spans.spans()[0].resource.attributes;
    let all: BTreeMap<_, _> =
        attributes.iter().map(|(key, value)| (key.clone(), value.to_string())).collect();
    assert_eq!(all.len(), attributes.len(), "each key once");
    all
}

fn is_hook_tool(span: &Span) -> bool {
    span.attribute("juju.hook_tool.arguments").is_some()
}
