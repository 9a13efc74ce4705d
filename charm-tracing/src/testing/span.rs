use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{SpanId, SpanKind, Status, TraceId};

use super::Value;
use super::value::find;

/// A span that has ended, with everything that OTLP says about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The name, e.g. `method call: MyCharm.on_start`.
    pub name: String,
    /// The kind. A span that names none is internal, as OpenTelemetry specifies.
    pub kind: SpanKind,
    /// The trace of the span.
    pub trace_id: TraceId,
    /// The id of the span, which is unique in its trace.
    pub span_id: SpanId,
    /// The id of the parent; `None` for a span without one.
    pub parent_span_id: Option<SpanId>,
    /// The trace state, as the header `tracestate` of W3C Trace Context has it.
    pub trace_state: String,
    /// The flags of W3C Trace Context in the lowest byte, and OTLP's flags for remote parents above it.
    pub flags: u32,
    /// The start, in nanoseconds since 1970.
    pub start_unix_nanos: u64,
    /// The end, in nanoseconds since 1970.
    pub end_unix_nanos: u64,
    /// The attributes, in the order in which they were written.
    pub attributes: Vec<(String, Value)>,
    /// The number of attributes that were left out.
    pub dropped_attributes: u32,
    /// The span events, in the order in which they were written.
    pub events: Vec<SpanEvent>,
    /// The number of span events that were left out.
    pub dropped_events: u32,
    /// The links to spans of other traces.
    pub links: Vec<SpanLink>,
    /// The number of links that were left out.
    pub dropped_links: u32,
    /// The status.
    pub status: Status,
    /// The resource, which all spans that were reported under it share.
    pub resource: Arc<Resource>,
    /// The instrumentation scope, which all spans that were reported under it share.
    pub scope: Arc<Scope>,
}

impl Span {
    /// Returns the value of an attribute.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        find(&self.attributes, key)
    }

    /// Returns the value of an attribute of the resource.
    #[must_use]
    pub fn resource_attribute(&self, key: &str) -> Option<&Value> {
        find(&self.resource.attributes, key)
    }

    /// Returns the first span event of this name.
    #[must_use]
    pub fn event(&self, name: &str) -> Option<&SpanEvent> {
        self.events.iter().find(|event| event.name == name)
    }

    /// Returns the time from the start to the end; zero if the end is before the start.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.end_unix_nanos.saturating_sub(self.start_unix_nanos))
    }

    /// Returns true if the status is an error.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self.status, Status::Error { .. })
    }

    /// Returns the text of the failure: the description of the status, or else the message of the first span event
    /// `exception`. `None` if the span has not failed, or if there is no text.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        let Status::Error { description } = &self.status else { return None };
        let message = || self.event("exception")?.attribute("exception.message")?.as_str();
        Some(&**description).filter(|text| !text.is_empty()).or_else(message)
    }

    /// Returns true if the flags say that the parent is a span of another process.
    #[must_use]
    pub fn has_remote_parent(&self) -> bool {
        // Bits 8 and 9: whether it is known that the parent is remote, and whether it is.
        const REMOTE: u32 = 0b11 << 8;
        self.parent_span_id.is_some() && self.flags & REMOTE == REMOTE
    }
}

/// A span without name, ids and times, to write others with.
impl Default for Span {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: SpanKind::Internal,
            trace_id: TraceId::INVALID,
            span_id: SpanId::INVALID,
            parent_span_id: None,
            trace_state: String::new(),
            flags: 0,
            start_unix_nanos: 0,
            end_unix_nanos: 0,
            attributes: Vec::new(),
            dropped_attributes: 0,
            events: Vec::new(),
            dropped_events: 0,
            links: Vec::new(),
            dropped_links: 0,
            status: Status::Unset,
            resource: Arc::default(),
            scope: Arc::default(),
        }
    }
}

/// Something that happened at one moment of a span, e.g. an exception.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanEvent {
    /// The name, e.g. `exception`.
    pub name: String,
    /// The moment, in nanoseconds since 1970.
    pub unix_nanos: u64,
    /// The attributes, in the order in which they were written.
    pub attributes: Vec<(String, Value)>,
    /// The number of attributes that were left out.
    pub dropped_attributes: u32,
}

impl SpanEvent {
    /// Returns the value of an attribute.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        find(&self.attributes, key)
    }
}

/// A link to a span of another trace.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanLink {
    /// The trace of the linked span.
    pub trace_id: TraceId,
    /// The id of the linked span.
    pub span_id: SpanId,
    /// The trace state of the linked span.
    pub trace_state: String,
    /// The flags, as those of a span.
    pub flags: u32,
    /// The attributes, in the order in which they were written.
    pub attributes: Vec<(String, Value)>,
    /// The number of attributes that were left out.
    pub dropped_attributes: u32,
}

/// A link to no span, to write others with.
impl Default for SpanLink {
    fn default() -> Self {
        Self {
            trace_id: TraceId::INVALID,
            span_id: SpanId::INVALID,
            trace_state: String::new(),
            flags: 0,
            attributes: Vec::new(),
            dropped_attributes: 0,
        }
    }
}

impl SpanLink {
    /// Returns the value of an attribute.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        find(&self.attributes, key)
    }
}

/// The program that spans come from: the unit, its application, its charm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// The attributes, in the order in which they were written.
    pub attributes: Vec<(String, Value)>,
    /// The number of attributes that were left out.
    pub dropped_attributes: u32,
    /// The URL of the schema of the attributes.
    pub schema_url: String,
}

impl Resource {
    /// Returns the value of an attribute.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        find(&self.attributes, key)
    }
}

/// The instrumentation scope: the library that recorded the spans.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// The name, e.g. `charm-tracing`.
    pub name: String,
    /// The version of the library.
    pub version: String,
    /// The attributes, in the order in which they were written.
    pub attributes: Vec<(String, Value)>,
    /// The number of attributes that were left out.
    pub dropped_attributes: u32,
    /// The URL of the schema of the spans' attributes.
    pub schema_url: String,
}
