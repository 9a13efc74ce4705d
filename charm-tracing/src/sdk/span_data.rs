//! The spans of a session as the data of the SDK. They are the same spans as those of the request in the queue.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{SpanContext, SpanKind, TraceState};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use crate::recorder::{Details, Record, Store, TraceContext};
use crate::site::Site;

/// Returns all spans that have ended, in the order in which they ended. `own` is the scope of the spans that name none.
pub(crate) fn span_data(spans: &Store, trace: TraceContext, own: &InstrumentationScope) -> Vec<SpanData> {
    spans.ended().iter().map(|record| of_record(record, trace, own)).collect()
}

fn of_record(record: &Record, trace: TraceContext, own: &InstrumentationScope) -> SpanData {
    let none = Details::default();
    let details = record.details.as_deref().unwrap_or(&none);
    let remote = details.remote.as_ref();
    let context = remote.map_or(trace, |remote| remote.trace);
    let state = remote.map_or(TraceState::NONE, |remote| remote.state.clone());
    let mut attributes = record.site.filter(|_| !details.own_site).map(Site::attributes).unwrap_or_default();
    attributes.extend_from_slice(&details.attributes);
    let mut events = SpanEvents::default();
    (events.events, events.dropped_count) = (details.events.clone(), details.dropped_events);
    let mut links = SpanLinks::default();
    (links.links, links.dropped_count) = (details.links.clone(), details.dropped_links);
    SpanData {
        span_context: SpanContext::new(context.id, record.span_id, context.flags, false, state),
        parent_span_id: record.parent,
        parent_span_is_remote: remote.is_some_and(|remote| remote.of_remote_parent),
        span_kind: details.kind.clone().unwrap_or(SpanKind::Internal),
        name: name(record.site, details),
        start_time: time(record.start),
        end_time: time(record.end),
        attributes,
        dropped_attributes_count: details.dropped_attributes,
        events,
        links,
        status: details.status.clone(),
        instrumentation_scope: details.scope.as_deref().unwrap_or(own).clone(),
    }
}

fn name(site: Option<&'static Site>, details: &Details) -> Cow<'static, str> {
    let own = details.name.clone();
    own.or_else(|| site.map(|site| Cow::Borrowed(site.name()))).unwrap_or_default()
}

fn time(unix_nanos: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(unix_nanos)
}
