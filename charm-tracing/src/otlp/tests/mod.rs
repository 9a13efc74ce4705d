//! The bytes of a request against those of OpenTelemetry's own crates for the same spans.

mod journal;

use std::borrow::Cow;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

use crate::otlp::encode_request;
use crate::recorder::{Details, Record, Remote, Store, TraceContext, own_scope, unix_nanos, weight};
use crate::span::Site;

static SITES: [Site; 3] = [
    Site::new("method call: MyCharm.on_start", "my_charm::MyCharm::on_start", "src/charm.rs", 17),
    Site::new("function call: f", "f", "", 0),
    Site::new("", "a::very::long::path::", "/src/a-rather-long-name-of-a-directory/lib.rs", u32::MAX),
];

/// A span, from which both a record and the SDK's data are made.
#[derive(Clone, Debug)]
struct Given {
    site: Option<usize>,
    id: u64,
    parent: Option<u64>,
    start: SystemTime,
    end: SystemTime,
    details: Option<GivenDetails>,
}

#[derive(Clone, Debug, Default)]
struct GivenDetails {
    name: Option<String>,
    kind: Option<SpanKind>,
    attributes: Vec<KeyValue>,
    /// True if the record has the attributes of the site itself, because one was changed.
    own_site: bool,
    dropped: [u32; 3],
    events: Vec<Event>,
    links: Vec<Link>,
    status: Status,
    scope: Option<usize>,
    remote: Option<(SpanContext, bool)>,
}

const TRACE: TraceContext =
    TraceContext { id: TraceId::from_bytes(*b"the trace's id 1"), flags: TraceFlags::new(0x83) };

/// The first one is ours, given as if it were another's.
fn scopes() -> [Arc<InstrumentationScope>; 3] {
    let other = InstrumentationScope::builder("other").with_attributes([KeyValue::new("a", 1)]).build();
    let third =
        InstrumentationScope::builder("third").with_version("1").with_schema_url("https://schema").build();
    [own_scope(), other, third].map(Arc::new)
}

impl Given {
    fn record(&self) -> Record {
        let details = self.details.as_ref().map(|given| {
            Box::new(Details {
                name: given.name.clone().map(Cow::Owned),
                kind: given.kind.clone(),
                attributes: match self.site.filter(|_| given.own_site) {
                    Some(site) => [SITES[site].attributes(), given.attributes.clone()].concat(),
                    None => given.attributes.clone(),
                },
                dropped_attributes: given.dropped[0],
                own_site: given.own_site,
                events: given.events.clone(),
                dropped_events: given.dropped[1],
                links: given.links.clone(),
                dropped_links: given.dropped[2],
                status: given.status.clone(),
                // What has the name of ours is grouped with others of that name, but not with ours.
                scope: given.scope.filter(|scope| *scope > 0).map(|scope| scopes()[scope].clone()),
                remote: given.remote.as_ref().map(|(context, of_remote)| Remote {
                    trace: TraceContext { id: context.trace_id(), flags: context.trace_flags() },
                    state: context.trace_state().clone(),
                    of_remote_parent: *of_remote,
                }),
            })
        });
        Record {
            site: self.site.map(|site| &SITES[site]),
            span_id: SpanId::from(self.id),
            parent: self.parent.map_or(SpanId::INVALID, SpanId::from),
            start: unix_nanos(self.start),
            end: unix_nanos(self.end),
            details,
        }
    }

    fn span_data(&self) -> SpanData {
        let none = GivenDetails::default();
        let given = self.details.as_ref().unwrap_or(&none);
        let site = self.site.map(|site| &SITES[site]);
        let site_attributes = site.map(Site::attributes).unwrap_or_default();
        let (trace_id, flags, state, of_remote) = match &given.remote {
            Some((context, of_remote)) => {
                (context.trace_id(), context.trace_flags(), context.trace_state().clone(), *of_remote)
            }
            None => (TRACE.id, TRACE.flags, TraceState::NONE, false),
        };
        let mut events = SpanEvents::default();
        (events.events, events.dropped_count) = (given.events.clone(), given.dropped[1]);
        let mut links = SpanLinks::default();
        (links.links, links.dropped_count) = (given.links.clone(), given.dropped[2]);
        SpanData {
            span_context: SpanContext::new(trace_id, SpanId::from(self.id), flags, false, state),
            parent_span_id: self.parent.map_or(SpanId::INVALID, SpanId::from),
            parent_span_is_remote: of_remote,
            span_kind: given.kind.clone().unwrap_or(SpanKind::Internal),
            name: given
                .name
                .clone()
                .unwrap_or_else(|| site.map(Site::name).unwrap_or_default().into())
                .into(),
            start_time: self.start,
            end_time: self.end,
            attributes: [site_attributes, given.attributes.clone()].concat(),
            dropped_attributes_count: given.dropped[0],
            events,
            links,
            status: given.status.clone(),
            instrumentation_scope: (*scopes()[given.scope.unwrap_or(0)]).clone(),
        }
    }
}

fn resource() -> Vec<KeyValue> {
    vec![KeyValue::new("service.name", "app-charm"), KeyValue::new("juju_unit", "app/0")]
}

fn request(records: Vec<Record>, resource: &[KeyValue]) -> Vec<u8> {
    encode_request(&stored(records), TRACE, &own_scope(), resource)
}

fn stored(records: Vec<Record>) -> Store {
    let mut spans = Store::default();
    for record in records {
        let end = record.end;
        let span = spans.begin(record);
        spans.end(span, end);
    }
    spans
}

fn ours(given: &[Given]) -> Vec<u8> {
    let records: Vec<_> = given.iter().map(Given::record).collect();
    request(records, &resource())
}

fn theirs(given: &[Given]) -> Vec<u8> {
    encoded_by_opentelemetry(given.iter().map(Given::span_data).collect())
}

fn encoded_by_opentelemetry(spans: Vec<SpanData>) -> Vec<u8> {
    let last = spans.last().map(|span| span.span_context.span_id().to_bytes());
    let resource =
        ResourceAttributesWithSchema { attributes: resource().into_iter().into(), schema_url: None };
    let mut resource_spans = group_spans_by_resource_and_scope(spans, &resource);
    // The order of the scopes is ours to choose.
    if let Some(last) = last {
        let scopes = &mut resource_spans[0].scope_spans;
        let place =
            scopes.iter().position(|scope| scope.spans.last().is_some_and(|span| span.span_id == last));
        let scope = scopes.remove(place.expect("the scope of the last span"));
        scopes.push(scope);
    }
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

/// Returns the request that opentelemetry-otlp sends for the same spans.
fn exported(given: &[Given]) -> Vec<u8> {
    #[derive(Clone, Debug, Default)]
    struct Capture(Arc<Mutex<Vec<u8>>>);

    #[async_trait]
    impl HttpClient for Capture {
        async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
            *self.0.lock().expect("nothing panics with it") = request.into_body().to_vec();
            Ok(Response::new(Bytes::new()))
        }
    }

    let capture = Capture::default();
    let builder = SpanExporter::builder().with_http().with_http_client(capture.clone());
    let mut exporter = builder.with_endpoint("http://localhost/v1/traces").build().expect("an exporter");
    // One attribute: it has no order of several.
    exporter.set_resource(&Resource::builder_empty().with_attributes(resource().into_iter().take(1)).build());
    let export = pin!(exporter.export(given.iter().map(Given::span_data).collect()));
    let sent = export.poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(sent, Poll::Ready(Ok(()))), "{sent:?}");
    std::mem::take(&mut *capture.0.lock().expect("nothing panics with it"))
}

fn time() -> impl Strategy<Value = SystemTime> {
    (0_u64..10_000_000_000, 0_u32..1_000_000_000)
        .prop_map(|(seconds, nanos)| SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos))
}

fn value() -> impl Strategy<Value = Value> {
    let text = || ".{0,200}".prop_map(StringValue::from);
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        any::<f64>().prop_map(Value::F64),
        text().prop_map(Value::String),
        vec(any::<bool>(), 0..4).prop_map(|values| Value::Array(Array::Bool(values))),
        vec(any::<i64>(), 0..4).prop_map(|values| Value::Array(Array::I64(values))),
        vec(any::<f64>(), 0..40).prop_map(|values| Value::Array(Array::F64(values))),
        vec(text(), 0..4).prop_map(|values| Value::Array(Array::String(values))),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec((".{0,20}", value()).prop_map(|(key, value)| KeyValue::new(key, value)), 0..4)
}

fn event() -> impl Strategy<Value = Event> {
    (".{0,20}", time(), attributes(), any::<u32>())
        .prop_map(|(name, time, attributes, dropped)| Event::new(name, time, attributes, dropped))
}

fn state() -> impl Strategy<Value = TraceState> {
    vec(("[a-z]{1,5}", "[a-z]{0,5}"), 0..3)
        .prop_map(|pairs| TraceState::from_key_value(pairs).expect("valid keys and values"))
}

fn context() -> impl Strategy<Value = SpanContext> {
    (any::<u128>(), any::<u64>(), any::<u8>(), any::<bool>(), state()).prop_map(
        |(trace, span, flags, remote, state)| {
            SpanContext::new(TraceId::from(trace), SpanId::from(span), TraceFlags::new(flags), remote, state)
        },
    )
}

fn kind() -> impl Strategy<Value = SpanKind> {
    prop_oneof![
        Just(SpanKind::Internal),
        Just(SpanKind::Server),
        Just(SpanKind::Client),
        Just(SpanKind::Producer),
        Just(SpanKind::Consumer),
    ]
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![Just(Status::Unset), Just(Status::Ok), ".{0,200}".prop_map(Status::error)]
}

fn details() -> impl Strategy<Value = GivenDetails> {
    let link = (context(), attributes(), any::<u32>())
        .prop_map(|(context, attributes, dropped)| Link::new(context, attributes, dropped));
    (
        (proptest::option::of(".{0,200}"), proptest::option::of(kind()), attributes(), any::<bool>()),
        (any::<[u32; 3]>(), vec(event(), 0..3), vec(link, 0..3), status()),
        (proptest::option::of(0_usize..3), proptest::option::of((context(), any::<bool>()))),
    )
        .prop_map(
            |((name, kind, attributes, own_site), (dropped, events, links, status), (scope, remote))| {
                GivenDetails {
                    name,
                    kind,
                    attributes,
                    own_site,
                    dropped,
                    events,
                    links,
                    status,
                    scope,
                    remote,
                }
            },
        )
}

fn given() -> impl Strategy<Value = Given> {
    let parent = proptest::option::of(1..u64::MAX);
    let details = proptest::option::of(details());
    (proptest::option::of(0_usize..3), 1..u64::MAX, parent, time(), time(), details).prop_map(
        |(site, id, parent, start, end, details)| {
            // The store lets no span end before it begins.
            Given { site, id, parent, start, end: end.max(start), details }
        },
    )
}

proptest! {
    #[test]
    fn bytes_are_those_of_opentelemetrys_own_crates(given in vec(given(), 1..8)) {
        prop_assert_eq!(ours(&given), theirs(&given));
    }

    #[test]
    fn bytes_mean_what_opentelemetry_otlp_sends(given in vec(given(), 1..8)) {
        let decoded = |bytes: Vec<u8>| {
            let mut request = ExportTraceServiceRequest::decode(&*bytes).expect("a request");
            let resource_spans = &mut request.resource_spans[0];
            resource_spans.resource.as_mut().expect("a resource").attributes.truncate(1);
            resource_spans.scope_spans.sort_by_key(|scope| scope.scope.clone().map(|scope| scope.name));
            // Written and read again, numbers that are none are equal.
            request.encode_to_vec()
        };
        prop_assert_eq!(decoded(ours(&given)), decoded(exported(&given)));
    }

    #[cfg(feature = "sdk")]
    #[test]
    fn exporters_of_the_charm_get_the_same_spans(given in vec(given(), 1..8)) {
        let spans = stored(given.iter().map(Given::record).collect());
        let exported = crate::sdk::span_data(&spans, TRACE, &own_scope());
        prop_assert_eq!(&exported, &given.iter().map(Given::span_data).collect::<Vec<_>>());
        prop_assert_eq!(encoded_by_opentelemetry(exported), ours(&given));
    }

    #[test]
    fn a_record_takes_no_more_than_it_weighs(given in given()) {
        let record = given.record();
        let weight = weight::SPAN
            + record.site.map_or(0, Site::weight)
            + record.details.as_ref().map_or(0, |details| details.weight());
        // The scope is weighed when its tracer opens its first span.
        let scope = record.details.as_ref().and_then(|details| details.scope.as_deref().map(weight::scope));
        let weight = weight + scope.unwrap_or(0);
        let frame = request(Vec::new(), &[]).len() + 64;
        let size = request(vec![record], &[]).len();
        prop_assert!(size <= weight + frame, "{size} > {weight} + {frame}");
    }
}

#[test]
fn a_session_without_spans_is_a_request_without_scopes() {
    let empty = request(Vec::new(), &resource());
    let request = ExportTraceServiceRequest::decode(&*empty).unwrap();
    assert_eq!(request.resource_spans.len(), 1);
    assert_eq!(request.resource_spans[0].resource.as_ref().unwrap().attributes.len(), 2);
    assert_eq!(request.resource_spans[0].scope_spans, []);
}

#[test]
fn many_spans_of_one_site_are_written_one_after_the_other() {
    let given: Vec<_> = (1..=3000)
        .map(|id| Given {
            site: Some(usize::try_from(id % 3).unwrap()),
            id,
            parent: (id > 1).then_some(id - 1),
            start: SystemTime::UNIX_EPOCH,
            end: SystemTime::UNIX_EPOCH + Duration::from_nanos(id),
            details: None,
        })
        .collect();
    let decoded = |bytes: Vec<u8>| ExportTraceServiceRequest::decode(&*bytes).unwrap();
    // Those that began in 1970 have no time in the bytes that `prost` writes.
    assert_eq!(decoded(ours(&given)), decoded(theirs(&given)));
}
