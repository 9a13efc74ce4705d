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
