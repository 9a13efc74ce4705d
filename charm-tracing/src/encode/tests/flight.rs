//! What a killed dispatch leaves against what it would have sent.

use std::collections::{BTreeMap, HashSet};

use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span, status::StatusCode};

use super::*;
use crate::encode::flight::{Left, Log, finished, left};

const NOW: u64 = 11_000_000_000_000_000_000;
const ROOT: u64 = u64::MAX;

/// What happened to a span before the dispatch was killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    BegunAndEnded,
    /// Between two writes.
    OnlyEnded,
    OnlyBegun,
}

fn root() -> Given {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    Given { site: Some(0), id: ROOT, parent: Some(7), start, end: start, details: None }
}

/// All begins first, then the ends.
fn log_of(given: &[(Given, Fate)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut log = Log::begin(&mut out, &resource(), &own_scope(), TRACE);
    log.open(&mut out, &root().record());
    for (given, _) in given.iter().filter(|(_, fate)| *fate != Fate::OnlyEnded) {
        log.open(&mut out, &given.record());
        log.moment(&mut out, NOW - 1, 0);
    }
    for (given, _) in given.iter().filter(|(_, fate)| *fate != Fate::OnlyBegun) {
        log.ended(&mut out, &given.record());
    }
    log.moment(&mut out, NOW, 0);
    out
}

/// By the name of their scope, of which there is one, and their ids.
fn spans(request: &[u8]) -> BTreeMap<(String, Vec<u8>), Span> {
    let request = ExportTraceServiceRequest::decode(request).expect("a request");
    let [resource] = &request.resource_spans[..] else {
        panic!("{} resources", request.resource_spans.len())
    };
    assert_eq!(resource.resource.as_ref().map(|resource| resource.attributes.len()), Some(2));
    let mut spans = BTreeMap::new();
    let of_scope = |scope: &ScopeSpans| scope.scope.clone().expect("a scope").name + &scope.schema_url;
    for scope in &resource.scope_spans {
        for span in &scope.spans {
            let twice = spans.insert((of_scope(scope), span.span_id.clone()), span.clone());
            assert!(twice.is_none(), "{span:?} is there twice");
        }
    }
    spans
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![Just(Fate::BegunAndEnded), Just(Fate::OnlyEnded), Just(Fate::OnlyBegun)]
}

proptest! {
    #[test]
    fn what_is_left_is_what_would_have_been_sent(
        given in vec((given(), fate()), 0..8).prop_filter("ids", |given| {
            given.iter().map(|(given, _)| given.id).collect::<HashSet<_>>().len() == given.len()
        }),
    ) {
        let mut left = spans(&left(&log_of(&given)).unwrap().request);
        let all: Vec<_> = given.iter().map(|(given, _)| given.clone()).chain([root()]).collect();
        let ids: HashSet<_> = all.iter().map(|given| given.id.to_be_bytes().to_vec()).collect();
        let mut sent = spans(&ours(&all));
        prop_assert_eq!(left.len(), sent.len());
        for ((key, left), sent) in left.iter_mut().zip(sent.values_mut()) {
            let ended = given.iter().any(|(given, fate)| {
                *fate != Fate::OnlyBegun && given.id.to_be_bytes()[..] == key.1
            });
            if !ended {
                prop_assert_eq!(left.end_time_unix_nano, NOW.max(left.start_time_unix_nano));
                let status = left.status.take().unwrap();
                prop_assert_eq!((status.code(), &*status.message), (StatusCode::Error, "interrupted"));
                (left.end_time_unix_nano, left.status) = (sent.end_time_unix_nano, sent.status.clone());
            }
            let is_root = left.span_id == ROOT.to_be_bytes();
            let remote = left.flags & 0x200 != 0;
            let ours = left.trace_id == TRACE.id.to_bytes();
            if !is_root && !remote && ours && !sent.parent_span_id.is_empty() && !ids.contains(&sent.parent_span_id) {
                sent.parent_span_id = ROOT.to_be_bytes().to_vec();
            }
            // Written and read again, numbers that are none are equal.
            prop_assert_eq!(left.encode_to_vec(), sent.encode_to_vec());
        }
    }

    #[test]
    fn arbitrary_bytes_leave_a_trace_or_none(log in vec(any::<u8>(), 0..200)) {
        let _ = left(&log);
    }

    #[test]
    fn what_is_cut_off_or_damaged_leaves_a_trace_or_none(
        given in vec((given(), fate()), 0..4), end in any::<proptest::sample::Index>(), bit in 0_u8..8,
    ) {
        let mut log = log_of(&given);
        let end = end.index(log.len());
        log[end] ^= 1 << bit;
        let _ = left(&log);
        let _ = left(&log[..end]);
    }
}

#[test]
fn the_root_says_how_many_spans_there_was_no_room_for() {
    let mut log = Vec::new();
    let mut writer = Log::begin(&mut log, &resource(), &own_scope(), TRACE);
    writer.open(&mut log, &root().record());
    for turned_away in [0, 3, 9] {
        writer.moment(&mut log, NOW, turned_away);
    }
    let left = left(&log).unwrap();
    assert_eq!((left.trace_id, left.boring), (TRACE.id.to_bytes(), false));
    let spans = spans(&left.request);
    let root = spans.values().next().unwrap();
    let count =
        root.attributes.iter().find(|attribute| attribute.key == "charm_tracing.dropped_spans").unwrap();
    assert!(format!("{count:?}").contains("IntValue(9)"), "{count:?}");
}

#[test]
fn a_finished_trace_is_left_as_it_is() {
    let mut log = log_of(&[]);
    finished(&mut log, b"a request", [7; 16], true);
    let expected = Left { request: b"a request".to_vec(), trace_id: [7; 16], boring: true };
    assert_eq!(left(&log), Some(expected));
}

#[test]
fn without_a_span_nothing_is_left() {
    let mut log = Vec::new();
    Log::begin(&mut log, &resource(), &own_scope(), TRACE);
    assert_eq!(left(&log), None);
    assert_eq!(left(b""), None);
}

/// A dispatch that is killed between the end of its root, which says it, and its record.
#[test]
fn the_root_that_has_ended_says_it_once() {
    let key = "charm_tracing.dropped_spans";
    let mut root = root().record();
    let mut log = Vec::new();
    let mut writer = Log::begin(&mut log, &resource(), &own_scope(), TRACE);
    writer.open(&mut log, &root);
    writer.moment(&mut log, NOW, 9);
    root.details = Some(Box::new(Details::named("root", vec![KeyValue::new(key, 9)])));
    writer.ended(&mut log, &root);
    let spans = spans(&left(&log).unwrap().request);
    let root = spans.values().next().unwrap();
    assert_eq!(root.attributes.iter().filter(|attribute| attribute.key == key).count(), 1);
}

/// A span whose end the OpenTelemetry API was told (or the wall clock before it was set right) is in the future.
#[test]
fn open_spans_end_when_the_dispatch_last_wrote() {
    let mut log = Vec::new();
    let mut writer = Log::begin(&mut log, &resource(), &own_scope(), TRACE);
    writer.open(&mut log, &root().record());
    let hour = 3_600_000_000_000;
    writer.moment(&mut log, NOW + hour, 0);
    writer.moment(&mut log, NOW, 0);
    let spans = spans(&left(&log).unwrap().request);
    assert_eq!(spans.values().next().unwrap().end_time_unix_nano, NOW);
}
