//! Reads an OTLP request. The field numbers are those of OTLP's `.proto` files; unknown fields are skipped.

use std::sync::Arc;

use opentelemetry::trace::{SpanId, SpanKind, Status, TraceId};
use thiserror::Error;

use super::{Resource, Scope, Span, SpanEvent, SpanLink, Trace, Value};
use crate::protobuf::{self, Field, signed};

/// The reason why bytes are no trace.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceError {
    /// The bytes are no message of Protocol Buffers, or have a field of another type than OTLP's.
    #[error("cannot read the bytes of an OTLP {message}")]
    Malformed {
        /// The name of the message in OTLP's `.proto` files.
        message: &'static str,
    },
    /// A text is not UTF-8.
    #[error("cannot read a text of an OTLP {message}, because it is not UTF-8")]
    NotText {
        /// The name of the message in OTLP's `.proto` files.
        message: &'static str,
    },
    /// An id has the wrong length, or the id of a span or its trace has only zeros.
    #[error("cannot take \"{id}\" as a {kind}: it must have {digits} hexadecimal digits, and not only zeros")]
    InvalidId {
        /// The kind of the id, e.g. `parent span id`.
        kind: &'static str,
        /// The id, in hexadecimal.
        id: String,
        /// The number of digits that an id of this kind has.
        digits: usize,
    },
    /// The value of an attribute is nested too deeply.
    #[error("cannot read an attribute that is nested more than {DEEPEST} times")]
    TooDeep,
}

/// The maximum nesting of lists and maps in an attribute. `prost` refuses about as many.
const DEEPEST: usize = 40;

impl Trace {
    /// Reads the body of an OTLP/HTTP request, an `ExportTraceServiceRequest` in Protocol Buffers. The file of a waiting trace
    /// is such a body.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are no such request, or if an id in it is invalid.
    pub fn from_otlp(request: &[u8]) -> Result<Self, TraceError> {
        const MESSAGE: &str = "ExportTraceServiceRequest";
        let mut spans = Vec::new();
        for field in fields(MESSAGE, request) {
            match field? {
                (1, Field::Bytes(inner)) => resource_spans(inner, &mut spans)?,
                (1, _) => return malformed(MESSAGE),
                _ => {}
            }
        }
        Ok(spans.into())
    }
}

fn resource_spans(bytes: &[u8], spans: &mut Vec<Span>) -> Result<(), TraceError> {
    const MESSAGE: &str = "ResourceSpans";
    let (mut resource, mut groups) = (Resource::default(), Vec::new());
    for field in fields(MESSAGE, bytes) {
        match field? {
            (1, Field::Bytes(inner)) => read_resource(inner, &mut resource)?,
            (2, Field::Bytes(inner)) => groups.push(inner),
            (3, Field::Bytes(inner)) => resource.schema_url = text(MESSAGE, inner)?,
            (1..=3, _) => return malformed(MESSAGE),
            _ => {}
        }
    }
    let resource = Arc::new(resource);
    groups.into_iter().try_for_each(|group| scope_spans(group, &resource, spans))
}

fn scope_spans(bytes: &[u8], resource: &Arc<Resource>, spans: &mut Vec<Span>) -> Result<(), TraceError> {
    const MESSAGE: &str = "ScopeSpans";
    let (mut scope, mut inner_spans) = (Scope::default(), Vec::new());
    for field in fields(MESSAGE, bytes) {
        match field? {
            (1, Field::Bytes(inner)) => read_scope(inner, &mut scope)?,
            (2, Field::Bytes(inner)) => inner_spans.push(inner),
            (3, Field::Bytes(inner)) => scope.schema_url = text(MESSAGE, inner)?,
            (1..=3, _) => return malformed(MESSAGE),
            _ => {}
        }
    }
    let scope = Arc::new(scope);
    for inner in inner_spans {
        spans.push(span(inner, resource, &scope)?);
    }
    Ok(())
}

fn read_resource(bytes: &[u8], resource: &mut Resource) -> Result<(), TraceError> {
    const MESSAGE: &str = "Resource";
    for field in fields(MESSAGE, bytes) {
        match field? {
            (1, Field::Bytes(inner)) => resource.attributes.push(key_value(inner, 0)?),
            (2, Field::Varint(count)) => resource.dropped_attributes = truncated(count),
            (1..=2, _) => return malformed(MESSAGE),
            _ => {}
        }
    }
    Ok(())
}

fn read_scope(bytes: &[u8], scope: &mut Scope) -> Result<(), TraceError> {
    const MESSAGE: &str = "InstrumentationScope";
    for field in fields(MESSAGE, bytes) {
        match field? {
            (1, Field::Bytes(inner)) => scope.name = text(MESSAGE, inner)?,
            (2, Field::Bytes(inner)) => scope.version = text(MESSAGE, inner)?,
            (3, Field::Bytes(inner)) => scope.attributes.push(key_value(inner, 0)?),
            (4, Field::Varint(count)) => scope.dropped_attributes = truncated(count),
            (1..=4, _) => return malformed(MESSAGE),
            _ => {}
        }
    }
    Ok(())
}

fn span(bytes: &[u8], resource: &Arc<Resource>, scope: &Arc<Scope>) -> Result<Span, TraceError> {
    const MESSAGE: &str = "Span";
    let mut span = Span { resource: Arc::clone(resource), scope: Arc::clone(scope), ..Span::default() };
    let (mut trace_id, mut span_id, mut parent) = (&[][..], &[][..], &[][..]);
    let (mut code, mut description) = (0, String::new());
    for field in fields(MESSAGE, bytes) {
        match field? {
            (1, Field::Bytes(inner)) => trace_id = inner,
            (2, Field::Bytes(inner)) => span_id = inner,
            (3, Field::Bytes(inner)) => span.trace_state = text(MESSAGE, inner)?,
            (4, Field::Bytes(inner)) => parent = inner,
            (5, Field::Bytes(inner)) => span.name = text(MESSAGE, inner)?,
            (6, Field::Varint(number)) => span.kind = kind(number),
            (7, Field::Fixed64(nanos)) => span.start_unix_nanos = nanos,
            (8, Field::Fixed64(nanos)) => span.end_unix_nanos = nanos,
            (9, Field::Bytes(inner)) => span.attributes.push(key_value(inner, 0)?),
            (10, Field::Varint(count)) => span.dropped_attributes = truncated(count),
            (11, Field::Bytes(inner)) => span.events.push(event(inner)?),
            (12, Field::Varint(count)) => span.dropped_events = truncated(count),
            (13, Field::Bytes(inner)) => span.links.push(link(inner)?),
            (14, Field::Varint(count)) => span.dropped_links = truncated(count),
            (15, Field::Bytes(inner)) => read_status(inner, &mut code, &mut description)?,
            (16, Field::Fixed32(flags)) => span.flags = flags,
            (1..=16, _) => return malformed(MESSAGE),
            _ => {}
        }
    }
    span.trace_id = id("trace id", trace_id)?
        .map(TraceId::from_bytes)
        .ok_or_else(|| invalid::<16>("trace id", trace_id))?;
    span.span_id =
        id("span id", span_id)?.map(SpanId::from_bytes).ok_or_else(|| invalid::<8>("span id", span_id))?;
    span.parent_span_id = id("parent span id", parent)?.map(SpanId::from_bytes);
    span.status = match code {
        1 => Status::Ok,
        2 => Status::error(description),
        _ => Status::Unset,
    };
    Ok(span)
}

fn event(bytes: &[u8]) -> Result<SpanEvent, TraceError> {
    const MESSAGE: &str = "Event";
    let mut event = SpanEvent::default();
    for field in fields(MESSAGE, bytes) {
        match field? {
            (1, Field::Fixed64(nanos)) => event.unix_nanos = nanos,
            (2, Field::Bytes(inner)) => event.name = text(MESSAGE, inner)?,
            (3, Field::Bytes(inner)) => event.attributes.push(key_value(inner, 0)?),
            (4, Field::Varint(count)) => event.dropped_attributes = truncated(count),
            (1..=4, _) => return malformed(MESSAGE),
            _ => {}
        }
    }
    Ok(event)
}

fn link(bytes: &[u8]) -> Result<SpanLink, TraceError> {
    const MESSAGE: &str = "Link";
    let mut link = SpanLink::default();
    let (mut trace_id, mut span_id) = (&[][..], &[][..]);
    for field in fields(MESSAGE, bytes) {
        match field? {
            (1, Field::Bytes(inner)) => trace_id = inner,
            (2, Field::Bytes(inner)) => span_id = inner,
            (3, Field::Bytes(inner)) => link.trace_state = text(MESSAGE, inner)?,
            (4, Field::Bytes(inner)) => link.attributes.push(key_value(inner, 0)?),
            (5, Field::Varint(count)) => link.dropped_attributes = truncated(count),
            (6, Field::Fixed32(flags)) => link.flags = flags,
            (1..=6, _) => return malformed(MESSAGE),
            _ => {}
        }
    }
    // OpenTelemetry allows a link to no span, for its attributes.
    link.trace_id = id("linked trace id", trace_id)?.map_or(TraceId::INVALID, TraceId::from_bytes);
    link.span_id = id("linked span id", span_id)?.map_or(SpanId::INVALID, SpanId::from_bytes);
    Ok(link)
}

fn read_status(bytes: &[u8], code: &mut u64, description: &mut String) -> Result<(), TraceError> {
    const MESSAGE: &str = "Status";
    for field in fields(MESSAGE, bytes) {
        match field? {
            (2, Field::Bytes(inner)) => *description = text(MESSAGE, inner)?,
            (3, Field::Varint(number)) => *code = number,
            (2..=3, _) => return malformed(MESSAGE),
            _ => {}
        }
    }
    Ok(())
}

fn key_value(bytes: &[u8], depth: usize) -> Result<(String, Value), TraceError> {
    const MESSAGE: &str = "KeyValue";
    let mut pair = (String::new(), Value::Empty);
    for field in fields(MESSAGE, bytes) {
        match field? {
            (1, Field::Bytes(inner)) => pair.0 = text(MESSAGE, inner)?,
            (2, Field::Bytes(inner)) => pair.1 = any_value(inner, depth)?,
            (1..=2, _) => return malformed(MESSAGE),
            _ => {}
        }
    }
    Ok(pair)
}

fn any_value(bytes: &[u8], depth: usize) -> Result<Value, TraceError> {
    const MESSAGE: &str = "AnyValue";
    if depth > DEEPEST {
        return Err(TraceError::TooDeep);
    }
    let mut value = Value::Empty;
    for field in fields(MESSAGE, bytes) {
        value = match field? {
            (1, Field::Bytes(inner)) => Value::String(text(MESSAGE, inner)?),
            (2, Field::Varint(number)) => Value::Bool(number != 0),
            (3, Field::Varint(number)) => Value::Int(signed(number)),
            (4, Field::Fixed64(bits)) => Value::Double(f64::from_bits(bits)),
            (5, Field::Bytes(inner)) => {
                Value::Array(elements("ArrayValue", inner, |inner| any_value(inner, depth + 1))?)
            }
            (6, Field::Bytes(inner)) => {
                Value::Map(elements("KeyValueList", inner, |inner| key_value(inner, depth + 1))?)
            }
            (7, Field::Bytes(inner)) => Value::Bytes(inner.to_vec()),
            (1..=7, _) => return malformed(MESSAGE),
            _ => value,
        };
    }
    Ok(value)
}

fn elements<T>(
    message: &'static str,
    bytes: &[u8],
    read: impl Fn(&[u8]) -> Result<T, TraceError>,
) -> Result<Vec<T>, TraceError> {
    let mut elements = Vec::new();
    for field in fields(message, bytes) {
        match field? {
            (1, Field::Bytes(inner)) => elements.push(read(inner)?),
            (1, _) => return malformed(message),
            _ => {}
        }
    }
    Ok(elements)
}

fn fields<'a>(
    message: &'static str,
    bytes: &'a [u8],
) -> impl Iterator<Item = Result<(u32, Field<'a>), TraceError>> {
    protobuf::fields(bytes).map(move |field| field.ok_or(TraceError::Malformed { message }))
}

fn malformed<T>(message: &'static str) -> Result<T, TraceError> {
    Err(TraceError::Malformed { message })
}

fn text(message: &'static str, bytes: &[u8]) -> Result<String, TraceError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| TraceError::NotText { message })
}

/// Reads an id; `None` if it is left out or has only zeros, which means that there is none.
fn id<const N: usize>(kind: &'static str, bytes: &[u8]) -> Result<Option<[u8; N]>, TraceError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let id = <[u8; N]>::try_from(bytes).map_err(|_| invalid::<N>(kind, bytes))?;
    Ok(Some(id).filter(|id| *id != [0; N]))
}

fn invalid<const N: usize>(kind: &'static str, bytes: &[u8]) -> TraceError {
    TraceError::InvalidId { kind, id: Value::Bytes(bytes.to_vec()).to_string(), digits: 2 * N }
}

/// Returns the lowest 32 bits of a varint, as Protocol Buffers specify for a field of the type `uint32`.
#[expect(clippy::cast_possible_truncation, reason = "Protocol Buffers specify it")]
fn truncated(number: u64) -> u32 {
    number as u32
}

fn kind(number: u64) -> SpanKind {
    match number {
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}
