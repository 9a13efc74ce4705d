use std::net::TcpListener;

use super::*;

#[test]
fn backend_in_trouble_leaves_everything_waiting() {
    for reply in [Reply::status(503), Reply::status(500), Reply::Close] {
        let (unit, server) = (Unit::new(), Server::always(reply));
        unit.store(&["a"]);
        let report = unit.dispatch("b", Some(&server.destination()));
        assert_eq!((report.delivered, report.refused, report.waiting), (0, 0, 2), "{report:?}");
        assert!(report.buffered && !report.lost && report.problem.is_some(), "{report:?}");
        assert_eq!(server.texts(), ["a"], "one attempt is enough to know");
    }
}

#[test]
fn closed_port_leaves_everything_waiting() {
    let unit = Unit::new();
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let destination = Destination::new(format!("http://user:secret@127.0.0.1:{port}"), None);
    let report = unit.dispatch("a", Some(&destination));
    assert_eq!((report.waiting, report.buffered, report.lost), (1, true, false), "{report:?}");
    let said = problem(&report);
    let expected = format!("cannot reach the tracing backend at http://127.0.0.1:{port}/v1/traces: ");
    assert!(said.starts_with(&expected) && said.contains("refused"), "{said}");
    assert!(!format!("{report:?}").contains("secret"), "{report:?}");
}

#[test]
fn next_healthy_dispatch_delivers_what_waited_exactly_once() {
    let unit = Unit::new();
    let sick = Server::always(Reply::status(503));
    for text in ["a", "b", "c"] {
        assert!(unit.dispatch(text, Some(&sick.destination())).buffered);
    }
    let server = Server::always(Reply::OK);
    let report = unit.dispatch("d", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (4, 0), "{report:?}");
    assert_eq!(server.texts(), ["a", "b", "c", "d"]);
}

#[test]
fn refused_record_does_not_hold_up_the_others() {
    let server = Server::scripted(|_, request| match request.text().as_str() {
        "poison" => Reply::Answer(400, "", b"bad span id".to_vec()),
        _ => Reply::OK,
    });
    let unit = Unit::new();
    unit.store(&["a", "poison"]);
    let report = unit.dispatch("b", Some(&server.destination()));
    assert_eq!((report.delivered, report.refused, report.waiting), (2, 1, 0), "{report:?}");
    assert_eq!(report.last_refusal.as_deref(), Some("the backend answered 400: bad span id"));
    assert!(report.problem.is_none(), "{report:?}");
    assert_eq!(unit.dispatch("c", Some(&server.destination())).refused, 0, "it is not sent again");
}

#[test]
fn backend_that_dies_in_a_drain_gets_nothing_twice() {
    let server = Server::scripted(|number, _| if number == 2 { Reply::status(503) } else { Reply::OK });
    let unit = Unit::new();
    unit.store(&["a", "b", "c"]);
    let report = unit.dispatch("d", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (2, 2), "{report:?}");
    let report = unit.dispatch("e", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (3, 0), "{report:?}");
    assert_eq!(server.texts(), ["a", "b", "c", "c", "d", "e"]);
}

#[test]
fn redirect_is_not_followed() {
    let elsewhere = Server::always(Reply::OK);
    let header: &'static str =
        Box::leak(format!("location: http://127.0.0.1:{}/\r\n", elsewhere.port()).into_boxed_str());
    for status in [302, 307] {
        let (unit, server) = (Unit::new(), Server::always(Reply::Answer(status, header, Vec::new())));
        let report = unit.dispatch("a", Some(&server.destination()));
        assert_eq!((report.delivered, report.waiting), (0, 1), "{report:?}");
        assert!(problem(&report).contains("redirects are not followed"), "{report:?}");
    }
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn hanging_backend_costs_at_most_the_budget() {
    let (mut unit, server) = (Unit::new(), Server::always(Reply::Hang));
    unit.budget = TimeBudget { per_request: Duration::from_millis(200), total: Duration::from_millis(400) };
    unit.store(&["a", "b"]);
    let started = Instant::now();
    let report = unit.dispatch("c", Some(&server.destination()));
    let spent = started.elapsed();
    assert!(spent >= Duration::from_millis(200) && spent < Duration::from_secs(3), "{spent:?}");
    assert_eq!((report.delivered, report.waiting, report.lost), (0, 3, false), "{report:?}");
    assert!(problem(&report).ends_with(": there is no answer in time"), "{report:?}");
    assert_eq!(server.texts().len(), 1);
}

#[test]
fn long_queue_is_delivered_as_far_as_the_budget_goes() {
    let (mut unit, server) = (Unit::new(), Server::always(Reply::Slow(Duration::from_millis(200))));
    unit.store(&["x"; 30]);
    unit.budget = TimeBudget { per_request: Duration::from_millis(1500), total: Duration::from_millis(1500) };
    let report = unit.dispatch("y", Some(&server.destination()));
    assert!(report.delivered > 0 && report.waiting > 0, "{report:?}");
    assert_eq!(report.delivered + report.waiting, 31);
    assert!(report.problem.is_none(), "a spent budget is no failure: {report:?}");
    assert_eq!(unit.backoff().failures, 0);
    assert_eq!(server.texts().len(), usize::try_from(report.delivered).unwrap(), "nothing was cut short");
}

#[test]
fn after_a_failure_the_next_dispatch_tries_only_shortly() {
    let (mut unit, server) = (Unit::new(), Server::always(Reply::Hang));
    unit.budget = TimeBudget { per_request: Duration::from_secs(5), total: Duration::from_secs(5) };
    unit.has_failed(fingerprint(&server), 1);
    let started = Instant::now();
    assert!(unit.dispatch("a", Some(&server.destination())).buffered);
    let spent = started.elapsed();
    assert!(spent >= Duration::from_millis(280) && spent < Duration::from_secs(3), "{spent:?}");
    assert_eq!(unit.backoff().failures, 2);
}

/// A backend that is slower than a short attempt.
#[test]
fn some_attempts_after_failures_have_all_the_time() {
    let (unit, server) = (Unit::new(), Server::always(Reply::Slow(Duration::from_millis(700))));
    let destination = server.destination();
    let failures = || unit.backoff().failures;
    unit.has_failed(fingerprint(&server), 2);
    let report = unit.dispatch("a", Some(&destination));
    assert_eq!((report.delivered, report.waiting, failures()), (0, 1, 3), "{report:?}");

    unit.clock.draw.set(16);
    let report = unit.dispatch("b", Some(&destination));
    assert_eq!((report.delivered, report.waiting, failures()), (2, 0, 0), "{report:?}");
}

#[test]
fn first_acknowledged_record_ends_the_short_attempts() {
    let (unit, server) = (Unit::new(), Server::always(Reply::Slow(Duration::from_millis(40))));
    unit.has_failed(fingerprint(&server), 3);
    unit.store(&["x"; 14]);
    let report = unit.dispatch("y", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (15, 0), "600 ms in all: {report:?}");
    assert_eq!(unit.backoff().failures, 0);
}

#[test]
fn retry_after_is_honoured_by_later_dispatches() {
    let server = Server::scripted(|number, _| match number {
        0 => Reply::Answer(429, "retry-after: 60\r\n", Vec::new()),
        _ => Reply::OK,
    });
    let unit = Unit::new();
    assert!(unit.dispatch("a", Some(&server.destination())).buffered);
    unit.pass(Duration::from_secs(59));
    let report = unit.dispatch("b", Some(&server.destination()));
    assert_eq!((report.waiting, report.problem.is_none()), (2, true), "{report:?}");
    assert_eq!(server.texts(), ["a"], "it was not asked");

    unit.pass(Duration::from_secs(2));
    let report = unit.dispatch("c", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (3, 0), "{report:?}");
}

/// Units that were sent away at the same moment do not come back at the same moment.
#[test]
fn retry_after_is_lengthened_at_random() {
    let server = Server::always(Reply::Answer(429, "retry-after: 60\r\n", Vec::new()));
    let not_before = [1, u64::MAX / 2, u64::MAX].map(|draw| {
        let unit = Unit::new();
        unit.clock.draw.set(draw);
        assert!(unit.dispatch("a", Some(&server.destination())).buffered);
        unit.backoff().not_before - crate::queue::millis(unit.clock.wall.get())
    });
    assert_eq!(not_before, [60_000, 67_499, 75_000]);
}

#[test]
fn pause_that_one_backend_asked_for_does_not_hold_for_another() {
    let unit = Unit::new();
    let busy = Server::always(Reply::Answer(503, "retry-after: 600\r\n", Vec::new()));
    assert!(unit.dispatch("a", Some(&busy.destination())).buffered);
    let server = Server::always(Reply::OK);
    assert_eq!(unit.dispatch("b", Some(&server.destination())).delivered, 2);
}

#[test]
fn pause_from_a_clock_that_was_far_ahead_is_not_believed() {
    let server = Server::scripted(|number, _| match number {
        0 => Reply::Answer(503, "retry-after: 60\r\n", Vec::new()),
        _ => Reply::OK,
    });
    let unit = Unit::new();
    unit.pass(Duration::from_hours(100));
    assert!(unit.dispatch("a", Some(&server.destination())).buffered);
    unit.clock.wall.set(unit.clock.wall.get() - Duration::from_hours(100));
    assert_eq!(unit.dispatch("b", Some(&server.destination())).delivered, 2);
}

#[test]
fn without_a_queue_a_failed_push_is_a_lost_trace() {
    let server = Server::always(Reply::status(503));
    let destination = server.destination();
    let report =
        deliver(trace(&&b"a"[..]), None, Some(&destination), &TimeBudget::default(), &SystemClock::new());
    assert!(report.lost && !report.buffered, "{report:?}");
    assert!(problem(&report).ends_with("the backend answered 503"), "{report:?}");
}

#[test]
fn unusable_destination_is_said_and_the_trace_waits() {
    let unit = Unit::new();
    let cases = [
        ("tempo:4318", "cannot send traces: the endpoint does not begin with http:// or https://"),
        ("not a url", "cannot send traces: the endpoint is not a URL"),
        ("https://tempo", "cannot send traces to an https endpoint without a certificate to trust"),
    ];
    for (waiting, (endpoint, expected)) in (1..).zip(cases) {
        let report = unit.dispatch("a", Some(&Destination::new(endpoint, None)));
        assert_eq!((report.waiting, report.lost), (waiting, false), "{report:?}");
        assert_eq!(problem(&report), expected);
    }
}

/// The queue remembers a destination by this number.
fn fingerprint(server: &Server) -> u32 {
    crc32fast::hash(format!("http://127.0.0.1:{}/v1/traces", server.port()).as_bytes())
}
