//! The trace of the example is the one that the guide shows.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju, Outcome, Trace};

const GUIDE: &str = include_str!("../../../docs/guide/logs-and-tracing.md");

/// Starts a workload that is healthy. Returns its URL, and the header `traceparent` of the request that it gets.
fn workload() -> (String, JoinHandle<Option<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/health", listener.local_addr().unwrap());
    let serve = move || {
        let (mut connection, _) = listener.accept().unwrap();
        let lines = BufReader::new(&connection).lines().map(Result::unwrap);
        let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        head.iter().find_map(|line| line.strip_prefix("traceparent: ").map(str::to_owned))
    };
    (url, thread::spawn(serve))
}

/// Dispatches this event to a unit that knows the collector. Returns what Juju sees, and the `traceparent` that the workload got.
fn dispatch(event: Event, collector: &Collector) -> (Outcome, Option<String>) {
    let mut juju = Juju::new(env!("CARGO_BIN_EXE_everything-charm")).unit("app/0");
    juju.set_leader(true);
    let relation = juju.relate("tracing", "tempo");
    relation.publish_endpoint(&collector.endpoint());
    for event in [Event::relation_created, Event::relation_joined, Event::relation_changed] {
        let outcome = juju.dispatch(event(&relation));
        assert!(outcome.success(), "{outcome}");
    }
    collector.clear();

    let (url, served) = workload();
    juju.set_config("health-url", url);
    let outcome = juju.dispatch(event);
    assert!(outcome.success(), "{outcome}");
    (outcome, served.join().unwrap())
}

/// Returns the tree of the trace as the guide shows it.
fn tree(trace: &Trace) -> String {
    trace.check().unwrap();
    let keys = ["level", "file", "characters", "process.exit.code"];
    trace.outline().kinds().events().attributes(&keys).to_string()
}

#[test]
fn all_that_the_charm_does_is_one_tree() {
    let collector = Collector::start();
    let (outcome, traceparent) = dispatch(Event::config_changed(), &collector);
    let trace = collector.trace();
    let tree = tree(&trace);
    assert!(GUIDE.contains(&format!("```text\n{tree}\n```\n")), "the guide should show:\n{tree}");

    let request = trace.span("function call: health");
    let header = format!("00-{}-{}-01", request.trace_id, request.span_id);
    assert_eq!(traceparent, Some(header));
    // The exporter has the spans of the charm's own process.
    assert!(outcome.stdout.contains("Name         : event: config_changed\n"), "{outcome}");
    assert!(!outcome.stdout.contains("function call: check"), "{outcome}");
    let lines: Vec<_> = outcome.log.iter().filter(|line| line.level == "INFO").collect();
    let lines: Vec<_> = lines.iter().map(|line| &*line.message).collect();
    assert_eq!(lines, ["rendering characters=5", "the configuration is written file=workload.conf"]);
}

#[test]
fn it_is_the_same_tree_if_juju_traces_its_own_work() {
    let collector = Collector::start();
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let event = Event::config_changed().env("JUJU_TRACE_ID", id).env("JUJU_SPAN_ID", "00f067aa0ba902b7");
    dispatch(event.env("JUJU_TRACE_FLAGS", "1"), &collector);
    let trace = collector.trace();
    assert!(trace.iter().all(|span| span.trace_id.to_string() == id));
    let tree = tree(&trace);
    assert!(GUIDE.contains(&format!("```text\n{tree}\n```\n")), "{tree}");
}
