//! Reads the attributes of a request's spans.

use crate::protobuf::{Field, Fields, signed, walk};

/// The fields from a request to an attribute of a span.
const ATTRIBUTE: [u32; 4] = [1, 2, 2, 9];

/// Calls `each` with the key and the value of every attribute of a span that is a whole number, up to the first bytes that are
/// no message.
pub(crate) fn integers(request: &[u8], each: &mut dyn FnMut(&[u8], i64)) {
    let _ = walk(request, &ATTRIBUTE, &mut |message| attribute(message, each));
}

fn attribute(message: &[u8], each: &mut dyn FnMut(&[u8], i64)) {
    let (mut key, mut value) = (&[][..], None);
    for field in Fields::of(message).map_while(|field| field) {
        match field {
            (1, Field::Bytes(text)) => key = text,
            (2, Field::Bytes(any_value)) => {
                value = Fields::of(any_value).find_map(|field| match field {
                    Some((3, Field::Varint(number))) => Some(signed(number)),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    if let Some(value) = value {
        each(key, value);
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    fn read(request: &[u8]) -> Vec<(Vec<u8>, i64)> {
        let mut found = Vec::new();
        integers(request, &mut |key, value| found.push((key.to_vec(), value)));
        found
    }

    proptest! {
        #[test]
        fn whole_numbers_are_found_in_all_spans(
            spans in vec(vec((".{0,9}", any::<Result<i64, bool>>()), 0..4), 0..4),
        ) {
            let attribute = |(key, value): &(String, Result<i64, bool>)| {
                let value = value.map_or_else(Value::BoolValue, Value::IntValue);
                KeyValue { key: key.clone(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
            };
            let span = |span: &Vec<_>| Span { attributes: span.iter().map(attribute).collect(), ..Span::default() };
            let scope_spans = vec![ScopeSpans { spans: spans.iter().map(span).collect(), ..ScopeSpans::default() }];
            let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
            let request = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
            let numbers = spans.iter().flatten().filter_map(|(key, value)| {
                value.as_ref().ok().map(|value| (key.clone().into_bytes(), *value))
            });
            prop_assert_eq!(read(&request), numbers.collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_read(request: Vec<u8>) {
            read(&request);
        }
    }
}
