use std::collections::BTreeMap;
use std::fs;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use serde_json::Value as Json;

use crate::fixture::{CharmDir, request, run, span};

#[test]
fn otlp_is_one_request_with_all_traces() {
    let charm = CharmDir::with_two_traces();
    let file = charm.path().join("out");
    let arguments =
        ["export".as_ref(), charm.path(), "--format".as_ref(), "otlp".as_ref(), "-o".as_ref(), &file];
    let ran = run(arguments);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
    let request = ExportTraceServiceRequest::decode(&*fs::read(&file).expect("a file")).expect("a request");
    assert_eq!(request.resource_spans.len(), 2);
}

#[test]
fn otlp_json_is_a_line_for_each_request_and_is_read_again() {
    let charm = CharmDir::with_two_traces();
    let ran = run(["export".as_ref(), charm.path()]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let lines: Vec<Json> = ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 2);
    let span = &lines[0]["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["traceId"], "11111111111111111111111111111111");
    assert_eq!(span["startTimeUnixNano"], "1795942800000000000");

    let file = charm.write("traces.json", &ran.out);
    let shown = |path: &std::path::Path| run(["show".as_ref(), path]).out;
    assert_eq!(shown(&file), shown(charm.path()));
}

#[test]
fn only_chosen_traces_are_exported() {
    let charm = CharmDir::with_two_traces();
    let ran = run(["export".as_ref(), charm.path(), "--failed".as_ref()]);
    assert_eq!(ran.out.lines().count(), 1);
    assert!(ran.out.contains("config-changed") && !ran.out.contains("start event"), "{}", ran.out);
}

#[test]
fn chrome_has_a_process_for_each_trace_and_spans_that_nest() {
    let charm = CharmDir::with_two_traces();
    let ran = run(["export".as_ref(), charm.path(), "--format".as_ref(), "chrome".as_ref()]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let json: Json = serde_json::from_str(&ran.out).expect("JSON");
    let events = json["traceEvents"].as_array().expect("events");
    let of = |phase: &str| events.iter().filter(|event| event["ph"] == phase).collect::<Vec<_>>();
    let names: Vec<_> = of("M").iter().filter_map(|event| event["args"]["name"].as_str()).collect();
    assert_eq!(names, ["app/0: config_changed", "app/0: start"]);
    assert_eq!(of("X").len(), 7);
    let exception = of("i")[0];
    assert_eq!((&exception["name"], &exception["s"]), (&"exception".into(), &"t".into()));

    let failed = of("X").into_iter().find(|event| event["cat"] == "failed").expect("a failed span");
    assert_eq!((failed["ts"].as_f64(), failed["dur"].as_f64()), (Some(3100.0), Some(8700.0)));
    assert_eq!(failed["args"]["error"], "cannot reach <the database>\nconnection refused");

    // A row of its own has a number that no process has: Perfetto drops spans of two rows with one number.
    let beside = [span(0x11, 1, 0, "a", 0, 9), span(0x11, 2, 1, "b", 1, 5), span(0x11, 3, 1, "c", 4, 8)];
    let file = charm.write("beside", request(&beside));
    let ran = run(["export".as_ref(), file.as_os_str(), "--format".as_ref(), "chrome".as_ref()]);
    let json: Json = serde_json::from_str(&ran.out).expect("JSON");
    let spans = json["traceEvents"].as_array().expect("events").iter().filter(|event| event["ph"] == "X");
    let threads: Vec<_> = spans.map(|event| [event["pid"].clone(), event["tid"].clone()]).collect();
    assert_eq!(threads, [[1, 1], [1, 1], [1, 2]]);

    // Complete events of one thread are nested or apart.
    let mut threads: BTreeMap<(i64, i64), Vec<(f64, f64)>> = BTreeMap::new();
    for event in of("X") {
        let number = |key: &str| event[key].as_i64().expect("a number");
        let start = event["ts"].as_f64().expect("a time");
        let end = start + event["dur"].as_f64().expect("a duration");
        threads.entry((number("pid"), number("tid"))).or_default().push((start, end));
    }
    for spans in threads.values() {
        for (at, a) in spans.iter().enumerate() {
            for b in &spans[at + 1..] {
                let apart = a.1 <= b.0 || b.1 <= a.0;
                let nested = (a.0 <= b.0 && b.1 <= a.1) || (b.0 <= a.0 && a.1 <= b.1);
                assert!(apart || nested, "{a:?} {b:?}");
            }
        }
    }
}
