//! The trace that a journal leaves is compared with the trace that the dispatch would have sent.

use std::collections::{BTreeMap, HashSet};

use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};

use super::*;
use crate::otlp::journal_format::{Records, interrupted};
use crate::recorder::JournalFormat as _;

const ROOT: u64 = u64::MAX;

/// The records of a span that were written before the dispatch was killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    BegunAndEnded,
    /// The span has begun and ended between two writes.
    OnlyEnded,
    OnlyBegun,
}

fn root() -> Given {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    Given { site: Some(0), id: ROOT, parent: Some(7), start, end: start, details: None }
}

/// Writes a journal, and returns where its records end. All spans begin before the first of them ends.
fn journal_of(given: &[(Given, Fate)]) -> (Vec<u8>, Vec<usize>) {
    let mut out = Vec::new();
    let mut records = Records::begin(&mut out, &resource(), &own_scope(), TRACE);
    let mut ends = vec![out.len()];
    records.write(&mut out, &root().record(), false);
    ends.push(out.len());
    for (given, _) in given.iter().filter(|(_, fate)| *fate != Fate::OnlyEnded) {
        records.write(&mut out, &given.record(), false);
        ends.push(out.len());
    }
    for (given, _) in given.iter().filter(|(_, fate)| *fate != Fate::OnlyBegun) {
        records.write(&mut out, &given.record(), true);
        ends.push(out.len());
    }
    (out, ends)
}

/// Decodes the spans of a request, by the names of their scopes and their ids.
fn spans(request: &[u8]) -> BTreeMap<(String, Vec<u8>), Span> {
    let request = ExportTraceServiceRequest::decode(request).expect("a request");
    let [resource] = &request.resource_spans[..] else {
        panic!("{} resources", request.resource_spans.len())
    };
    assert_eq!(resource.resource.as_ref().map(|resource| resource.attributes.len()), Some(2));
    let mut spans = BTreeMap::new();
    for scope in &resource.scope_spans {
        let name = scope.scope.clone().expect("a scope").name + &scope.schema_url;
        for span in &scope.spans {
            let twice = spans.insert((name.clone(), span.span_id.clone()), span.clone());
            assert!(twice.is_none(), "{span:?} is there twice");
        }
    }
    spans
}

/// Decodes the spans that a journal leaves.
fn left(journal: &[u8]) -> BTreeMap<(String, Vec<u8>), Span> {
    let left = interrupted(journal).map(|left| {
        assert_eq!(left.root, ROOT.to_be_bytes());
        spans(&left.request)
    });
    left.unwrap_or_default()
}

fn is_interrupted(span: &Span) -> bool {
    span.status
        .as_ref()
        .is_some_and(|status| (status.code(), &*status.message) == (StatusCode::Error, "interrupted"))
}

fn all_given() -> impl Strategy<Value = Vec<(Given, Fate)>> {
    let fate = prop_oneof![Just(Fate::BegunAndEnded), Just(Fate::OnlyEnded), Just(Fate::OnlyBegun)];
    vec((given(), fate), 0..8).prop_filter("ids", |given| {
        given.iter().map(|(given, _)| given.id).collect::<HashSet<_>>().len() == given.len()
    })
}

proptest! {
    #[test]
    fn what_is_left_is_what_would_have_been_sent(given in all_given()) {
        let mut left = left(&journal_of(&given).0);
        let all: Vec<_> = given.iter().map(|(given, _)| given.clone()).chain([root()]).collect();
        let ids: HashSet<_> = all.iter().map(|given| given.id.to_be_bytes().to_vec()).collect();
        let mut sent = spans(&ours(&all));
        prop_assert_eq!(left.keys().collect::<Vec<_>>(), sent.keys().collect::<Vec<_>>());
        let moments = given.iter().map(|(given, fate)| {
            if *fate == Fate::OnlyBegun { given.start } else { given.end.max(given.start) }
        });
        let last = unix_nanos(moments.max().into_iter().fold(root().start, SystemTime::max));
        for ((key, left), sent) in left.iter_mut().zip(sent.values_mut()) {
            let ended = given.iter().any(|(given, fate)| {
                *fate != Fate::OnlyBegun && given.id.to_be_bytes()[..] == key.1
            });
            if !ended {
                prop_assert!(is_interrupted(left));
                let error_type = left.attributes.pop().map(|attribute| (attribute.key, format!("{:?}", attribute.value)));
                prop_assert!(error_type.is_some_and(|(key, value)| key == "error.type" && value.contains("interrupted")));
                prop_assert_eq!(left.end_time_unix_nano, last);
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
    fn damaged_bytes_yield_no_span_that_was_not_written(
        given in all_given(), damage in vec((any::<prop::sample::Index>(), 1_u8..), 1..5),
    ) {
        let (mut journal, _) = journal_of(&given);
        let whole = left(&journal);
        for (at, change) in damage {
            let at = at.index(journal.len());
            journal[at] ^= change;
        }
        for (key, span) in left(&journal) {
            let written = whole.get(&key);
            prop_assert!(written.is_some_and(|written| (&written.name, &written.events) == (&span.name, &span.events)));
        }
    }

    #[test]
    fn arbitrary_bytes_leave_a_trace_or_none(journal in vec(any::<u8>(), 0..200)) {
        let _ = interrupted(&journal);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// A journal that is cut off leaves the trace of the whole records before the cut.
    #[test]
    fn torn_journal_is_a_prefix_of_its_records(given in all_given()) {
        let (journal, ends) = journal_of(&given);
        let mut whole = None;
        for cut in 0..=journal.len() {
            if ends.contains(&cut) {
                whole = interrupted(&journal[..cut]);
                prop_assert_eq!(whole.is_some(), cut >= ends[1]);
            }
            prop_assert_eq!(&interrupted(&journal[..cut]), &whole, "cut at {}", cut);
        }
    }
}

#[test]
fn spans_of_scopes_that_alternate_are_in_their_own() {
    let details = |scope| GivenDetails { scope: Some(scope), ..GivenDetails::default() };
    let given = |id: u64| {
        let details = (!id.is_multiple_of(3)).then(|| details(usize::try_from(id % 3).unwrap()));
        Given { id, parent: Some(ROOT), details, ..root() }
    };
    let given: Vec<_> = (1..=64).map(|id| (given(id), Fate::BegunAndEnded)).collect();
    let left = left(&journal_of(&given).0);
    let scopes = scopes();
    for id in 1..=64_u64 {
        let scope = &scopes[usize::try_from(id % 3).unwrap()];
        let key = scope.name().to_owned() + scope.schema_url().unwrap_or_default();
        assert!(left.contains_key(&(key, id.to_be_bytes().to_vec())), "{id}");
    }
    assert_eq!(left.len(), 65);
}

#[test]
fn nothing_is_left_without_a_span() {
    assert_eq!(interrupted(b""), None);
    let mut journal = Vec::new();
    Records::begin(&mut journal, &resource(), &own_scope(), TRACE);
    assert_eq!(interrupted(&journal), None);
}
