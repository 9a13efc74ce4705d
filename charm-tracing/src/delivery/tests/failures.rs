//! The time and the pauses of later attempts. What each failure does to the traces is in `tests/tests/fault_matrix`.

use super::*;

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
    assert_eq!(not_before, [60_000, 67_470, 75_000]);
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

/// The queue remembers a destination by this number.
fn fingerprint(server: &Server) -> u32 {
    crc32fast::hash(format!("http://127.0.0.1:{}/v1/traces", server.port()).as_bytes())
}
