//! One trace never holds up the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::queue::Disk;
use crate::queue::tests::unlimited;

/// Answers 503 to a trace whose text begins with "bad".
fn backend_that_fails_with_bad_traces() -> Server {
    Server::scripted(|_, request| match request.text() {
        text if text.starts_with("bad") => Reply::status(503),
        _ => Reply::OK,
    })
}

#[test]
fn trace_that_is_never_taken_does_not_hold_up_the_others() {
    let (unit, server) = (Unit::new(), backend_that_fails_with_bad_traces());
    let destination = server.destination();
    unit.store(&["bad"]);
    let report = unit.dispatch("a", Some(&destination));
    assert_eq!((report.delivered, report.waiting), (0, 2), "it may be the backend: {report:?}");
    let report = unit.dispatch("b", Some(&destination));
    assert_eq!((report.delivered, report.waiting), (2, 1), "{report:?}");
    for _ in 0..3 {
        let report = unit.dispatch("c", Some(&destination));
        assert_eq!((report.delivered, report.waiting), (1, 1), "{report:?}");
        assert_eq!(unit.backoff().failures, 0, "the backend works");
    }
}

#[test]
fn two_traces_that_are_never_taken_do_not_hold_up_the_third() {
    let (unit, server) = (Unit::new(), backend_that_fails_with_bad_traces());
    let destination = server.destination();
    unit.store(&["bad 1", "bad 2"]);
    assert_eq!(unit.dispatch("a", Some(&destination)).delivered, 0);
    assert_eq!(unit.dispatch("b", Some(&destination)).delivered, 0);
    assert_eq!(server.texts(), ["bad 1", "bad 1", "bad 2"]);
    let report = unit.dispatch("c", Some(&destination));
    assert_eq!((report.delivered, report.waiting), (3, 2), "{report:?}");
    assert_eq!(server.texts()[3..], ["bad 1", "a", "b", "c", "bad 1", "bad 2"]);
}

#[test]
fn trace_that_cannot_be_removed_does_not_hold_up_the_others() {
    let (disk, server) = (Disk::new(7), Server::always(Reply::OK));
    let unit = Unit { queue: unlimited(&disk), ..Unit::new() };
    unit.store(&["a", "b", "c"]);
    let pin = |text: &str| {
        let checksum = format!("{:08x}.otlp", crc32fast::hash(text.as_bytes()));
        disk.pin(&disk.paths().into_iter().find(|path| path.ends_with(&checksum)).expect("a waiting trace"));
    };
    pin("a");
    let report = unit.dispatch("d", Some(&server.destination()));
    assert!(problem(&report).contains("cannot remove"), "{report:?}");
    assert_eq!(server.texts(), ["a", "b", "c", "d"]);
    // With two of them, which are sent again in every dispatch, the others wait.
    unit.store(&["e"]);
    pin("e");
    unit.dispatch("f", Some(&server.destination()));
    assert_eq!(server.texts()[4..], ["a", "e"]);
}

#[test]
fn own_trace_that_is_never_taken_does_not_hold_up_later_ones() {
    let (unit, server) = (Unit::new(), backend_that_fails_with_bad_traces());
    let destination = server.destination();
    for number in 1..6 {
        unit.dispatch(&format!("bad {number}"), Some(&destination));
    }
    let report = unit.dispatch("a", Some(&destination));
    assert_eq!((report.delivered, report.waiting), (1, 5), "{report:?}");
}

#[test]
fn outage_costs_two_requests_per_dispatch_and_what_waited_is_sent_oldest_first() {
    let works = Arc::new(AtomicBool::new(false));
    let backend = Arc::clone(&works);
    let server =
        Server::scripted(
            move |_, _| {
                if backend.load(Ordering::SeqCst) { Reply::OK } else { Reply::status(503) }
            },
        );
    let unit = Unit::new();
    // Each attempt has all the time.
    unit.clock.draw.set(0);
    let texts: Vec<_> = (0..20).map(|number| format!("trace {number:02}")).collect();
    for text in &texts[..19] {
        let before = server.texts().len();
        let report = unit.dispatch(text, Some(&server.destination()));
        assert!(report.buffered && server.texts().len() - before <= 2, "{report:?}");
    }
    assert_eq!(unit.backoff().failures, 19);
    works.store(true, Ordering::SeqCst);
    let before = server.texts().len();
    let report = unit.dispatch(&texts[19], Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (20, 0), "{report:?}");
    assert_eq!(server.texts()[before..], texts);
    assert_eq!(unit.backoff(), Backoff::default(), "nothing is left to be known");
}

#[test]
fn trace_on_which_the_connection_always_breaks_does_not_hold_up_the_others() {
    let server = Server::scripted(|_, request| match request.text() {
        text if text.starts_with("bad") => Reply::Close,
        _ => Reply::OK,
    });
    let (unit, destination) = (Unit::new(), server.destination());
    unit.store(&["bad"]);
    for number in 1..4 {
        let report = unit.dispatch("a", Some(&destination));
        assert_eq!((report.delivered, report.waiting), (0, number + 1), "it may be the backend: {report:?}");
    }
    let report = unit.dispatch("b", Some(&destination));
    assert_eq!((report.delivered, report.waiting), (4, 1), "{report:?}");
}

#[test]
fn backend_that_is_silent_costs_two_requests_per_dispatch_at_most() {
    let (unit, server) = (Unit::new(), Server::always(Reply::Close));
    for number in 1..6 {
        let before = server.texts().len();
        let report = unit.dispatch("a", Some(&server.destination()));
        assert_eq!((report.delivered, report.waiting), (0, number), "{report:?}");
        let most = if number <= 3 { 1 } else { 2 };
        assert!(server.texts().len() - before <= most, "{report:?}");
    }
}

#[test]
fn budget_that_is_spent_says_nothing_about_the_trace_that_was_next() {
    let server = Server::scripted(|number, _| match number {
        0 => Reply::status(503),
        _ => Reply::Slow(Duration::from_millis(150)),
    });
    let mut unit = Unit::new();
    unit.budget = TimeBudget { per_request: Duration::from_secs(1), total: Duration::from_secs(1) };
    unit.store(&["x"; 20]);
    assert_eq!(unit.dispatch("y", Some(&server.destination())).delivered, 0);
    let known = unit.backoff().kept;
    assert_eq!(known.len(), 1);
    let report = unit.dispatch("y", Some(&server.destination()));
    assert!(report.delivered > 0 && report.waiting > 0, "{report:?}");
    assert!(unit.backoff().kept.is_empty(), "{report:?}");
}

#[test]
fn known_trace_stays_known_if_no_time_is_left_for_it() {
    let server = Server::scripted(|_, request| match request.text() {
        text if text.starts_with("bad") => Reply::status(503),
        // After that nothing more is begun.
        _ => Reply::Slow(Duration::from_millis(600)),
    });
    let destination = server.destination();
    let mut unit = Unit::new();
    unit.budget = TimeBudget { per_request: Duration::from_secs(1), total: Duration::from_secs(1) };
    // After two failures the attempt has all the time.
    unit.clock.draw.set(0);
    for text in ["bad 1", "bad 2"] {
        assert!(unit.dispatch(text, Some(&destination)).buffered);
    }
    for _ in 0..3 {
        let report = unit.dispatch("a", Some(&destination));
        assert_eq!((report.delivered, report.waiting), (1, 2), "{report:?}");
        assert_eq!(unit.backoff().kept.len(), 2);
    }
}
