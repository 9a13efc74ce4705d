//! Understands what an exporter posts.

use std::io::{self, Read};

use charm_testing::otlp_json;
use charm_tracing::__charm_traces::with_causes;
use flate2::read::MultiGzDecoder;

/// The largest request that is read, in bytes, also after it was unpacked: as much as OpenTelemetry's collector reads by default.
/// The spans of a request can take fifty times its size in memory.
const LARGEST: u64 = 20 << 20;

/// The encoding of a request, which is also that of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Protobuf,
    Json,
}

/// The reason why a request is refused, with the status that says so.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) reason: String,
}

impl Encoding {
    /// Returns the encoding that a `content-type` names.
    pub(super) fn of(content_type: &str) -> Result<Self, Refusal> {
        match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/x-protobuf" | "application/protobuf" => Ok(Self::Protobuf),
            "application/json" => Ok(Self::Json),
            other => Err(refusal(415, format!("the content type \"{other}\" is none of OTLP's"))),
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    /// Returns the body of the answer to a request that was taken: an `ExportTraceServiceResponse` without a field.
    pub(super) fn success(self) -> &'static str {
        match self {
            Self::Protobuf => "",
            Self::Json => "{}",
        }
    }
}

/// Reads the body, and returns the request in Protocol Buffers.
pub(super) fn request(
    body: &mut dyn Read,
    encoding: Encoding,
    content_encoding: &str,
) -> Result<Vec<u8>, Refusal> {
    let body = match content_encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => all(body),
        "gzip" => all(&mut MultiGzDecoder::new(body.take(LARGEST))),
        other => return Err(refusal(415, format!("the content encoding \"{other}\" is not known"))),
    };
    let body = body.map_err(|error| refusal(400, format!("the body cannot be read: {error}")))?;
    if body.len() as u64 > LARGEST {
        return Err(refusal(413, format!("more than {LARGEST} bytes are not read")));
    }
    match encoding {
        Encoding::Protobuf => Ok(body),
        Encoding::Json => otlp_json::to_request(&body).map_err(|error| refusal(400, with_causes(&error))),
    }
}

fn all(body: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    body.take(LARGEST + 1).read_to_end(&mut bytes).map(|_| bytes)
}

pub(super) fn refusal(status: u16, reason: impl Into<String>) -> Refusal {
    Refusal { status, reason: reason.into() }
}
