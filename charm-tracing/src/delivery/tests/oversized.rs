//! Traces that are larger than what a backend takes at a time.

use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use super::server::Request;
use super::*;

const KIB: usize = 1024;

/// A trace whose spans have names of these lengths, which begin with their numbers.
fn request_with(lengths: &[usize]) -> Vec<u8> {
    let spans = lengths.iter().enumerate().map(|(number, length)| Span {
        name: format!("{number} {}", "x".repeat(*length)),
        ..Span::default()
    });
    let scope_spans = vec![ScopeSpans { spans: spans.collect(), ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

/// The numbers of the spans of a request.
fn spans(request: &Request) -> Vec<usize> {
    numbers(&request.payload())
}

fn numbers(request: &[u8]) -> Vec<usize> {
    let request = ExportTraceServiceRequest::decode(request).unwrap();
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    let names = scopes.flat_map(|scope| &scope.spans).map(|span| &span.name);
    names.map(|name| name.split_once(' ').unwrap().0.parse().unwrap()).collect()
}

fn requested(server: &Server) -> Vec<Vec<usize>> {
    requested_after(server, 0)
}

fn requested_after(server: &Server, skipped: usize) -> Vec<Vec<usize>> {
    server.requests()[skipped..].iter().map(spans).collect()
}

/// Refuses with this status what is larger than the limit.
fn limited(status: u16, limit: usize) -> Server {
    Server::scripted(
        move |_, request| {
            if request.payload().len() > limit { Reply::status(status) } else { Reply::OK }
        },
    )
}

#[test]
fn is_sent_in_parts_that_are_small_enough() {
    let (unit, server) = (Unit::new(), limited(413, 140 * KIB));
    unit.store(&["before"]);
    let report = unit.dispatch_request(&request_with(&[50 * KIB; 8]), Some(&server.destination()));
    assert_eq!((report.delivered, report.refused, report.rejected_spans), (2, 0, 0), "{report:?}");
    assert!(!report.buffered && report.waiting == 0 && report.problem.is_none(), "{report:?}");
    let all: Vec<_> = (0..8).collect();
    let expected = [&all[..], &all[..4], &all[..2], &all[2..4], &all[4..6], &all[6..]];
    assert_eq!(requested_after(&server, 1), expected);
    assert_eq!(server.connections(), 1);
}

#[test]
fn parts_that_were_taken_from_memory_are_neither_stored_nor_sent_again() {
    // The whole trace is too large for the queue, its second half is not.
    let unit = Unit::with_limits(100, 150 * KIB as u64);
    let server = Server::scripted(|number, request| match (number, request.payload().len()) {
        (_, len) if len > 140 * KIB => Reply::status(413),
        (2.., _) => Reply::status(503),
        _ => Reply::OK,
    });
    let request = request_with(&[50 * KIB; 4]);
    let report = unit.dispatch_request(&request, Some(&server.destination()));
    assert_eq!((report.delivered, report.buffered, report.lost), (0, true, false), "{report:?}");
    assert_eq!(requested(&server), [&[0, 1, 2, 3][..], &[0, 1], &[2, 3]]);
    assert_eq!(unit.waiting().iter().map(|request| numbers(request)).collect::<Vec<_>>(), [[2, 3]]);
}

#[test]
fn is_given_up_only_as_far_as_no_part_is_small_enough() {
    let (unit, server) = (Unit::new(), limited(413, 140 * KIB));
    let report = unit.dispatch_request(&request_with(&[10, 200 * KIB, 10, 10]), Some(&server.destination()));
    assert_eq!((report.delivered, report.refused, report.rejected_spans), (1, 0, 1), "{report:?}");
    assert_eq!(report.last_refusal.as_deref(), Some("the backend answered 413"));
    assert_eq!(requested(&server), [&[0, 1, 2, 3][..], &[0, 1], &[0], &[1], &[2, 3]]);
    assert_eq!(unit.dispatch("next", Some(&server.destination())).delivered, 1, "it is done with");
}

#[test]
fn is_refused_if_none_of_its_parts_is_small_enough() {
    let (unit, server) = (Unit::new(), Server::always(Reply::status(413)));
    let report = unit.dispatch_request(&request_with(&[100 * KIB; 2]), Some(&server.destination()));
    assert_eq!((report.delivered, report.refused, report.rejected_spans), (0, 1, 0), "{report:?}");
    assert_eq!((requested(&server).len(), report.waiting), (3, 0));

    let small = unit.dispatch_request(&request_with(&[KIB; 2]), Some(&server.destination()));
    assert_eq!((small.refused, small.waiting), (1, 0), "{small:?}");
    assert_eq!(requested(&server).len(), 4, "that is not its size");
}

#[test]
fn goes_on_in_the_next_dispatch_where_it_stopped() {
    let server = Server::scripted(|number, request| match (number, request.payload().len()) {
        (0, 2000..) => Reply::status(413),
        (2 | 4, _) => Reply::status(503),
        _ => Reply::OK,
    });
    let unit = Unit::new();
    let report = unit.dispatch_request(&request_with(&[50 * KIB; 4]), Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting, report.buffered), (0, 1, true), "{report:?}");
    assert_eq!(unit.backoff().failures, 0, "a part was taken");
    let report = unit.dispatch("second", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (1, 1), "{report:?}");
    let report = unit.dispatch("third", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (2, 0), "{report:?}");
    assert_eq!(
        server.requests()[..4].iter().map(spans).collect::<Vec<_>>(),
        [&[0, 1, 2, 3][..], &[0, 1], &[2, 3], &[2, 3]]
    );
    assert_eq!(server.texts()[4..], ["second", "second", "third"]);
}

#[test]
fn that_is_not_stored_is_split_all_the_same() {
    let bytes = request_with(&[50 * KIB; 4]);
    let bytes = bytes.as_slice();
    for unit in [None, Some(Unit::with_limits(10, 1000))] {
        let server = limited(413, 140 * KIB);
        let queue = unit.as_ref().map(|unit| &unit.queue);
        let destination = Some(server.destination());
        let report = deliver(trace(bytes), queue, destination.as_ref(), &LONG, &SystemClock::new());
        assert_eq!((report.delivered, report.lost), (1, false), "{report:?}");
        assert_eq!(requested(&server), [&[0, 1, 2, 3][..], &[0, 1], &[2, 3]]);
    }
}

/// Tempo answers 400 to what it finds too large, as to what it cannot read.
#[test]
fn bad_request_is_split_as_long_as_it_may_be_for_its_size() {
    let server = Server::scripted(
        |_, request| {
            if spans(request).contains(&5) { Reply::status(400) } else { Reply::OK }
        },
    );
    let unit = Unit::new();
    let report = unit.dispatch_request(&request_with(&[600 * KIB; 16]), Some(&server.destination()));
    assert_eq!((report.delivered, report.refused, report.rejected_spans), (1, 0, 4), "{report:?}");
    let all: Vec<_> = (0..16).collect();
    assert_eq!(
        requested(&server),
        [&all[..], &all[..8], &all[..4], &all[4..8], &all[8..12], &all[12..]],
        "2.4 MiB are not too much"
    );
}

/// Answers 429 to what is larger than its bucket of 20 kB.
fn limiter(headers: &'static str) -> Server {
    Server::scripted(move |_, request| {
        if request.payload().len() > 20_000 { Reply::Answer(429, headers, Vec::new()) } else { Reply::OK }
    })
}

/// Checks that each span of a trace was taken once, in requests of at most so many bytes. Small traces are text.
fn all_were_taken_once(server: &Server, spans_of_trace: usize, limit: usize) {
    let requests = server.requests();
    let taken = requests.iter().filter(|request| request.payload().len() <= limit);
    let taken = taken.filter(|request| !request.payload().starts_with(b"small"));
    let numbers: Vec<_> = taken.flat_map(spans).collect();
    assert_eq!(numbers, (0..spans_of_trace).collect::<Vec<_>>());
}

#[test]
fn does_not_hold_up_others_and_passes_a_rate_limiter_in_parts() {
    for headers in ["", "retry-after: 60\r\n"] {
        let (unit, server) = (Unit::new(), limiter(headers));
        assert!(unit.dispatch_request(&request_with(&[1000; 64]), None).buffered);
        let report = unit.dispatch("small", Some(&server.destination()));
        assert_eq!((report.delivered, report.waiting), (0, 2), "it may be the backend: {report:?}");
        unit.pass(Duration::from_secs(61));
        let report = unit.dispatch("small", Some(&server.destination()));
        assert_eq!((report.delivered, report.waiting), (3, 0), "{report:?}");
        assert_eq!((report.rejected_spans, report.refused), (0, 0), "{report:?}");
        all_were_taken_once(&server, 64, 20_000);
    }
}

#[test]
fn of_this_dispatch_passes_a_rate_limiter_in_parts_now_or_after_the_pause_that_was_asked_for() {
    for (headers, at_once) in [("", true), ("retry-after: 60\r\n", false)] {
        let (unit, server) = (Unit::new(), limiter(headers));
        unit.store(&["small"]);
        let report = unit.dispatch_request(&request_with(&[1000; 64]), Some(&server.destination()));
        let waiting = u32::from(!at_once);
        assert_eq!((report.delivered, report.waiting), (2 - waiting, waiting), "{report:?}");
        unit.pass(Duration::from_secs(76));
        let report = unit.dispatch("small", Some(&server.destination()));
        assert_eq!((report.delivered, report.waiting), (1 + waiting, 0), "{report:?}");
        all_were_taken_once(&server, 64, 20_000);
    }
}

/// A proxy, or a slow network, that breaks off.
#[test]
fn that_is_never_answered_holds_up_none_and_is_sent_in_parts_once_others_were_taken() {
    const PART: usize = 256 * KIB;

    let server = Server::scripted(|_, request| match request.payload().len() {
        0..=PART => Reply::OK,
        _ => Reply::Hang,
    });
    let mut unit = Unit::new();
    unit.budget = TimeBudget { per_request: Duration::from_secs(1), total: Duration::from_secs(20) };
    assert!(unit.dispatch_request(&request_with(&[25 * KIB; 60]), None).buffered);
    let report = unit.dispatch("small", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (0, 2), "it may be the backend: {report:?}");
    let report = unit.dispatch("small", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (3, 0), "{report:?}");
    assert!(report.problem.is_none(), "{report:?}");
    assert_eq!(server.texts()[1..3], ["small", "small"]);
    all_were_taken_once(&server, 60, PART);
}

/// A process that dies leaves what is on the disk at that moment, so the backend looks there at each request.
#[test]
fn what_was_taken_of_it_is_not_on_the_disk_any_more() {
    let unit = Unit::new();
    let (path, left) = (unit.path.clone(), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&left);
    let server = Server::scripted(move |_, request| {
        let entries = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
        let mut files = entries.filter(|file| file.extension().is_some_and(|extension| extension == "otlp"));
        let file = std::fs::read(files.next().unwrap()).unwrap();
        assert!(files.next().is_none());
        seen.lock().unwrap().push((numbers(&file), spans(request)));
        if request.payload().len() > 70 * KIB { Reply::status(413) } else { Reply::OK }
    });
    let report = unit.dispatch_request(&request_with(&[20 * KIB; 8]), Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (1, 0), "{report:?}");
    let expected = [(0..8, 0..8), (0..8, 0..4), (0..8, 0..2), (2..8, 2..4), (4..8, 4..6), (6..8, 6..8)];
    let expected = expected.map(|(left, sent)| (left.collect::<Vec<_>>(), sent.collect::<Vec<_>>()));
    assert_eq!(*left.lock().unwrap(), expected);
}

#[test]
fn is_not_sent_again_as_far_as_it_was_taken_before_the_budget_was_spent() {
    let server = Server::scripted(|_, request| {
        if request.payload().len() > 35 * KIB {
            Reply::status(413)
        } else {
            Reply::Slow(Duration::from_millis(100))
        }
    });
    let mut unit = Unit::new();
    unit.budget = TimeBudget { per_request: Duration::from_millis(700), total: Duration::from_millis(700) };
    let report = unit.dispatch_request(&request_with(&[20 * KIB; 16]), Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting, report.buffered), (0, 1, true), "{report:?}");
    assert!(report.arrives && report.problem.is_none(), "{report:?}");
    let [rest] = &unit.waiting()[..] else { panic!("one trace waits") };
    let rest = numbers(rest);
    assert!(rest.len() < 16 && rest == (16 - rest.len()..16).collect::<Vec<_>>(), "{rest:?}");

    unit.budget = LONG;
    let report = unit.dispatch("small", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (2, 0), "{report:?}");
    all_were_taken_once(&server, 16, 35 * KIB);
}
