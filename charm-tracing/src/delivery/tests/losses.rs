//! Losses are remembered until a trace that says them arrives or waits.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use rustix::io::Errno;

use super::raw::RawServer;
use super::*;
use crate::queue::tests::unlimited;
use crate::queue::{Disk, Fault};

fn losses(unit: &Unit) -> Losses {
    unit.queue.state().unwrap().losses
}

/// A dispatch whose root says these losses.
fn say(
    unit: &Unit,
    text: &str,
    reported_losses: Losses,
    destination: Option<&Destination>,
) -> DeliveryReport {
    let request = text.as_bytes();
    unit.deliver(Trace { reported_losses, ..trace(request) }, destination)
}

#[test]
fn said_losses_are_forgotten_when_the_trace_waits_or_is_taken() {
    let (unit, server) = (Unit::with_limits(2, 10 << 20), Server::always(Reply::OK));
    unit.store(&["a", "b"]);
    assert_eq!(unit.dispatch("c", None).dropped_by_limits, 1);
    let one = Losses { dropped_traces: 1, ..Losses::default() };
    assert_eq!(losses(&unit), one);

    assert_eq!(say(&unit, "d", one, None).dropped_by_limits, 1);
    assert_eq!(losses(&unit), one, "the one was said, another one is new");
    assert_eq!(say(&unit, "e", one, Some(&server.destination())).delivered, 3);
    assert_eq!(losses(&unit), Losses::default());
    assert!(!unit.path.join("state").exists(), "nothing is left to be known");
}

#[test]
fn said_losses_are_forgotten_before_anything_is_sent() {
    let unit = Unit::with_limits(1, 10 << 20);
    unit.store(&["a", "b"]);
    let one = Losses { dropped_traces: 1, ..Losses::default() };
    assert_eq!(losses(&unit), one);
    let (sender, states) = std::sync::mpsc::channel();
    let (path, sender) = (unit.path.join("state"), std::sync::Mutex::new(sender));
    // A backend that looks what a dispatch would leave that is killed now.
    let server = RawServer::new(move |connection| {
        connection.request();
        sender.lock().unwrap().send(path.exists()).unwrap();
    });
    let report = say(&unit, "c", one, Some(&server.destination()));
    assert!(!states.recv().unwrap(), "{report:?}");
    assert_eq!(report.dropped_by_limits, 1, "{report:?}");
    // `c`, which says the one, waits; `b` made room for it.
    assert_eq!(losses(&unit), one);
}

#[test]
fn traces_that_made_room_are_counted_whichever_step_fails_then() {
    let mut lost = 0;
    for changes in 0..12 {
        let disk = Disk::new(7);
        let unit = Unit { queue: unlimited(&disk), ..Unit::new() };
        unit.store(&["a", "b", "c"].map(|text| text.repeat(1000)).each_ref().map(String::as_str));
        disk.set_capacity(disk.used());
        disk.fail_after(changes, Fault::Refused(Errno::ACCESS));
        let report = unit.dispatch(&"d".repeat(2500), None);
        let gone = 3 - unit.waiting().iter().filter(|request| request[0] != b'd').count();
        assert_eq!(report.dropped_by_limits as usize, gone, "after {changes} changes: {report:?}");
        // The file `state` has room only if something was removed.
        if report.lost && gone > 0 {
            lost += 1;
            let counted = Losses { dropped_traces: gone as u64, lost_traces: 1, ..Losses::default() };
            assert_eq!(losses(&unit), counted, "after {changes} changes");
        }
    }
    assert!(lost > 0, "no step fails after a trace was removed");
}

#[test]
fn said_losses_are_remembered_when_the_trace_is_refused_or_lost_or_dropped() {
    let unit = Unit::with_limits(1, 1000);
    unit.store(&["a"]);
    assert_eq!(unit.dispatch("b", None).dropped_by_limits, 1);
    let mut expected = Losses { dropped_traces: 1, ..Losses::default() };
    assert_eq!(losses(&unit), expected);

    let server = Server::always(Reply::status(400));
    let report = say(&unit, "c", expected, Some(&server.destination()));
    assert_eq!((report.refused, report.arrives), (2, false), "{report:?}");
    expected.refused_traces = 2;
    assert_eq!(losses(&unit), expected);

    let report = say(&unit, &"d".repeat(2000), expected, None);
    assert!(report.lost && !report.arrives, "{report:?}");
    expected.lost_traces = 1;
    assert_eq!(losses(&unit), expected);

    unit.store(&["e"]);
    let request = &b"idle"[..];
    let report = unit.deliver(Trace { reported_losses: expected, idle: true, ..trace(request) }, None);
    assert_eq!((report.dropped_by_limits, report.buffered, report.arrives), (1, false, false), "{report:?}");
    expected.dropped_traces = 2;
    assert_eq!(losses(&unit), expected);
}

/// A request whose root reports dropped traces.
fn request_that_reports(dropped_traces: i64) -> Vec<u8> {
    let key = "charm_tracing.dropped_traces".to_owned();
    let value = Some(AnyValue { value: Some(Value::IntValue(dropped_traces)) });
    let attributes = vec![KeyValue { key, value, ..KeyValue::default() }];
    let spans = vec![Span { attributes, ..Span::default() }];
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
    }
    .encode_to_vec()
}

#[test]
fn losses_that_a_removed_trace_reported_are_reported_again() {
    let unit = Unit::with_limits(2, 10 << 20);
    let ill = Server::always(Reply::status(503)).destination();
    for dispatch in 0..20 {
        let losses = losses(&unit);
        let request = request_that_reports(losses.dropped_traces.cast_signed());
        // Idle ones are dropped themselves.
        let trace = Trace { reported_losses: losses, idle: dispatch % 5 == 4, ..trace(&request) };
        let destination = Some(&ill).filter(|_| dispatch % 2 == 1);
        assert_eq!(unit.deliver(trace, destination).dropped_by_limits, u32::from(dispatch >= 2));
    }
    let waiting = unit.queue.waiting().unwrap().into_iter();
    let reported = waiting
        .map(|name| Losses::reported_by(&unit.queue.read(name, &mut 0).unwrap().unwrap()).dropped_traces);
    assert_eq!(reported.sum::<u64>() + losses(&unit).dropped_traces, 18);

    let server = Server::always(Reply::status(400));
    let report = unit.deliver(trace(b"last"), Some(&server.destination()));
    assert_eq!(report.refused, 3, "{report:?}");
    assert_eq!(losses(&unit), Losses { dropped_traces: 18, refused_traces: 3, ..Losses::default() });
}

#[test]
fn rejected_spans_and_refused_parts_are_remembered() {
    // An OTLP answer that rejects four spans.
    let body = b"\x0a\x02\x08\x04".to_vec();
    let (unit, server) = (Unit::new(), Server::always(Reply::Answer(200, "", body)));
    unit.store(&["a"]);
    let report = unit.dispatch("b", Some(&server.destination()));
    assert_eq!((report.delivered, report.rejected_spans), (2, 8), "{report:?}");
    assert_eq!(losses(&unit), Losses { rejected_spans: 8, ..Losses::default() });
}

#[test]
fn damaged_trace_is_lost_and_counted_and_the_others_arrive() {
    let (unit, server) = (Unit::new(), Server::always(Reply::OK));
    unit.store(&["a", "b", "c"]);
    let second = unit.queue.waiting().unwrap()[1];
    std::fs::write(unit.path.join(second.to_string()), "B").unwrap();
    let report = unit.dispatch("d", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (3, 0), "{report:?}");
    assert_eq!(server.texts(), ["a", "c", "d"]);
    assert_eq!(losses(&unit), Losses { lost_traces: 1, ..Losses::default() });
}
