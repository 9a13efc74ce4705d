use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::prelude::*;
use prost::Message as _;

use super::*;

/// Makes a request with the given number of spans in each scope of each resource, all with different names. Two
/// spans are large enough to be split.
fn request(resources: &[Vec<usize>]) -> ExportTraceServiceRequest {
    let mut names = (0..).map(|number| format!("span {number} {}", "x".repeat(SMALLEST_TO_SPLIT / 2)));
    let mut scope_spans = |number: usize, spans: usize| ScopeSpans {
        scope: Some(InstrumentationScope { name: format!("scope {number}"), ..Default::default() }),
        spans: names
            .by_ref()
            .take(spans)
            .map(|name| Span { span_id: vec![7; 8], name, ..Default::default() })
            .collect(),
        schema_url: format!("scope schema {number}"),
    };
    let resource_spans = resources.iter().enumerate().map(|(number, scopes)| ResourceSpans {
        resource: Some(Resource { dropped_attributes_count: 3, ..Default::default() }),
        scope_spans: scopes.iter().enumerate().map(|(number, spans)| scope_spans(number, *spans)).collect(),
        schema_url: format!("resource schema {number}"),
    });
    ExportTraceServiceRequest { resource_spans: resource_spans.collect() }
}

/// Returns every span, with its scope and resource.
fn spans_of(bytes: &[u8]) -> Vec<(ResourceSpans, ScopeSpans, Span)> {
    let request = ExportTraceServiceRequest::decode(bytes).expect("a request");
    let mut found = Vec::new();
    for resource in request.resource_spans {
        for scope in &resource.scope_spans {
            for span in &scope.spans {
                let bare = ScopeSpans { spans: Vec::new(), ..scope.clone() };
                let around = ResourceSpans { scope_spans: Vec::new(), ..resource.clone() };
                found.push((around, bare, span.clone()));
            }
        }
    }
    found
}

/// Makes an unknown field of somewhat more than the given number of bytes.
fn unknown_field(bytes: usize) -> Vec<u8> {
    let mut field = Vec::new();
    bytes_always(&mut field, 15, &vec![7; bytes]);
    field
}

#[test]
fn halves_have_what_is_around_their_spans_and_nothing_else() {
    let whole = request(&[vec![2, 1], vec![1]]);
    let [first, second] = halves(&whole.encode_to_vec()).expect("halves");
    let mut expected = whole.clone();
    expected.resource_spans.truncate(1);
    expected.resource_spans[0].scope_spans.truncate(1);
    assert_eq!(first, expected.encode_to_vec());
    let mut expected = whole;
    expected.resource_spans[0].scope_spans.remove(0);
    assert_eq!(second, expected.encode_to_vec());
}

#[test]
fn unknown_fields_are_in_both_halves() {
    let with_spans = |spans: usize| {
        let (mut scope, mut resource, mut request) = (Vec::new(), Vec::new(), unknown_field(5000));
        for _ in 0..spans {
            bytes_always(&mut scope, 2, b"a span");
        }
        scope.extend_from_slice(b"\x7d\x01\x02\x03\x04");
        bytes_always(&mut resource, 2, &scope);
        resource.extend_from_slice(b"\x78\x05");
        bytes_always(&mut request, 1, &resource);
        request
    };
    assert_eq!(halves(&with_spans(2)), Some([with_spans(1), with_spans(1)]));
}

#[test]
fn one_span_is_not_split_nor_is_a_small_request() {
    assert_eq!(halves(&request(&[vec![1]]).encode_to_vec()), None);
    let mut small = request(&[vec![2]]);
    assert!(halves(&small.encode_to_vec()).is_some());
    for span in &mut small.resource_spans[0].scope_spans[0].spans {
        span.name.truncate(1900);
    }
    assert_eq!(halves(&small.encode_to_vec()), None);
}

#[test]
fn bytes_that_are_no_request_are_not_split() {
    for bytes in [&b"spans"[..], b"\x0a\x05", b"\x0a\x01\xff", b"\x0a\x03\x12\x01\xff"] {
        let bytes = [&unknown_field(5000), bytes].concat();
        assert_eq!((spans(&bytes), halves(&bytes)), (None, None), "{bytes:?}");
    }
}

fn any_request() -> impl Strategy<Value = Vec<Vec<usize>>> {
    proptest::collection::vec(proptest::collection::vec(0..6_usize, 0..4), 0..4)
}

proptest! {
    #[test]
    fn halves_together_hold_every_span_once_and_in_order(shape in any_request()) {
        let bytes = request(&shape).encode_to_vec();
        let all = spans_of(&bytes);
        let Some(halves) = halves(&bytes) else {
            prop_assert!(all.len() < 2);
            return Ok(());
        };
        let [first, second] = halves.each_ref().map(|half| spans_of(half));
        prop_assert!(second.len() - first.len() <= 1);
        prop_assert_eq!(spans_of(&halves.concat()), &all[..], "one behind the other they are a request");
        prop_assert_eq!([first, second].concat(), all);
        for half in halves {
            prop_assert!(half.len() < bytes.len());
            let read = ExportTraceServiceRequest::decode(&*half).expect("a request");
            prop_assert_eq!(read.encode_to_vec(), half, "prost would write the same");
        }
    }

    #[test]
    fn any_bytes_are_split_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let bytes = [unknown_field(5000), bytes].concat();
        prop_assert_eq!(halves(&bytes).is_some(), spans(&bytes) > Some(1));
    }
}
