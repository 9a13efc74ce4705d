//! A request as it came over the wire, and the spans in it.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Instant;

use flate2::read::MultiGzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use super::http::RawRequest;

/// One request that the collector received.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which connection it came over: 1 for the first one since the collector started. Equal numbers in two requests
    /// mean that the client kept the connection.
    pub connection: usize,
    /// When its last byte had arrived.
    pub received: Instant,
    /// The HTTP method.
    pub method: String,
    /// The request target, with the query if there was one.
    pub path: String,
    /// All headers in the order they came, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as sent: still compressed, if it was.
    pub body: Vec<u8>,
    /// The body decoded, or why it could not be.
    pub message: Result<ExportTraceServiceRequest, String>,
    /// The status that was decided for it. None if it is left without an answer, or gets none that is whole.
    pub status: Option<u16>,
}

impl Request {
    pub(super) fn new(connection: usize, raw: RawRequest) -> Self {
        let message = decode(&raw);
        Self {
            connection,
            received: Instant::now(),
            method: raw.method,
            path: raw.path,
            headers: raw.headers,
            body: raw.body,
            message,
            status: None,
        }
    }

    /// The first header of this name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns true if the answer said that the spans were taken: any status of the 200s.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// The spans in it, in the order they were sent; none if the body could not be decoded.
    #[must_use]
    pub fn spans(&self) -> Vec<CollectedSpan> {
        self.message.iter().flat_map(flatten).collect()
    }
}

/// A span together with the resource and the instrumentation scope it was reported under.
#[derive(Clone, Debug, PartialEq)]
pub struct CollectedSpan {
    /// The resource, shared by all spans that were reported under it.
    pub resource: Arc<Resource>,
    /// The instrumentation scope, shared likewise.
    pub scope: Arc<InstrumentationScope>,
    /// The span itself, as decoded.
    pub span: Span,
}

impl CollectedSpan {
    /// An attribute of the span, as text.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<String> {
        attribute(&self.span.attributes, key)
    }

    /// An attribute of the span's resource, as text.
    #[must_use]
    pub fn resource_attribute(&self, key: &str) -> Option<String> {
        attribute(&self.resource.attributes, key)
    }
}

/// Looks an attribute up and writes its value as [`text_of`] does.
#[must_use]
pub fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    attributes.iter().find(|attribute| attribute.key == key).map(|found| text_of(found.value.as_ref()))
}

/// An attribute's value as text: strings without quotes, lists in brackets, bytes in hexadecimal, nothing as `null`.
#[must_use]
pub fn text_of(value: Option<&AnyValue>) -> String {
    use any_value::Value;
    let list = |parts: Vec<String>| parts.join(", ");
    match value.and_then(|any| any.value.as_ref()) {
        None => "null".to_owned(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(yes)) => yes.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BytesValue(bytes)) => hex(bytes),
        Some(Value::ArrayValue(array)) => {
            format!("[{}]", list(array.values.iter().map(|item| text_of(Some(item))).collect()))
        }
        Some(Value::KvlistValue(map)) => {
            let entry = |entry: &KeyValue| format!("{}: {}", entry.key, text_of(entry.value.as_ref()));
            format!("{{{}}}", list(map.values.iter().map(entry).collect()))
        }
        // An index into a table of strings, which trace requests do not have.
        Some(Value::StringValueStrindex(index)) => format!("string #{index}"),
    }
}

/// Bytes, for instance of an id, in lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn decode(raw: &RawRequest) -> Result<ExportTraceServiceRequest, String> {
    let encoding = raw.headers.iter().find(|(key, _)| key == "content-encoding");
    let plain = match encoding.map(|(_, value)| value.as_str()) {
        None | Some("identity") => raw.body.clone(),
        Some("gzip") => gunzip(&raw.body).map_err(|error| format!("not gzip: {error}"))?,
        Some(other) => return Err(format!("unknown content encoding {other:?}")),
    };
    parse(&plain)
}

fn parse(plain: &[u8]) -> Result<ExportTraceServiceRequest, String> {
    ExportTraceServiceRequest::decode(plain).map_err(|error| format!("not a trace request: {error}"))
}

/// Returns the spans in the body of a request that is not compressed, in their order.
///
/// # Errors
/// If the bytes are no request for traces.
pub(crate) fn spans_in(body: &[u8]) -> Result<Vec<CollectedSpan>, String> {
    parse(body).map(|message| flatten(&message))
}

fn gunzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(body).read_to_end(&mut plain)?;
    Ok(plain)
}

fn flatten(message: &ExportTraceServiceRequest) -> Vec<CollectedSpan> {
    let mut spans = Vec::new();
    for group in &message.resource_spans {
        let resource = Arc::new(group.resource.clone().unwrap_or_default());
        for scoped in &group.scope_spans {
            let scope = Arc::new(scoped.scope.clone().unwrap_or_default());
            spans.extend(scoped.spans.iter().map(|span| CollectedSpan {
                resource: Arc::clone(&resource),
                scope: Arc::clone(&scope),
                span: span.clone(),
            }));
        }
    }
    spans
}
