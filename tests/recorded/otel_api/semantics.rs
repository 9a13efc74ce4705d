//! A span of `opentelemetry::global` is what it would be with OpenTelemetry's own SDK.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use charm_tracing::opentelemetry::trace::{
    Event, Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags,
    TraceId, TraceState, Tracer, TracerProvider, get_active_span,
};
use charm_tracing::opentelemetry::{Array, Context, InstrumentationScope, Key, KeyValue, Value, global};
use charm_tracing::{Config, trace_fn};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope as OtlpScope, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use prost::Message as _;
use tests::recording::{record, spans_of, take_turn};

use super::moment;
use super::providers::Ended;

/// Something that is done with a span.
#[derive(Clone, Debug)]
enum Step {
    SetAttribute(Value),
    SetAttributes(Vec<Value>),
    AddEvent(String, Vec<KeyValue>),
    AddEventAt(String, SystemTime, Vec<KeyValue>),
    RecordError,
    AddLink(SpanContext, Vec<KeyValue>),
    SetStatus(Status),
    UpdateName(String),
    End,
    EndAt(SystemTime),
}

#[derive(Clone, Debug)]
enum Parent {
    None,
    Remote(SpanContext),
    /// One that has begun before, open or not.
    Other(Index),
}

#[derive(Clone, Debug)]
struct Drawn {
    scope: usize,
    builder: SpanBuilder,
    parent: Parent,
    /// True if the span is used through a context.
    shared: bool,
    steps: Vec<Step>,
}

/// A source of tracers: ours or the SDK's.
type Tracers<'a, T> = &'a dyn Fn(InstrumentationScope) -> T;

fn scopes() -> [InstrumentationScope; 3] {
    [
        InstrumentationScope::builder("library").build(),
        InstrumentationScope::builder("library")
            .with_version("1.2")
            .with_schema_url("https://example.com/1")
            .build(),
        InstrumentationScope::builder("").with_attributes([KeyValue::new("scope", true)]).build(),
    ]
}

macro_rules! apply {
    ($span:expr, $step:expr, $keys:expr) => {
        match $step.clone() {
            Step::SetAttribute(value) => $span.set_attribute(KeyValue::new($keys.next().unwrap(), value)),
            Step::SetAttributes(values) => {
                $span.set_attributes(
                    values.into_iter().zip(&mut $keys).map(|(value, key)| KeyValue::new(key, value)),
                );
            }
            Step::AddEvent(name, attributes) => $span.add_event(name, attributes),
            Step::AddEventAt(name, time, attributes) => {
                $span.add_event_with_timestamp(name, time, attributes)
            }
            Step::RecordError => $span.record_error(&fmt::Error),
            Step::AddLink(context, attributes) => $span.add_link(context, attributes),
            Step::SetStatus(status) => $span.set_status(status),
            Step::UpdateName(name) => $span.update_name(name),
            Step::End => $span.end(),
            Step::EndAt(time) => $span.end_with_timestamp(time),
        }
    };
}

/// Does with all spans what was drawn. The key of each attribute is its own, by its number.
fn run<T: Tracer>(drawn: &[Drawn], tracers: Tracers<'_, T>)
where
    T::Span: Send + Sync + 'static,
{
    let scopes = scopes();
    let mut contexts: Vec<Context> = Vec::new();
    for (number, Drawn { scope, builder, parent, shared, steps }) in drawn.iter().enumerate() {
        let tracer = tracers(scopes[*scope].clone());
        let mut builder = builder.clone();
        builder
            .attributes
            .get_or_insert_default()
            .push(KeyValue::new(NUMBER, i64::try_from(number).unwrap()));
        let parent = match parent {
            Parent::Other(index) if !contexts.is_empty() => index.get(&contexts).clone(),
            Parent::Remote(parent) => Context::new().with_remote_span_context(parent.clone()),
            _ => Context::new(),
        };
        let mut span = tracer.build_with_context(builder, &parent);
        let mut keys = (0..).map(|key| Key::new(format!("key {key}")));
        if *shared {
            let context = Context::new().with_span(span);
            for step in steps {
                apply!(context.span(), step, keys);
            }
            contexts.push(context);
        } else {
            for step in steps {
                apply!(span, step, keys);
            }
            contexts.push(Context::new().with_remote_span_context(span.span_context().clone()));
        }
    }
}

const NUMBER: &str = "number";

/// With the limits that are ours, and everything sampled.
fn by_the_sdk(drawn: &[Drawn]) -> Vec<(OtlpScope, Span)> {
    let ended = Ended::default();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(ended.clone())
        .with_sampler(Sampler::AlwaysOn)
        .with_max_attributes_per_span(1024)
        .with_max_events_per_span(4096)
        .build();
    run(drawn, &|scope| provider.tracer_with_scope(scope));
    let ended = std::mem::take(&mut *ended.0.lock().unwrap());
    normal(ended.into_iter().map(|span| ((&span.instrumentation_scope, None).into(), span.into())).collect())
}

fn by_us(drawn: &[Drawn]) -> Vec<(OtlpScope, Span)> {
    let patient =
        Config::new().request_timeout(Duration::from_mins(1)).delivery_timeout(Duration::from_mins(1));
    let recorded = record(&take_turn(), patient, |_| run(drawn, &global::tracer_with_scope));
    let mut spans = Vec::new();
    for request in &recorded.requests {
        let request = ExportTraceServiceRequest::decode(&*request.otlp).unwrap();
        for group in request.resource_spans.into_iter().flat_map(|group| group.scope_spans) {
            let scope = group.scope.unwrap_or_default();
            let numbered = group.spans.into_iter().filter(|span| numbered(span).is_some());
            spans.extend(numbered.map(|span| (scope.clone(), span)));
        }
    }
    normal(spans)
}

/// Returns the number that the test has given to a span.
fn numbered(span: &Span) -> Option<i64> {
    let number = span.attributes.iter().find(|attribute| attribute.key == NUMBER)?;
    match number.value.as_ref()?.value.as_ref()? {
        any_value::Value::IntValue(number) => Some(*number),
        _ => None,
    }
}

/// Removes what must differ: ids are numbered as they come, times that were not given are 0, and no span ends before it begins,
/// which the SDK allows.
fn normal(mut spans: Vec<(OtlpScope, Span)>) -> Vec<(OtlpScope, Span)> {
    spans.sort_by_key(|(_, span)| numbered(span));
    let mut ids: HashMap<Vec<u8>, usize> = HashMap::new();
    for (_, span) in &mut spans {
        for id in [&mut span.trace_id, &mut span.span_id, &mut span.parent_span_id] {
            if !id.is_empty() {
                let next = ids.len();
                *id = ids.entry(std::mem::take(id)).or_insert(next).to_string().into();
            }
        }
        span.end_time_unix_nano = span.end_time_unix_nano.max(span.start_time_unix_nano);
        let events = span.events.iter_mut().map(|event| &mut event.time_unix_nano);
        for time in events.chain([&mut span.start_time_unix_nano, &mut span.end_time_unix_nano]) {
            if *time > LATEST {
                *time = 0;
            }
        }
    }
    spans
}

/// The latest of the moments that are drawn, in the year 2001.
const LATEST: u64 = 1_000_000_000_000_000_000;

fn moments() -> impl Strategy<Value = SystemTime> {
    let before_1970 = (0..LATEST).prop_map(|nanos| SystemTime::UNIX_EPOCH - Duration::from_nanos(nanos));
    prop_oneof![9 => (0..=LATEST).prop_map(moment), 1 => before_1970]
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-zäß€𝄞 ]{1,12}", "[a-z]{300}"]
}

fn values() -> impl Strategy<Value = Value> {
    let numbers = any::<i64>;
    let floats = || prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::INFINITE;
    prop_oneof![
        texts().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        numbers().prop_map(Value::from),
        floats().prop_map(Value::from),
        vec(texts().prop_map(Into::into), 0..3).prop_map(|texts| Value::Array(Array::String(texts))),
        vec(any::<bool>(), 0..3).prop_map(|all| Value::Array(Array::Bool(all))),
        vec(numbers(), 0..3).prop_map(|all| Value::Array(Array::I64(all))),
        vec(floats(), 0..3).prop_map(|all| Value::Array(Array::F64(all))),
    ]
}

/// Draws the attributes of an event or a link, where a key may come twice.
fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec((texts(), values()).prop_map(|(key, value)| KeyValue::new(key, value)), 0..4)
}

fn contexts() -> impl Strategy<Value = SpanContext> {
    let state = option::of(("[a-z]{1,4}", "[a-z]{1,4}"));
    (any::<u128>(), any::<u64>(), any::<u8>(), any::<bool>(), state).prop_map(
        |(trace, span, flags, remote, state)| {
            let state = TraceState::from_key_value(state).unwrap();
            SpanContext::new(TraceId::from(trace), SpanId::from(span), TraceFlags::new(flags), remote, state)
        },
    )
}

fn statuses() -> impl Strategy<Value = Status> {
    prop_oneof![Just(Status::Unset), Just(Status::Ok), texts().prop_map(Status::error)]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => values().prop_map(Step::SetAttribute),
        1 => vec(values(), 0..4).prop_map(Step::SetAttributes),
        2 => (texts(), attributes()).prop_map(|(name, attributes)| Step::AddEvent(name, attributes)),
        2 => (texts(), moments(), attributes()).prop_map(|(name, time, attributes)| Step::AddEventAt(name, time, attributes)),
        1 => Just(Step::RecordError),
        2 => (contexts(), attributes()).prop_map(|(context, attributes)| Step::AddLink(context, attributes)),
        3 => statuses().prop_map(Step::SetStatus),
        1 => texts().prop_map(Step::UpdateName),
        1 => Just(Step::End),
        1 => moments().prop_map(Step::EndAt),
    ]
}

fn builders() -> impl Strategy<Value = SpanBuilder> {
    let kinds =
        [SpanKind::Client, SpanKind::Server, SpanKind::Producer, SpanKind::Consumer, SpanKind::Internal];
    let event = (texts(), moments(), attributes(), any::<u32>());
    let event =
        event.prop_map(|(name, time, attributes, dropped)| Event::new(name, time, attributes, dropped));
    let link = (contexts(), attributes(), any::<u32>());
    let link = link.prop_map(|(context, attributes, dropped)| Link::new(context, attributes, dropped));
    let own = vec(values(), 0..4).prop_map(|values| {
        values.into_iter().enumerate().map(|(n, value)| KeyValue::new(format!("own {n}"), value)).collect()
    });
    let parts = (
        option::of(select(kinds.to_vec())),
        texts(),
        option::of(moments()),
        option::of(own),
        option::of(vec(event, 0..3)),
        option::of(vec(link, 0..3)),
    );
    parts.prop_map(|(span_kind, name, start_time, attributes, events, links)| SpanBuilder {
        span_kind,
        name: Cow::Owned(name),
        start_time,
        attributes,
        events,
        links,
    })
}

fn spans() -> impl Strategy<Value = Drawn> {
    let remote = contexts().prop_map(|parent| {
        let (trace, span) = (parent.trace_id(), parent.span_id());
        Parent::Remote(SpanContext::new(
            trace,
            span,
            parent.trace_flags(),
            true,
            parent.trace_state().clone(),
        ))
    });
    let parent = prop_oneof![Just(Parent::None), remote, any::<Index>().prop_map(Parent::Other)];
    (0..scopes().len(), builders(), parent, any::<bool>(), vec(steps(), 0..12))
        .prop_map(|(scope, builder, parent, shared, steps)| Drawn { scope, builder, parent, shared, steps })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_span_is_what_the_sdk_makes_of_it(drawn in vec(spans(), 1..6)) {
        prop_assert_eq!(by_us(&drawn), by_the_sdk(&drawn));
    }
}

fn many(count: usize, step: impl Fn(usize) -> Step) -> Vec<Step> {
    (0..count).map(step).collect()
}

fn pairs(count: usize) -> Vec<KeyValue> {
    (0..count).map(|n| KeyValue::new(format!("pair {n}"), true)).collect()
}

fn other() -> SpanContext {
    SpanContext::new(TraceId::from(7), SpanId::from(8), TraceFlags::SAMPLED, true, TraceState::NONE)
}

#[test]
fn what_is_beyond_the_limits_of_a_span_is_counted_as_the_sdk_does() {
    let drawn = |builder: SpanBuilder, steps: Vec<Step>| {
        let of = |shared| Drawn {
            scope: 0,
            builder: builder.clone(),
            parent: Parent::None,
            shared,
            steps: steps.clone(),
        };
        [of(false), of(true)]
    };
    let attributes = many(1030, |n| Step::SetAttribute(Value::I64(n.try_into().unwrap())));
    let events = many(4100, |n| Step::AddEventAt(n.to_string(), moment(1), Vec::new()));
    let links = many(130, |_| Step::AddLink(other(), Vec::new()));
    let event = Event::new("x", moment(2), pairs(130), 0);
    let link = Link::new(other(), pairs(130), 0);
    let crowded =
        vec![Step::AddEventAt("x".into(), moment(3), pairs(129)), Step::AddLink(other(), pairs(200))];
    let cases = [
        drawn(SpanBuilder::from_name("attributes").with_attributes(pairs(3)), attributes),
        drawn(SpanBuilder::from_name("events").with_events(vec![event.clone(); 2]), events),
        drawn(SpanBuilder::from_name("links").with_links(vec![link.clone(); 129]), links),
        drawn(SpanBuilder::from_name("crowded").with_events(vec![event]).with_links(vec![link]), crowded),
    ];
    let drawn = cases.concat();
    let (ours, expected) = (by_us(&drawn), by_the_sdk(&drawn));
    let counts = |spans: &[(OtlpScope, Span)]| -> Vec<_> {
        let counts = |span: &Span| {
            (span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count)
        };
        spans.iter().map(|(_, span)| counts(span)).collect()
    };
    let dropped = [(10, 0, 0), (0, 6, 0), (0, 0, 131), (0, 0, 0)].map(|counts| [counts; 2]).concat();
    assert_eq!(counts(&expected), dropped);
    assert_eq!(counts(&ours), dropped);
    assert!(ours == expected, "more than the counts differ");
}

fn all(span: &charm_testing::Span) -> Vec<(&str, String)> {
    span.attributes.iter().map(|(key, value)| (key.as_str(), value.to_string())).collect()
}

/// By OpenTelemetry's specification. The SDK for Rust keeps both values.
#[test]
fn an_attribute_has_the_value_that_was_set_last() {
    let spans = spans_of(|| {
        let tracer = global::tracer("library");
        let again = [KeyValue::new("a", 2), KeyValue::new("b", 2), KeyValue::new("a", "three")];
        let mut span =
            tracer.build(SpanBuilder::from_name("by a span").with_attributes([KeyValue::new("a", 1)]));
        span.set_attributes(again.clone());
        span.end();
        let built = SpanBuilder::from_name("built").with_attributes(again.clone());
        tracer.build(built).end();
        tracer.in_span("by a context", |context| {
            context.span().set_attributes(again.clone());
            context.span().set_attribute(KeyValue::new("b", 4));
        });
    });
    let expected = |b: &str| vec![("a", "three".to_owned()), ("b", b.to_owned())];
    assert_eq!(all(spans.span("by a span")), expected("2"));
    assert_eq!(all(spans.span("built")), expected("2").into_iter().collect::<Vec<_>>());
    assert_eq!(all(spans.span("by a context")), expected("4"));
}

#[trace_fn(attributes(port = 4317))]
fn described() {
    get_active_span(|span| {
        span.set_attribute(KeyValue::new("code.line.number", 1));
        span.set_attributes([KeyValue::new("port", 4318), KeyValue::new("code.file.path", "generated.rs")]);
        span.set_attribute(KeyValue::new("code.line.number", 2));
        span.set_attribute(KeyValue::new("code.column.number", 3));
    });
}

#[trace_fn(name = "function call: renamed")]
fn described_once() {
    Context::current().span().set_attribute(KeyValue::new("code.function.name", "other"));
}

#[test]
fn what_an_attribute_macro_says_may_be_replaced() {
    let spans = spans_of(|| {
        described();
        described_once();
    });
    let expected = [
        ("code.function.name", "recorded::otel_api::semantics::described"),
        ("code.file.path", "generated.rs"),
        ("code.line.number", "2"),
        ("port", "4318"),
        ("code.column.number", "3"),
    ];
    assert_eq!(
        all(spans.span("function call: described")),
        expected.map(|(key, value)| (key, value.to_owned()))
    );
    let once = all(spans.span("function call: renamed"));
    assert_eq!(once.iter().map(|(key, _)| *key).collect::<Vec<_>>(), expected.map(|(key, _)| key)[..3]);
    assert_eq!(once[0].1, "other");
    assert!(once[1].1.ends_with("semantics.rs"), "{once:?}");
}
