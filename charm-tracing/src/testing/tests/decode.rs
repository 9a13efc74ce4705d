//! Requests that `opentelemetry-proto` has written are read whole, and other bytes are refused.

use std::sync::Arc;

use opentelemetry::trace::{SpanId, SpanKind, Status, TraceId};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::resource::v1 as resource;
use opentelemetry_proto::tonic::trace::v1 as proto;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

use crate::testing::{Resource, Scope, Span, SpanEvent, SpanLink, Trace, TraceError, Value};

fn any_value() -> impl Strategy<Value = common::AnyValue> {
    use common::any_value::Value;
    let simple = prop_oneof![
        Just(None),
        ".{0,9}".prop_map(|text| Some(Value::StringValue(text))),
        any::<bool>().prop_map(|value| Some(Value::BoolValue(value))),
        any::<i64>().prop_map(|number| Some(Value::IntValue(number))),
        (-1e9..1e9).prop_map(|number| Some(Value::DoubleValue(number))),
        any::<Vec<u8>>().prop_map(|bytes| Some(Value::BytesValue(bytes))),
    ];
    let value = |value| common::AnyValue { value };
    simple.prop_map(value).prop_recursive(3, 12, 4, move |inner| {
        let entry = (".{0,4}", inner.clone()).prop_map(|(key, value)| key_value(key, value));
        prop_oneof![
            vec(inner, 0..4).prop_map(|values| Value::ArrayValue(common::ArrayValue { values })),
            vec(entry, 0..4).prop_map(|values| Value::KvlistValue(common::KeyValueList { values })),
        ]
        .prop_map(move |one| value(Some(one)))
    })
}

fn key_value(key: String, value: common::AnyValue) -> common::KeyValue {
    common::KeyValue { key, value: Some(value), ..common::KeyValue::default() }
}

fn attributes() -> impl Strategy<Value = Vec<common::KeyValue>> {
    vec((".{0,4}", any_value()).prop_map(|(key, value)| key_value(key, value)), 0..3)
}

fn id<const N: usize>() -> impl Strategy<Value = Vec<u8>> {
    any::<[u8; N]>().prop_filter("an id is not zero", |id| *id != [0; N]).prop_map(Vec::from)
}

fn event() -> impl Strategy<Value = proto::span::Event> {
    (any::<u64>(), ".{0,9}", attributes(), any::<u32>()).prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| proto::span::Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn link() -> impl Strategy<Value = proto::span::Link> {
    (id::<16>(), id::<8>(), ".{0,9}", attributes(), any::<u32>(), any::<u32>()).prop_map(
        |(trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags)| proto::span::Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes_count,
            flags,
        },
    )
}

fn span() -> impl Strategy<Value = proto::Span> {
    let status = (".{0,9}", 0..3).prop_map(|(message, code)| proto::Status { message, code });
    let ids = (id::<16>(), id::<8>(), prop_oneof![Just(Vec::new()), id::<8>()], ".{0,9}", any::<u32>());
    let own = (".{0,9}", 0..6, any::<u64>(), any::<u64>(), proptest::option::of(status));
    let lists = (attributes(), vec(event(), 0..3), vec(link(), 0..3), any::<[u32; 3]>());
    (ids, own, lists).prop_map(|(ids, own, (attributes, events, links, dropped))| proto::Span {
        trace_id: ids.0,
        span_id: ids.1,
        parent_span_id: ids.2,
        trace_state: ids.3,
        flags: ids.4,
        name: own.0,
        kind: own.1,
        start_time_unix_nano: own.2,
        end_time_unix_nano: own.3,
        status: own.4,
        attributes,
        events,
        links,
        dropped_attributes_count: dropped[0],
        dropped_events_count: dropped[1],
        dropped_links_count: dropped[2],
    })
}

fn request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let scope = (".{0,9}", ".{0,9}", attributes(), any::<u32>()).prop_map(
        |(name, version, attributes, dropped_attributes_count)| common::InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
        },
    );
    let scope_spans = (proptest::option::of(scope), vec(span(), 0..3), ".{0,9}")
        .prop_map(|(scope, spans, schema_url)| proto::ScopeSpans { scope, spans, schema_url });
    let resource = (attributes(), any::<u32>()).prop_map(|(attributes, dropped_attributes_count)| {
        resource::Resource { attributes, dropped_attributes_count, entity_refs: Vec::new() }
    });
    let resource_spans = (proptest::option::of(resource), vec(scope_spans, 0..3), ".{0,9}").prop_map(
        |(resource, scope_spans, schema_url)| proto::ResourceSpans { resource, scope_spans, schema_url },
    );
    vec(resource_spans, 0..3).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

/// Returns the trace that a request is to become.
fn expected(request: ExportTraceServiceRequest) -> Trace {
    let mut trace = Trace::default();
    for group in request.resource_spans {
        let resource = group.resource.unwrap_or_default();
        let resource = Arc::new(Resource {
            attributes: pairs(resource.attributes),
            dropped_attributes: resource.dropped_attributes_count,
            schema_url: group.schema_url,
        });
        for scoped in group.scope_spans {
            let scope = scoped.scope.unwrap_or_default();
            let scope = Arc::new(Scope {
                name: scope.name,
                version: scope.version,
                attributes: pairs(scope.attributes),
                dropped_attributes: scope.dropped_attributes_count,
                schema_url: scoped.schema_url,
            });
            trace.extend(scoped.spans.into_iter().map(|span| expected_span(span, &resource, &scope)));
        }
    }
    trace
}

fn expected_span(span: proto::Span, resource: &Arc<Resource>, scope: &Arc<Scope>) -> Span {
    use proto::span::SpanKind as Theirs;
    let kind = match span.kind() {
        Theirs::Unspecified | Theirs::Internal => SpanKind::Internal,
        Theirs::Server => SpanKind::Server,
        Theirs::Client => SpanKind::Client,
        Theirs::Producer => SpanKind::Producer,
        Theirs::Consumer => SpanKind::Consumer,
    };
    let status = span.status.unwrap_or_default();
    let status = match status.code() {
        proto::status::StatusCode::Unset => Status::Unset,
        proto::status::StatusCode::Ok => Status::Ok,
        proto::status::StatusCode::Error => Status::error(status.message),
    };
    let event = |event: proto::span::Event| SpanEvent {
        name: event.name,
        unix_nanos: event.time_unix_nano,
        attributes: pairs(event.attributes),
        dropped_attributes: event.dropped_attributes_count,
    };
    let link = |link: proto::span::Link| SpanLink {
        trace_id: trace_id(link.trace_id),
        span_id: span_id(link.span_id),
        trace_state: link.trace_state,
        flags: link.flags,
        attributes: pairs(link.attributes),
        dropped_attributes: link.dropped_attributes_count,
    };
    Span {
        name: span.name,
        kind,
        trace_id: trace_id(span.trace_id),
        span_id: span_id(span.span_id),
        parent_span_id: (!span.parent_span_id.is_empty()).then(|| span_id(span.parent_span_id)),
        trace_state: span.trace_state,
        flags: span.flags,
        start_unix_nanos: span.start_time_unix_nano,
        end_unix_nanos: span.end_time_unix_nano,
        attributes: pairs(span.attributes),
        dropped_attributes: span.dropped_attributes_count,
        events: span.events.into_iter().map(event).collect(),
        dropped_events: span.dropped_events_count,
        links: span.links.into_iter().map(link).collect(),
        dropped_links: span.dropped_links_count,
        status,
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
    }
}

fn trace_id(bytes: Vec<u8>) -> TraceId {
    TraceId::from_bytes(bytes.try_into().unwrap())
}

fn span_id(bytes: Vec<u8>) -> SpanId {
    SpanId::from_bytes(bytes.try_into().unwrap())
}

fn pairs(attributes: Vec<common::KeyValue>) -> Vec<(String, Value)> {
    attributes.into_iter().map(|pair| (pair.key, value(pair.value))).collect()
}

fn value(any: Option<common::AnyValue>) -> Value {
    use common::any_value::Value as Theirs;
    match any.and_then(|any| any.value) {
        None | Some(Theirs::StringValueStrindex(_)) => Value::Empty,
        Some(Theirs::StringValue(text)) => Value::String(text),
        Some(Theirs::BoolValue(value)) => Value::Bool(value),
        Some(Theirs::IntValue(number)) => Value::Int(number),
        Some(Theirs::DoubleValue(number)) => Value::Double(number),
        Some(Theirs::BytesValue(bytes)) => Value::Bytes(bytes),
        Some(Theirs::ArrayValue(array)) => {
            Value::Array(array.values.into_iter().map(|inner| value(Some(inner))).collect())
        }
        Some(Theirs::KvlistValue(map)) => Value::Map(pairs(map.values)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_field_of_a_request_is_read(request in request()) {
        prop_assert_eq!(Trace::from_otlp(&request.encode_to_vec()), Ok(expected(request)));
    }

    #[test]
    fn damaged_bytes_never_panic(
        request in request(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..3),
    ) {
        let mut bytes = request.encode_to_vec();
        for (place, byte) in damage {
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
        }
        let _ = Trace::from_otlp(&bytes);
    }
}

fn request_of(span: proto::Span) -> Vec<u8> {
    let scope_spans = vec![proto::ScopeSpans { spans: vec![span], ..proto::ScopeSpans::default() }];
    let resource_spans = vec![proto::ResourceSpans { scope_spans, ..proto::ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn valid() -> proto::Span {
    proto::Span { trace_id: vec![1; 16], span_id: vec![2; 8], ..proto::Span::default() }
}

#[test]
fn an_invalid_id_is_refused_by_its_name() {
    let message = |span| Trace::from_otlp(&request_of(span)).unwrap_err().to_string();
    let refused = |id, kind, digits| {
        format!(
            "cannot take \"{id}\" as a {kind}: it must have {digits} hexadecimal digits, and not only zeros"
        )
    };
    let short = proto::Span { trace_id: vec![1; 2], ..valid() };
    assert_eq!(message(short), refused("0101", "trace id", 32));
    let zero = proto::Span { span_id: vec![0; 8], ..valid() };
    assert_eq!(message(zero), refused("0000000000000000", "span id", 16));
    let parent = proto::Span { parent_span_id: vec![0; 4], ..valid() };
    assert_eq!(message(parent), refused("00000000", "parent span id", 16));
    assert_eq!(message(proto::Span { trace_id: Vec::new(), ..valid() }), refused("", "trace id", 32));
}

#[test]
fn zeros_are_no_parent_and_a_link_to_no_span() {
    let link =
        proto::span::Link { trace_id: vec![0; 16], span_id: vec![0; 8], ..proto::span::Link::default() };
    let links = vec![link, proto::span::Link::default()];
    let span = proto::Span { parent_span_id: vec![0; 8], links, ..valid() };
    let trace = Trace::from_otlp(&request_of(span)).unwrap();
    assert_eq!(trace.spans()[0].parent_span_id, None);
    assert_eq!(trace.spans()[0].links, [SpanLink::default(), SpanLink::default()]);
}

#[test]
fn values_may_be_nested_to_a_depth_that_no_stack_feels() {
    use common::any_value::Value as Theirs;
    let nested = |depth: usize| {
        let mut value = common::AnyValue { value: Some(Theirs::BoolValue(true)) };
        for _ in 0..depth {
            let values = vec![value];
            value = common::AnyValue { value: Some(Theirs::ArrayValue(common::ArrayValue { values })) };
        }
        let span = proto::Span { attributes: vec![key_value("x".to_owned(), value)], ..valid() };
        Trace::from_otlp(&request_of(span))
    };
    assert!(nested(40).is_ok());
    assert_eq!(nested(41), Err(TraceError::TooDeep));
    assert_eq!(nested(1_000), Err(TraceError::TooDeep));
}

#[test]
fn a_request_that_is_cut_off_or_has_a_field_of_another_type_is_refused() {
    let bytes = request_of(valid());
    let cut_off = Trace::from_otlp(&bytes[..bytes.len() - 1]);
    assert_eq!(cut_off, Err(TraceError::Malformed { message: "ExportTraceServiceRequest" }));
    // The name as a number.
    let mut span = valid().encode_to_vec();
    span.extend([5 << 3, 1]);
    let wrap =
        |inner: &[u8], field: u8| [&[(field << 3) | 2, u8::try_from(inner.len()).unwrap()], inner].concat();
    let bytes = wrap(&wrap(&wrap(&span, 2), 2), 1);
    assert_eq!(Trace::from_otlp(&bytes), Err(TraceError::Malformed { message: "Span" }));
    // A field that no version of OTLP has yet.
    let end = span.len() - 2;
    span[end] = 15 << 3;
    span.splice(end..=end, [0xa8, 3]);
    assert!(Trace::from_otlp(&wrap(&wrap(&wrap(&span, 2), 2), 1)).is_ok());
}

#[test]
fn a_text_that_is_not_utf_8_is_refused() {
    let mut bytes = request_of(proto::Span { name: "name".to_owned(), ..valid() });
    let place = bytes.windows(4).position(|four| four == b"name").unwrap();
    bytes[place] = 0xff;
    assert_eq!(Trace::from_otlp(&bytes), Err(TraceError::NotText { message: "Span" }));
}
