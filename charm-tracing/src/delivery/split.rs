//! A trace that is too large for the backend, in parts that each are a trace of their own with some of its spans.
//!
//! Works on the bytes of an OTLP `ExportTraceServiceRequest`: a span is copied as it is, and so is all that stands beside
//! the spans (resource, scope, schema URLs, fields that are not known here), which every part needs to be understood. The
//! spans of part `i` of `m` are those from `⌊i·n/m⌋` to `⌊(i+1)·n/m⌋` of `n`. So all parts together hold every span once,
//! and the boundaries of `m` parts are among those of `2m`: who has sent 3 of 4 parts goes on with the seventh of 8.

use std::ops::Range;

use crate::encode::protobuf::{Field, bytes_always, next_field};

/// Some of the spans of a request, as a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) request: Vec<u8>,
    pub(super) spans: usize,
}

/// Where the spans are: the numbers of `resource_spans` in a request, `scope_spans` in those, `spans` in those.
const SPANS: [u32; 3] = [1, 2, 2];

/// How many spans a request has. None if the bytes are no request.
pub(super) fn spans(request: &[u8]) -> Option<usize> {
    count(request, &SPANS)
}

/// The part `index` of `parts`. It has no spans if there are fewer of them than parts. None if the bytes are no request.
pub(super) fn part(request: &[u8], index: u16, parts: u16) -> Option<Part> {
    let spans = spans(request)?;
    let boundary = |index: usize| spans.saturating_mul(index) / usize::from(parts).max(1);
    let range = boundary(index.into())..boundary(usize::from(index) + 1);
    let mut request_of_part = Vec::with_capacity(request.len() / usize::from(parts).max(1));
    select(request, &SPANS, &mut 0, &range, &mut request_of_part)?;
    Some(Part { request: request_of_part, spans: range.len() })
}

fn count(mut message: &[u8], path: &[u32]) -> Option<usize> {
    let Some((field, below)) = path.split_first() else { return Some(1) };
    let mut found = 0;
    while !message.is_empty() {
        if let (number, Field::Bytes(inner), _) = next_field(&mut message)?
            && number == *field
        {
            found += count(inner, below)?;
        }
    }
    Some(found)
}

/// Copies a message without the spans outside of `range`, and without the messages that hold none but such. False if
/// nothing is left of the spans. `position` counts the spans that were passed.
fn select(
    mut message: &[u8],
    path: &[u32],
    position: &mut usize,
    range: &Range<usize>,
    out: &mut Vec<u8>,
) -> Option<bool> {
    let Some((field, below)) = path.split_first() else { return Some(false) };
    let mut any = false;
    while !message.is_empty() {
        let (number, value, raw) = next_field(&mut message)?;
        match value {
            Field::Bytes(_) if number == *field && below.is_empty() => {
                if range.contains(position) {
                    out.extend_from_slice(raw);
                    any = true;
                }
                *position += 1;
            }
            Field::Bytes(inner) if number == *field => {
                let mut kept = Vec::new();
                if select(inner, below, position, range, &mut kept)? {
                    bytes_always(out, number, &kept);
                    any = true;
                }
            }
            _ => out.extend_from_slice(raw),
        }
    }
    Some(any)
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    /// A request with so many spans in each scope of each resource, which all have names of their own.
    fn request(resources: &[Vec<usize>]) -> ExportTraceServiceRequest {
        let mut names = (0..).map(|number| format!("span {number}"));
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
            scope_spans: scopes
                .iter()
                .enumerate()
                .map(|(number, spans)| scope_spans(number, *spans))
                .collect(),
            schema_url: format!("resource schema {number}"),
        });
        ExportTraceServiceRequest { resource_spans: resource_spans.collect() }
    }

    /// Every span, with all that it is part of.
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

    fn parts(bytes: &[u8], parts: u16) -> Vec<Part> {
        (0..parts).map(|index| part(bytes, index, parts).expect("a request")).collect()
    }

    #[test]
    fn halves_have_what_is_around_their_spans_and_nothing_else() {
        let whole = request(&[vec![2, 1], vec![1]]);
        let halves = parts(&whole.encode_to_vec(), 2);
        let [first, second] = &halves[..] else { panic!("{halves:?}") };
        let mut expected = whole.clone();
        expected.resource_spans.truncate(1);
        expected.resource_spans[0].scope_spans.truncate(1);
        assert_eq!((&first.request, first.spans), (&expected.encode_to_vec(), 2));
        let mut expected = whole;
        expected.resource_spans[0].scope_spans.remove(0);
        assert_eq!((&second.request, second.spans), (&expected.encode_to_vec(), 2));
    }

    #[test]
    fn fewer_spans_than_parts_leave_parts_without_any() {
        let bytes = request(&[vec![3]]).encode_to_vec();
        let spans: Vec<_> = parts(&bytes, 4).iter().map(|part| part.spans).collect();
        assert_eq!(spans, [0, 1, 1, 1]);
        assert_eq!(part(&bytes, 0, 4).map(|part| part.request), Some(Vec::new()));
        assert_eq!(part(b"", 1, 2), Some(Part { request: Vec::new(), spans: 0 }));
    }

    #[test]
    fn what_is_not_known_here_is_in_every_part() {
        let scope = [&b"\x12\x02\x2a\x00"[..], b"\x12\x02\x2a\x00", b"\x7d\x01\x02\x03\x04"].concat();
        let mut resource = Vec::new();
        bytes_always(&mut resource, 2, &scope);
        resource.extend_from_slice(b"\x78\x05");
        let mut request = b"\x7a\x01x".to_vec();
        bytes_always(&mut request, 1, &resource);
        let half = b"\x7a\x01x\x0a\x0d\x12\x09\x12\x02\x2a\x00\x7d\x01\x02\x03\x04\x78\x05".to_vec();
        assert_eq!(parts(&request, 2), [0, 1].map(|_| Part { request: half.clone(), spans: 1 }));
    }

    #[test]
    fn what_is_no_request_has_no_parts() {
        for bytes in [&b"spans"[..], b"\x0a\x05", b"\x0a\x01\xff", b"\x0a\x03\x12\x01\xff"] {
            assert_eq!((spans(bytes), part(bytes, 0, 2)), (None, None), "{bytes:?}");
        }
    }

    fn any_request() -> impl Strategy<Value = Vec<Vec<usize>>> {
        proptest::collection::vec(proptest::collection::vec(0..6_usize, 0..4), 0..4)
    }

    proptest! {
        #[test]
        fn parts_together_hold_every_span_once_and_in_order(shape in any_request(), number in 1_u16..70) {
            let bytes = request(&shape).encode_to_vec();
            let parts = parts(&bytes, number);
            let found: Vec<_> = parts.iter().flat_map(|part| spans_of(&part.request)).collect();
            prop_assert_eq!(found, spans_of(&bytes));
            for part in &parts {
                prop_assert_eq!(spans_of(&part.request).len(), part.spans);
                prop_assert!(part.request.len() <= bytes.len());
                let read = ExportTraceServiceRequest::decode(&*part.request).expect("a request");
                prop_assert_eq!(read.encode_to_vec(), &part.request[..], "prost would write the same");
            }
        }

        #[test]
        fn two_of_twice_as_many_parts_are_one(shape in any_request(), exponent in 0_u32..6) {
            let bytes = request(&shape).encode_to_vec();
            let (few, many) = (parts(&bytes, 1 << exponent), parts(&bytes, 2 << exponent));
            for (one, two) in few.iter().zip(many.chunks(2)) {
                let both: Vec<_> = two.iter().flat_map(|part| spans_of(&part.request)).collect();
                prop_assert_eq!(spans_of(&one.request), both);
            }
        }

        #[test]
        fn sizes_of_parts_differ_by_one_span_at_most(shape in any_request(), number in 1_u16..70) {
            let bytes = request(&shape).encode_to_vec();
            let sizes: Vec<_> = parts(&bytes, number).iter().map(|part| part.spans).collect();
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            prop_assert!(most - least <= 1, "{sizes:?}");
            prop_assert_eq!(Some(sizes.iter().sum()), spans(&bytes));
        }

        #[test]
        fn any_bytes_are_split_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..60), index in 0_u16..4, parts in 1_u16..4,
        ) {
            let part = part(&bytes, index, parts);
            prop_assert_eq!(part.is_some(), spans(&bytes).is_some());
        }
    }
}
