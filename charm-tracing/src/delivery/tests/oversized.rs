//! Traces that are larger than what a backend takes at a time.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use super::server::Request;
use super::*;

const KIB: usize = 1024;

/// A trace whose spans have names of these lengths, which begin with their numbers.
fn trace_with(lengths: &[usize]) -> Trace {
    let spans = lengths.iter().enumerate().map(|(number, length)| Span {
        name: format!("{number} {}", "x".repeat(*length)),
        ..Span::default()
    });
    let scope_spans = vec![ScopeSpans { spans: spans.collect(), ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    Trace { payload: ExportTraceServiceRequest { resource_spans }.encode_to_vec(), ..trace("") }
}

/// The numbers of the spans of a request.
fn spans(request: &Request) -> Vec<usize> {
    let request = ExportTraceServiceRequest::decode(&*request.payload()).unwrap();
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
    let report = unit.dispatch_trace(&trace_with(&[50 * KIB; 8]), Some(&server.destination()));
    assert_eq!((report.delivered, report.refused, report.rejected_spans), (2, 0, 0), "{report:?}");
    assert!(!report.buffered && report.waiting == 0 && report.problem.is_none(), "{report:?}");
    let all: Vec<_> = (0..8).collect();
    let expected = [&all[..], &all[..4], &all[..2], &all[2..4], &all[4..6], &all[6..]];
    assert_eq!(requested_after(&server, 1), expected);
    assert_eq!(server.connections(), 1);
}

#[test]
fn is_given_up_only_as_far_as_no_part_is_small_enough() {
    let (unit, server) = (Unit::new(), limited(413, 140 * KIB));
    let report = unit.dispatch_trace(&trace_with(&[10, 200 * KIB, 10, 10]), Some(&server.destination()));
    assert_eq!((report.delivered, report.refused, report.rejected_spans), (1, 0, 1), "{report:?}");
    assert_eq!(report.last_refusal.as_deref(), Some("the backend answered 413"));
    assert_eq!(requested(&server), [&[0, 1, 2, 3][..], &[0, 1], &[0], &[1], &[2], &[3]]);
    assert_eq!(unit.dispatch("next", Some(&server.destination())).delivered, 1, "it is done with");
}

#[test]
fn is_refused_if_none_of_its_parts_is_small_enough() {
    let (unit, server) = (Unit::new(), Server::always(Reply::status(413)));
    let report = unit.dispatch_trace(&trace_with(&[100 * KIB; 2]), Some(&server.destination()));
    assert_eq!((report.delivered, report.refused, report.rejected_spans), (0, 1, 0), "{report:?}");
    assert_eq!((requested(&server).len(), report.waiting), (3, 0));

    let small = unit.dispatch_trace(&trace_with(&[KIB; 2]), Some(&server.destination()));
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
    let report = unit.dispatch_trace(&trace_with(&[50 * KIB; 4]), Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting, report.buffered), (0, 1, true), "{report:?}");
    assert_eq!(unit.buffer.backoff().unwrap().failures, 1, "counted from the part that was taken");
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
    let large = trace_with(&[50 * KIB; 4]);
    for unit in [None, Some(Unit::with_limits(10, 1000))] {
        let server = limited(413, 140 * KIB);
        let buffer = unit.as_ref().map(|unit| &unit.buffer);
        let budget = TimeBudget { per_request: Duration::from_secs(20), total: Duration::from_secs(40) };
        let report = deliver(&large, buffer, Some(&server.destination()), &budget, &SystemClock::new());
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
    let report = unit.dispatch_trace(&trace_with(&[600 * KIB; 16]), Some(&server.destination()));
    assert_eq!((report.delivered, report.refused, report.rejected_spans), (1, 0, 4), "{report:?}");
    let all: Vec<_> = (0..16).collect();
    assert_eq!(
        requested(&server),
        [&all[..], &all[..8], &all[..4], &all[4..8], &all[8..12], &all[12..]],
        "2.4 MiB are not too much"
    );
}

/// A limiter whose bucket is smaller than the trace; a proxy, or a slow network, that breaks off.
#[test]
fn what_never_passes_is_tried_in_halves() {
    for reply in [Reply::status(429), Reply::status(502), Reply::Close] {
        let server =
            Server::scripted(
                move |_, request| {
                    if request.payload().len() > 1500 * KIB { reply.clone() } else { Reply::OK }
                },
            );
        let unit = Unit::new();
        let large = trace_with(&[600 * KIB; 4]);
        assert!(unit.dispatch_trace(&large, None).buffered);
        let destination = server.destination();
        for failures in 1..=4 {
            let report = unit.dispatch("small", Some(&destination));
            assert_eq!((report.delivered, report.waiting), (0, failures + 1), "{report:?}");
            assert_eq!(unit.buffer.backoff().unwrap().failures, failures);
        }
        let report = unit.dispatch("small", Some(&destination));
        assert_eq!((report.delivered, report.waiting), (6, 0), "{report:?}");
        let requests: Vec<_> = server.requests().iter().take(6).map(spans).collect();
        let whole = vec![0, 1, 2, 3];
        assert_eq!(requests, [vec![whole; 4], vec![vec![0, 1], vec![2, 3]]].concat());
    }
}
