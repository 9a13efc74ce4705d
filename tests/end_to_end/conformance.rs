//! The promises that users of the Python library for tracing charm code rely on. Each test has the number of its
//! line in the list that was drawn up from the Python test suites; 1 to 12 and 25 to 27 are about the relation, and stand
//! with it. They are short on purpose; what goes beyond a promise is tested in the other modules.

use std::fs;

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju, Span, queue};
use serde_json::json;

use crate::unit::{
    assert_untouched, buffer, delivered, relate, relation_charm, session_charm, struct_charm, test_charm,
    trace_id, waiting, whole_traces,
};

/// 13\. The resource names the service, the charm and the unit, for every span.
#[test]
fn c13_every_span_says_which_charm_and_unit_it_is_from() {
    let collector = Collector::start();
    let mut juju = test_charm().unit("app/0").model("model", "uuid");
    let _ = relate(&mut juju, &collector.endpoint());
    assert_untouched(&juju.dispatch(Event::hook("update-status")));
    for span in whole_traces(&collector) {
        for (key, value) in [
            ("service.name", "app-charm"),
            ("compose_service", "app-charm"),
            ("charm_type", "TestCharm"),
            ("juju_unit", "app/0"),
            ("juju_application", "app"),
            ("juju_model", "model"),
            ("juju_model_uuid", "uuid"),
        ] {
            assert_eq!(span.resource_attribute(key).unwrap(), value, "{key} of {}", span.name);
        }
    }
}

/// 14\. The id of the trace is in Juju's log.
#[test]
fn c14_the_trace_id_is_logged() {
    let (collector, mut juju) = traced_charm();
    let outcome = juju.dispatch(Event::hook("start"));
    let id = whole_traces(&collector).spans()[0].trace_id.to_string();
    let line = format!("Starting root trace with id='{id}'.");
    assert!(outcome.log.iter().any(|logged| logged.message == line), "{outcome}");
}

/// 15\. The endpoint is a field, a method, or computed when it is asked for.
#[test]
fn c15_the_endpoint_comes_from_a_field_a_method_or_a_computation() {
    let (field, method) = (test_charm(), struct_charm());
    for (mut juju, start) in [
        (field, Event::hook("start")),
        (method, Event::hook("start")),
        (relation_charm(), Event::hook("start").env("ASK", "late")),
    ] {
        let collector = Collector::start();
        let _ = relate(&mut juju, &collector.endpoint());
        let outcome = juju.dispatch(start);
        assert_untouched(&outcome);
        assert_eq!(delivered(&collector), [trace_id(&outcome)]);
    }
}

/// 15\. Without an endpoint nothing is exported.
#[test]
fn c15_without_an_endpoint_nothing_is_exported() {
    let collector = Collector::start();
    let mut juju = test_charm();
    // Of another endpoint than the one for traces.
    let other = juju.relate("logging", "loki");
    other.publish_endpoint(&collector.endpoint());
    assert_untouched(&juju.dispatch(Event::hook("start")));
    assert_eq!(collector.requests().len(), 0);
}

/// 16\. Spans are named as Python's, and the span of an event has a span event of its name.
#[test]
fn c16_names_are_those_of_python() {
    let (collector, mut juju) = traced_charm();
    assert_untouched(&juju.dispatch(Event::hook("update-status")));
    let outline = whole_traces(&collector).outline().events().to_string();
    // Those of hook tools are ours alone, and called as the tool.
    let is_pythons = |line: &&str| [": ", "* "].iter().any(|part| line.contains(part));
    assert_eq!(
        outline.lines().filter(is_pythons).collect::<Vec<_>>(),
        [
            "app/0: update-status event",
            "  method call: TestCharm.new",
            "  event: update_status",
            "    * update_status",
            "    method call: TestCharm.handle",
            "      method call: TestCharm.on_update_status",
            "        function call: unpack",
            "        method call: TestCharm.report",
            "          * reporting",
            "          method call: TestCharm.tool",
        ]
    );
    collector.clear();
    assert!(juju.dispatch(Event::action("show-unit", json!({}))).success());
    let names = whole_traces(&collector).outline().to_string();
    assert!(names.starts_with("app/0: show-unit event\n"), "{names}");
    assert!(names.contains("\n  event: show_unit_action\n"), "{names}");
}

/// 17\. Spans are exported in the order in which they were completed.
#[test]
fn c17_spans_come_as_they_were_completed_and_the_root_is_last() {
    let (collector, mut juju) = traced_charm();
    assert_untouched(&juju.dispatch(Event::hook("update-status")));
    let spans = whole_traces(&collector);
    let ends: Vec<_> = spans.iter().map(|span| span.end_unix_nanos).collect();
    assert!(ends.is_sorted(), "{ends:?}");
    assert_eq!(spans.spans().last().map(|span| &*span.name), Some("app/0: update-status event"));
}

/// 17\. All spans but the root have a parent.
#[test]
fn c17_only_the_root_has_no_parent() {
    let (collector, mut juju) = traced_charm();
    for hook in ["start", "update-status", "install"] {
        collector.clear();
        assert_untouched(&juju.dispatch(Event::hook(hook)));
        let spans = whole_traces(&collector);
        let without: Vec<_> = spans.iter().filter(|span| span.parent_span_id.is_none()).map(name).collect();
        assert_eq!(without, [format!("app/0: {hook} event")]);
    }
}

/// 18\. The span of a custom event stands in that of the handler that emits it.
#[test]
fn c18_a_custom_event_nests_inside_the_handler_that_emits_it() {
    let (collector, mut juju) = traced_charm();
    assert_untouched(&juju.dispatch(Event::pebble_ready("web")));
    assert_eq!(
        outline_below(&collector, "event: web_pebble_ready"),
        "    * web_pebble_ready
    method call: TestCharm.handle
      event: web_available
        * web_available
        method call: TestCharm.on_web_available
          method call: TestCharm.on_config_changed"
    );
}

/// 19\. The charm's code adds events to the span that it runs in.
#[test]
fn c19_user_code_adds_events_to_the_current_span() {
    let (collector, mut juju) = traced_charm();
    assert_untouched(&juju.dispatch(Event::hook("update-status")));
    let spans = whole_traces(&collector);
    let report = spans.iter().find(|span| name(span) == "method call: TestCharm.report").unwrap();
    let events: Vec<_> = report.events.iter().map(|event| &*event.name).collect();
    assert_eq!(events, ["reporting"]);
}

/// 20\. Types beside the charm's own are traced, too.
#[test]
fn c20_extra_types_are_instrumented() {
    let collector = Collector::start();
    let mut juju = struct_charm();
    let _ = relate(&mut juju, &collector.endpoint());
    assert_untouched(&juju.dispatch(Event::hook("start")));
    assert_eq!(
        outline_below(&collector, "event: start"),
        "    * start\n    method call: StructCharm.handle\n      method call: Workload.start"
    );
}

/// 21\. Functions of the charm without `self` work and are traced, whether they are called by the type's name (`new`, from
/// `main`) or from a method.
#[test]
fn c21_functions_without_self_keep_working() {
    let (collector, mut juju) = traced_charm();
    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_untouched(&outcome);
    assert_eq!(outcome.unit_status.message, "ready", "what the last of them does");
    let spans = whole_traces(&collector);
    for function in ["new", "on_update_status", "report", "tool"] {
        let span = format!("method call: TestCharm.{function}");
        assert_eq!(spans.iter().filter(|found| name(found) == span).count(), 1, "{function}");
    }
}

/// 22\. Without a relation the trace is buffered, with a certificate and without one.
#[test]
fn c22_without_a_relation_the_trace_is_buffered() {
    for certificate in [None, Some(Collector::start_tls().ca_pem().to_owned())] {
        let mut juju = test_charm();
        if let Some(pem) = certificate {
            let path = juju.charm_dir().join("ca.crt");
            fs::write(&path, pem).unwrap();
            juju.set_config("tracing-ca", json!(path));
        }
        assert_untouched(&juju.dispatch(Event::hook("start")));
        assert_eq!(waiting(&juju), 1);
    }
}

/// 23\. With an endpoint, one dispatch sends all that has waited, and its own trace. Python's suite lets the latter
/// arrive twice; here nothing does.
#[test]
fn c23_one_dispatch_flushes_the_buffer_and_sends_nothing_twice() {
    let mut juju = test_charm();
    let mut ids: Vec<_> =
        ["install", "config-changed", "start"].map(|hook| trace_id(&juju.dispatch(Event::hook(hook)))).into();
    assert_eq!(waiting(&juju), 3);

    let collector = Collector::start();
    let relation = relate(&mut juju, &collector.endpoint());
    ids.push(trace_id(&juju.dispatch(Event::relation_changed(&relation))));
    assert_eq!((waiting(&juju), delivered(&collector)), (0, ids));
    whole_traces(&collector);
}

/// 24\. A buffer that the new trace makes too large gives up old ones for it, as many as it takes.
#[test]
fn c24_a_buffer_over_its_size_is_pruned_to_the_new_record() {
    const LIMIT: u64 = 10 * 1024 * 1024;
    let mut juju = test_charm();
    let mut dispatch = |calls: u32| {
        juju.set_config("calls", calls);
        let outcome = juju.dispatch(Event::hook("config-changed"));
        assert_untouched(&outcome);
        let bytes: u64 = queue::traces(&buffer(&juju)).iter().map(|trace| trace.bytes).sum();
        (trace_id(&outcome), waiting(&juju), bytes)
    };
    for dispatches in 1..=3 {
        assert_eq!(dispatch(1).1, dispatches);
    }
    // Four of these are more than the limit.
    let large = [13_000; 4].map(&mut dispatch);
    assert_eq!(large.clone().map(|(_, waiting, _)| waiting), [4, 5, 6, 3]);
    assert!(large.iter().all(|(_, _, bytes)| *bytes <= LIMIT), "{large:?}");

    // Sent by a charm with more patience than the default: it is much for a collector without optimisation.
    let collector = Collector::start();
    let event = Event::hook("start").env("TRACE_ENDPOINT", &collector.endpoint()).env("TRACE_SECONDS", "30");
    let path = buffer(&juju);
    let _ = session_charm().dispatch(event.env("TRACE_BUFFER", path.to_str().unwrap()));
    assert_eq!(delivered(&collector)[..3], large.map(|(id, ..)| id)[1..]);
}

/// 24\. There are never more dispatches in the buffer than `buffer_max_events`.
#[test]
fn c24_the_buffer_never_holds_more_than_its_events() {
    let mut juju = session_charm();
    for dispatches in 1..=6 {
        assert!(juju.dispatch(Event::hook("start").env("TRACE_BUFFER_EVENTS", "3")).success());
        assert_eq!(waiting(&juju), dispatches.min(3));
    }
}

/// A charm that is related to a backend.
fn traced_charm() -> (Collector, Juju) {
    let collector = Collector::start();
    let mut juju = test_charm();
    let _ = relate(&mut juju, &collector.endpoint());
    (collector, juju)
}

fn name(span: &Span) -> &str {
    &span.name
}

/// The names and span events below the span of an event, which is the last of the root's.
fn outline_below(collector: &Collector, span: &str) -> String {
    let outline = whole_traces(collector).outline().events().to_string();
    let (_, below) = outline.split_once(&format!("  {span}\n")).unwrap();
    below.to_owned()
}
