//! OTLP in JSON, as `ops-tracing` and some exporters write it, to and from Protocol Buffers.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use serde_json::Value as Json;

/// The reason why a request cannot be converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// It is no JSON, or not the JSON of a request.
    #[error("cannot read it as OTLP in JSON")]
    FromJson(#[source] serde_json::Error),
    /// It is JSON, but no object.
    #[error("cannot read it as OTLP in JSON, because it is no object")]
    NoObject,
    /// It is no request in Protocol Buffers.
    #[error("cannot read it as OTLP in Protocol Buffers")]
    FromProtobuf(#[source] prost::DecodeError),
    /// JSON has no such value.
    #[error("cannot write it as OTLP in JSON")]
    ToJson(#[source] serde_json::Error),
}

/// Converts a request in JSON to Protocol Buffers.
///
/// # Errors
/// If it is no request in JSON.
pub fn to_request(json: &[u8]) -> Result<Vec<u8>, ConvertError> {
    // A list would be read as the fields in their order.
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(ConvertError::NoObject);
    }
    encoded(serde_json::from_slice(json))
}

/// Converts the requests in a file: one, or one a line as collectors write them. After the first one that cannot be read, there
/// are no more.
pub fn to_requests(json: &[u8]) -> impl Iterator<Item = Result<Vec<u8>, ConvertError>> {
    let mut requests = serde_json::Deserializer::from_slice(json).into_iter();
    let mut has_failed = false;
    std::iter::from_fn(move || {
        let request = requests.next().filter(|_| !has_failed).map(encoded)?;
        has_failed = request.is_err();
        Some(request)
    })
}

fn encoded(json: serde_json::Result<Json>) -> Result<Vec<u8>, ConvertError> {
    let request = json.and_then(|mut json| {
        complete(&mut json);
        serde_json::from_value::<ExportTraceServiceRequest>(json)
    });
    Ok(request.map_err(ConvertError::FromJson)?.encode_to_vec())
}

/// Adds what JSON of Protocol Buffers may leave out, but `opentelemetry-proto` 0.33 asks for: OpenTelemetry's collector writes an
/// empty list as `{"arrayValue": {}}`, and `null` is the default of every field.
fn complete(json: &mut Json) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(complete),
        Json::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            // JSON has no such number, so that `NaN` and `Infinity` are texts there.
            if let Some(Json::String(text)) = fields.get("doubleValue") {
                let text = text.as_str().into();
                fields.remove("doubleValue");
                fields.insert("stringValue".to_owned(), text);
            }
            for (name, field) in fields {
                if let ("arrayValue" | "kvlistValue", Json::Object(list)) = (name.as_str(), &mut *field) {
                    list.entry("values").or_insert_with(|| Json::Array(Vec::new()));
                }
                complete(field);
            }
        }
        _ => {}
    }
}

/// Converts a request in Protocol Buffers to JSON.
///
/// # Errors
/// If it is no request in Protocol Buffers.
pub fn from_request(request: &[u8]) -> Result<String, ConvertError> {
    let request = ExportTraceServiceRequest::decode(request).map_err(ConvertError::FromProtobuf)?;
    serde_json::to_string(&request).map_err(ConvertError::ToJson)
}

#[cfg(test)]
mod tests {
    use super::to_request;
    use crate::{Trace, Value};

    /// Reads a span with these fields beside its ids.
    fn read(fields: &str) -> Trace {
        let ids = r#""traceId": "5B8EFFF798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174""#;
        let json = format!(
            r#"{{"resourceSpans": [{{"resource": null, "scopeSpans": [{{"spans": [{{{ids}, {fields}}}]}}]}}]}}"#
        );
        let request = to_request(json.as_bytes()).unwrap_or_else(|error| panic!("{fields}: {error:?}"));
        Trace::from_otlp(&request).expect("a request")
    }

    #[test]
    fn each_spelling_that_collectors_write_is_read() {
        for fields in [
            r#""startTimeUnixNano": "5", "parentSpanId": "", "status": {}"#,
            r#""startTimeUnixNano": 5, "parentSpanId": null, "attributes": null, "events": null, "status": null"#,
            r#""startTimeUnixNano": "5", "unknown": [{"a": 1}], "flags": 257"#,
        ] {
            let trace = read(fields);
            assert_eq!((trace.spans()[0].start_unix_nanos, trace.roots().len()), (5, 1), "{fields}");
        }
        for (value, expected) in [
            (r#"{"arrayValue": {}}"#, Value::Array(Vec::new())),
            (r#"{"kvlistValue": {}}"#, Value::Map(Vec::new())),
            (
                r#"{"arrayValue": {"values": [{"arrayValue": {}}, {"intValue": "7"}]}}"#,
                Value::Array(vec![Value::Array(Vec::new()), Value::Int(7)]),
            ),
            (r#"{"doubleValue": "NaN"}"#, "NaN".into()),
            (r#"{"bytesValue": "aGk="}"#, Value::Bytes(b"hi".to_vec())),
        ] {
            let trace = read(&format!(r#""attributes": [{{"key": "a", "value": {value}}}]"#));
            assert_eq!(trace.spans()[0].attributes[0].1, expected, "{value}");
        }
    }
}
