//! OTLP in JSON, as `ops-tracing` and some exporters write it, to and from Protocol Buffers.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

/// The reason why a request cannot be converted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConvertError {
    #[error("cannot read it as OTLP in JSON")]
    FromJson(#[source] serde_json::Error),
    #[error("cannot read it as OTLP in JSON, because it is no object")]
    NoObject,
    #[error("cannot read it as OTLP in Protocol Buffers")]
    FromProtobuf(#[source] prost::DecodeError),
    #[error("cannot write it as OTLP in JSON")]
    ToJson(#[source] serde_json::Error),
}

/// Converts a request in JSON to Protocol Buffers.
pub(crate) fn to_request(json: &[u8]) -> Result<Vec<u8>, ConvertError> {
    // A list would be read as the fields in their order.
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(ConvertError::NoObject);
    }
    let request: ExportTraceServiceRequest = serde_json::from_slice(json).map_err(ConvertError::FromJson)?;
    Ok(request.encode_to_vec())
}

/// Converts the requests in a file: one, or one a line as collectors write them.
pub(crate) fn to_requests(json: &[u8]) -> Result<Vec<Vec<u8>>, ConvertError> {
    let requests = serde_json::Deserializer::from_slice(json).into_iter::<ExportTraceServiceRequest>();
    requests.map(|request| Ok(request.map_err(ConvertError::FromJson)?.encode_to_vec())).collect()
}

/// Converts a request in Protocol Buffers to JSON.
pub(crate) fn from_request(request: &[u8]) -> Result<String, ConvertError> {
    let request = ExportTraceServiceRequest::decode(request).map_err(ConvertError::FromProtobuf)?;
    serde_json::to_string(&request).map_err(ConvertError::ToJson)
}
