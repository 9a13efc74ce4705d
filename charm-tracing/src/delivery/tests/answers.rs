//! The meaning of an answer for the traces that wait.

use super::*;

/// Thirty traces that wait.
fn backlog() -> Unit {
    let unit = Unit::new();
    unit.store(&["x"; 30]);
    unit
}

#[test]
fn every_answer_that_does_not_blame_the_trace_keeps_the_backlog() {
    let kept = [
        300, 301, 302, 303, 307, 308, 401, 402, 403, 404, 405, 408, 409, 410, 411, 415, 421, 425, 426, 429,
        431, 451, 500, 501, 502, 503, 504, 507, 511, 599,
    ];
    for status in kept {
        let (unit, server) = (backlog(), Server::always(Reply::status(status)));
        let report = unit.dispatch("y", Some(&server.destination()));
        assert_eq!(
            (report.delivered, report.refused, report.waiting, report.buffered),
            (0, 0, 31, true),
            "{status}"
        );
        let report = unit.dispatch("z", Some(&server.destination()));
        assert_eq!((report.delivered, report.refused, report.waiting), (0, 0, 32), "{status}: {report:?}");
        assert!(problem(&report).contains(&status.to_string()), "{report:?}");
        assert_eq!(unit.queue.state().unwrap().losses, Losses::default(), "{status}");
    }
}

#[test]
fn answer_that_blames_the_trace_drops_and_counts_that_one() {
    for status in [400, 422] {
        let server =
            Server::scripted(move |number, _| if number == 0 { Reply::status(status) } else { Reply::OK });
        let unit = backlog();
        let report = unit.dispatch("y", Some(&server.destination()));
        assert_eq!((report.delivered, report.refused, report.waiting), (30, 1, 0), "{status}: {report:?}");
        assert!(report.problem.is_none() && report.last_refusal.is_some(), "{report:?}");
        let losses = Losses { refused_traces: 1, ..Losses::default() };
        assert_eq!(unit.queue.state().unwrap().losses, losses, "{status}");
    }
}
