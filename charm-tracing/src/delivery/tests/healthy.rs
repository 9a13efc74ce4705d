use super::*;

#[test]
fn trace_is_posted_as_otlp() {
    let (unit, server) = (Unit::new(), Server::always(Reply::OK));
    let report = unit.dispatch("spans", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (1, 0), "{report:?}");
    assert!(!report.buffered && !report.lost && report.problem.is_none(), "{report:?}");

    let request = &server.requests()[0];
    assert_eq!(request.line, "POST /v1/traces HTTP/1.1");
    assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
    assert_eq!(request.header("content-encoding"), None);
    assert_eq!(request.header("user-agent"), Some(concat!("charm-tracing/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(request.text(), "spans");
}

#[test]
fn any_timeout_will_do() {
    for time in [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_secs(u64::MAX / 2)] {
        let (mut unit, server) = (Unit::new(), Server::always(Reply::OK));
        unit.budget = TimeBudget { per_request: time, total: time };
        unit.store(&["a"]);
        let report = unit.dispatch("b", Some(&server.destination()));
        assert_eq!((report.delivered, report.waiting), (2, 0), "{time:?}: {report:?}");
    }
}

#[test]
fn connection_that_the_backend_closes_is_opened_again() {
    let (unit, server) =
        (Unit::new(), Server::always(Reply::Answer(200, "connection: close\r\n", Vec::new())));
    unit.store(&["a", "b"]);
    let report = unit.dispatch("c", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (3, 0), "{report:?}");
    assert_eq!(server.texts(), ["a", "b", "c"]);
}

/// Longer than what is written at a time.
#[test]
fn long_body_arrives_whole() {
    let (unit, server) = (Unit::new(), Server::always(Reply::OK));
    let mut state = 1_u64;
    let noise: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(state.to_be_bytes()[0] & 0x7f)
    })
    .take(100_000)
    .collect();
    assert_eq!(unit.dispatch(&noise, Some(&server.destination())).delivered, 1);
    let request = &server.requests()[0];
    let received = request.payload();
    assert!(request.body.len() > 64 * 1024 && received == noise.as_bytes(), "{} bytes", received.len());
}

#[test]
fn large_body_is_compressed() {
    let (unit, server) = (Unit::new(), Server::always(Reply::OK));
    let text = "span ".repeat(10_000);
    assert_eq!(unit.dispatch(&text, Some(&server.destination())).delivered, 1);
    let request = &server.requests()[0];
    assert_eq!(request.header("content-encoding"), Some("gzip"));
    assert!(request.body.len() < 5000, "{} bytes", request.body.len());
    assert_eq!(request.payload(), text.as_bytes());
}

#[test]
fn unusable_queue_is_said_and_the_trace_sent_all_the_same() {
    let (mut unit, server) = (Unit::new(), Server::always(Reply::OK));
    let path = "/proc/nothing/can/be/made/here".into();
    unit.queue = Queue::new(path, 10, 1000);
    let report = unit.dispatch("a", Some(&server.destination()));
    assert_eq!((report.delivered, report.lost), (1, false), "{report:?}");
    assert!(problem(&report).starts_with("cannot make /proc/nothing/can/be/made: "), "{report:?}");

    let report = unit.dispatch("b", None);
    assert_eq!((report.delivered, report.lost, report.waiting), (0, true, 0), "{report:?}");
}

#[test]
fn trace_too_large_for_the_queue_is_sent_before_what_waits() {
    let (unit, server) = (Unit::with_limits(10, 1000), Server::always(Reply::OK));
    unit.store(&["a", "b"]);
    let large = "x".repeat(2000);
    let report = unit.dispatch(&large, Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting, report.lost), (3, 0, false), "{report:?}");
    assert_eq!(server.texts(), [large.as_str(), "a", "b"]);
    assert!(problem(&report).contains("cannot keep a trace of 2000 bytes: 1000 is the limit"), "{report:?}");
}

#[test]
fn full_queue_drops_nothing_for_a_trace_that_can_be_sent() {
    let (unit, server) = (Unit::with_limits(2, 10 << 20), Server::always(Reply::OK));
    unit.store(&["a", "b"]);
    let report = unit.dispatch("c", Some(&server.destination()));
    assert_eq!((report.delivered, report.dropped_by_limits, report.waiting), (3, 0, 0), "{report:?}");
    assert_eq!(server.texts(), ["a", "b", "c"]);
}

#[test]
fn full_queue_drops_the_oldest_once_sending_failed() {
    let (unit, server) = (Unit::with_limits(2, 10 << 20), Server::always(Reply::Answer(503, "", Vec::new())));
    unit.store(&["a", "b"]);
    let report = unit.dispatch("c", Some(&server.destination()));
    assert_eq!((report.dropped_by_limits, report.waiting, report.buffered), (1, 2, true), "{report:?}");
    assert_eq!(unit.waiting(), [b"b", b"c"]);
}
