//! The trace of the example is the one that the guide shows.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju};

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

#[test]
fn all_that_the_charm_does_is_one_tree() {
    let collector = Collector::start();
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
    let outcome = juju.dispatch(Event::config_changed());
    assert!(outcome.success(), "{outcome}");
    let trace = collector.trace();
    trace.check().unwrap();
    let keys = ["level", "file", "characters", "process.exit.code"];
    let tree = trace.outline().kinds().events().attributes(&keys).to_string();
    assert!(GUIDE.contains(&format!("```text\n{tree}\n```\n")), "the guide should show:\n{tree}");

    let request = trace.span("function call: health");
    let header = format!("00-{}-{}-01", request.trace_id, request.span_id);
    assert_eq!(served.join().unwrap(), Some(header));
    // The exporter has the spans of the charm's own process.
    assert!(outcome.stdout.contains("Name         : event: config_changed\n"), "{outcome}");
    assert!(!outcome.stdout.contains("function call: check"), "{outcome}");
    let lines: Vec<_> = outcome.log.iter().filter(|line| line.level == "INFO").collect();
    let lines: Vec<_> = lines.iter().map(|line| &*line.message).collect();
    assert_eq!(lines, ["rendering characters=5", "the configuration is written file=workload.conf"]);
}
