//! Backends, and what is between us and them, that do strange things with a connection. What holds for all: the time
//! stays within the budget, and nothing arrives twice unless its answer did not come.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::net::Shutdown;

use super::raw::{Connection, RawServer};
use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// One second and a half in all, which no test comes near to unless it has to.
fn hurried() -> Unit {
    let mut unit = Unit::new();
    unit.budget = TimeBudget { per_request: Duration::from_millis(500), total: Duration::from_millis(1500) };
    unit
}

/// A dispatch that must end within the budget, and what a busy machine adds to it: compressing what is large, above all.
fn dispatch_in_time(unit: &Unit, text: &str, destination: &Destination) -> DeliveryReport {
    let started = Instant::now();
    let report = unit.dispatch(text, Some(destination));
    let spent = started.elapsed();
    assert!(spent < unit.budget.total + Duration::from_secs(20), "{spent:?}");
    report
}

/// Too much for the buffers of a connection, and noise, so that it does not get smaller.
pub(super) fn large() -> String {
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 8).to_be_bytes().map(|byte| char::from(byte & 0x7f))
    });
    noise.take(6 << 17).flatten().collect()
}

fn drains_thirty(server: &RawServer) {
    let unit = Unit::new();
    let texts: Vec<_> = (0..30).map(|number| format!("trace {number}")).collect();
    unit.store(&texts[..29].iter().map(String::as_str).collect::<Vec<_>>());
    let report = unit.dispatch(&texts[29], Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (30, 0), "{report:?}");
    assert!(report.problem.is_none(), "{report:?}");
    // Two connections may be read at the same time.
    let arrived: BTreeSet<_> = server.texts().into_iter().collect();
    assert_eq!(arrived, texts.into_iter().collect());
}

/// As HTTP/1.1 has it, the connection would stay open.
#[test]
fn backend_that_closes_after_each_answer_without_a_word_gets_the_whole_queue() {
    let server = RawServer::new(|connection| {
        connection.request();
        connection.say(OK);
    });
    drains_thirty(&server);
    assert_eq!((server.texts().len(), server.connections()), (30, 30));
}

/// It may read one request more before we see it, and cannot acknowledge that.
#[test]
fn backend_that_closes_its_own_side_after_each_answer_gets_the_whole_queue() {
    let server = RawServer::new(|connection| {
        connection.request();
        connection.say(OK);
        connection.close_own_side();
        while connection.request().is_some() {}
    });
    drains_thirty(&server);
    assert!(server.texts().len() <= 31, "{:?}", server.texts());
    assert_eq!(server.connections(), 30);
}

/// Its patience ends in the moment in which the next request arrives.
#[test]
fn request_that_meets_a_closing_connection_is_sent_over_another_one() {
    let server = RawServer::new(|connection| {
        for number in 0..5 {
            if number == 4 {
                let _ = connection.stream.read(&mut [0; 10]);
            } else if connection.request().is_some() {
                connection.say(OK);
            }
        }
    });
    drains_thirty(&server);
    assert_eq!(
        (server.texts().len(), server.connections()),
        (30, 27),
        "after the first four each has its own"
    );
}

/// The request is sent again over another connection, or in the next dispatch if the connection was new.
#[test]
fn acknowledgement_that_is_lost_costs_one_record_sent_twice() {
    let server = RawServer::new(|connection| {
        for number in 0.. {
            if connection.request().is_none()
                || (connection.number, number) == (0, 1)
                || connection.number == 2
            {
                return;
            }
            connection.say(OK);
        }
    });
    let unit = Unit::new();
    unit.store(&["a", "b", "c", "d"]);
    let report = unit.dispatch("e", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting, report.buffered), (2, 3, true), "{report:?}");
    assert_eq!(server.texts(), ["a", "b", "b", "c"]);
    let report = unit.dispatch("f", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (4, 0), "{report:?}");
    assert_eq!(server.texts()[4..], ["c", "d", "e", "f"]);
}

#[test]
fn answer_that_comes_byte_by_byte_is_an_answer() {
    let server = RawServer::new(|connection| {
        while connection.request().is_some() {
            for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\x0a\x00" {
                connection.say([*byte]);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    let unit = Unit::new();
    unit.store(&["a"]);
    let report = unit.dispatch("b", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (2, 0), "{report:?}");
    assert_eq!(server.connections(), 1);
}

/// Each byte in time, the answer never.
#[test]
fn answer_that_comes_too_slowly_is_none() {
    let server = RawServer::new(|connection| {
        connection.request();
        connection.say("HTTP/1.1 200 OK\r\nx-slow: ");
        connection.go_on("x", Duration::from_millis(20));
    });
    let unit = hurried();
    unit.store(&["a"]);
    let report = dispatch_in_time(&unit, "b", &server.destination());
    assert_eq!((report.delivered, report.waiting, report.buffered), (0, 2, true), "{report:?}");
    assert!(problem(&report).ends_with(": there is no answer in time"), "{report:?}");
    assert_eq!(server.texts(), ["a"]);
}

#[test]
fn what_is_no_answer_leaves_everything_waiting() {
    for nonsense in
        ["SSH-2.0-OpenSSH_9.6\r\n", "HTTP/1.1 OK\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "\0\0\0\0\r\n\r\n"]
    {
        let server = RawServer::new(move |connection| {
            connection.request();
            connection.say(nonsense);
        });
        let unit = Unit::new();
        unit.store(&["a"]);
        let report = unit.dispatch("b", Some(&server.destination()));
        assert_eq!(
            (report.delivered, report.waiting, report.lost),
            (0, 2, false),
            "{nonsense:?}: {report:?}"
        );
        assert_eq!(server.texts(), ["a"], "{nonsense:?}");
    }
}

/// The status has been read: the backend has the trace.
#[test]
fn body_without_end_is_not_waited_for_longer_than_the_time_allows() {
    for (head, more) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n", "x"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
        ("HTTP/1.1 200 OK\r\n\r\n", "x"),
    ] {
        for pause in [Duration::from_millis(20), Duration::ZERO] {
            let server = RawServer::new(move |connection| {
                connection.request();
                connection.say(head);
                connection.go_on(more, pause);
            });
            let unit = hurried();
            let report = dispatch_in_time(&unit, "a", &server.destination());
            assert_eq!((report.delivered, report.waiting), (1, 0), "{head:?}: {report:?}");
            assert_eq!(server.texts(), ["a"]);
        }
    }
}

#[test]
fn body_that_cannot_be_read_is_none() {
    for body in [
        "transfer-encoding: chunked\r\n\r\nnonsense\r\n",
        "transfer-encoding: chunked\r\n\r\nfffffffffffffffffffff\r\n",
        "transfer-encoding: chunked\r\n\r\n-1\r\nx\r\n",
        "transfer-encoding: chunked\r\n\r\n5\r\nab",
        "content-length: 100\r\n\r\nshort",
    ] {
        let server = RawServer::new(move |connection| {
            connection.request();
            connection.say(format!("HTTP/1.1 200 OK\r\n{body}"));
        });
        let unit = Unit::new();
        unit.store(&["a"]);
        let report = unit.dispatch("b", Some(&server.destination()));
        assert_eq!((report.delivered, report.waiting), (2, 0), "{body:?}: {report:?}");
        assert_eq!(server.texts(), ["a", "b"], "{body:?}");
    }
}

#[test]
fn leave_to_continue_that_nobody_asked_for_is_passed_over() {
    let server = RawServer::new(|connection| {
        while connection.request().is_some() {
            connection.say("HTTP/1.1 100 Continue\r\n\r\n");
            connection.say(OK);
        }
    });
    let unit = Unit::new();
    unit.store(&["a"]);
    let report = unit.dispatch("b", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (2, 0), "{report:?}");
    assert_eq!(server.texts(), ["a", "b"]);
}

/// Breaks the connection by closing it while data is still on its way.
#[test]
fn answer_before_the_request_was_read_is_heard() {
    let answers = ["413 Too Large\r\n", "503 Busy\r\nretry-after: 60\r\n"];
    for (answer, refused, not_before) in [(answers[0], 1, 0), (answers[1], 0, 1_700_000_060_000)] {
        let server = RawServer::new(move |connection| {
            connection.say(format!("HTTP/1.1 {answer}content-length: 0\r\n\r\n"));
        });
        let unit = Unit::new();
        let report = unit.dispatch(&large(), Some(&server.destination()));
        assert_eq!((report.refused, report.waiting), (refused, 1 - refused), "{report:?}");
        assert_eq!(unit.backoff().not_before, not_before);
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn connection_that_breaks_in_the_middle_of_a_request_leaves_it_waiting() {
    let server = RawServer::new(|connection| {
        if connection.number == 0 {
            let _ = connection.stream.read(&mut [0; 1000]);
        } else {
            while connection.request().is_some() {
                connection.say(OK);
            }
        }
    });
    let unit = Unit::new();
    unit.store(&[&large()]);
    let report = unit.dispatch("b", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting, report.buffered), (0, 2, true), "{report:?}");
    assert_eq!((server.connections(), unit.backoff().failures), (1, 1));
    let said = problem(&report);
    assert!(said.contains("reset") || said.contains("Broken pipe"), "{said}");

    let report = unit.dispatch("c", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (3, 0), "{report:?}");
    assert_eq!(server.texts()[..2], ["b", "c"], "what may be too large to arrive in time comes last");
}

/// It takes a part of the request, and no more.
#[test]
fn backend_that_stops_reading_costs_at_most_the_budget() {
    let server = RawServer::new(|connection| {
        let _ = connection.stream.read(&mut [0; 1000]);
        connection.stay();
    });
    let unit = hurried();
    unit.store(&[&large()]);
    let report = dispatch_in_time(&unit, "b", &server.destination());
    assert_eq!((report.delivered, report.waiting), (0, 2), "{report:?}");
    assert_eq!(server.connections(), 1);
}

#[test]
fn backend_that_hangs_up_before_it_answers_leaves_everything_waiting() {
    let hang_ups: [fn(&mut Connection<'_>); 3] = [
        |connection| {
            connection.close_own_side();
            while connection.request().is_some() {}
        },
        |connection| connection.stream.get_ref().shutdown(Shutdown::Both).unwrap(),
        |connection| assert!(connection.say("HTTP/1.1 20")),
    ];
    for hang_up in hang_ups {
        let server = RawServer::new(move |connection| {
            connection.request();
            hang_up(connection);
        });
        let unit = Unit::new();
        unit.store(&["a"]);
        let report = unit.dispatch("b", Some(&server.destination()));
        assert_eq!((report.delivered, report.waiting, report.lost), (0, 2, false), "{report:?}");
        assert!(
            problem(&report).ends_with(": it has closed the connection instead of answering"),
            "{report:?}"
        );
        assert_eq!(server.texts(), ["a"]);
    }
}

/// Each of these is a success with all its headers.
#[test]
fn the_body_of_a_success_decides_nothing_and_is_not_waited_for() {
    let many = "x-header: one of many\r\n".repeat(200);
    let long = format!("x-long: {}\r\n", "x".repeat(20_000));
    let heads = [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(),
        "HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\n{\"partialSuccess\"".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{long}content-length: 0\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\n{many}content-length: 0\r\n\r\n"),
    ];
    for head in heads {
        let shown = head[..head.len().min(60)].to_owned();
        let server = RawServer::new(move |connection| {
            while connection.request().is_some() {
                connection.say(&head);
            }
        });
        let unit = Unit::new();
        unit.store(&["one", "two"]);
        let started = Instant::now();
        let report = unit.dispatch("three", Some(&server.destination()));
        assert_eq!((report.delivered, problem(&report)), (3, String::new()), "{shown}");
        assert_eq!(server.texts(), ["one", "two", "three"], "{shown}");
        // A request may take 20 s here.
        assert!(started.elapsed() < Duration::from_secs(10), "{shown}: {:?}", started.elapsed());
    }
}

#[test]
fn a_backend_that_does_not_take_gzip_gets_the_trace_as_it_is() {
    let server = Server::scripted(|_, request| match request.header("content-encoding") {
        Some(_) => Reply::status(415),
        None => Reply::OK,
    });
    let unit = Unit::new();
    let [first, second] = ["a", "b"].map(|text| text.repeat(100_000));
    unit.store(&[&first]);
    let report = unit.dispatch(&second, Some(&server.destination()));
    assert_eq!((report.delivered, report.refused), (2, 0), "{report:?}");
    let requests = server.requests();
    let encodings: Vec<_> = requests.iter().map(|request| request.header("content-encoding")).collect();
    assert_eq!(encodings, [Some("gzip"), None, None], "it is asked once");
    assert_eq!((requests[1].text(), requests[2].text()), (first, second));

    let server = Server::always(Reply::status(415));
    let report = unit.dispatch(&"c".repeat(100_000), Some(&server.destination()));
    assert_eq!((report.refused, report.waiting), (0, 1), "{report:?}");
    assert!(problem(&report).contains("answered 415"), "{report:?}");
}
