//! A request as it came over the wire, and the spans in it.

use std::error::Error as _;
use std::io::{self, Read};
use std::time::Instant;

use flate2::read::MultiGzDecoder;

use crate::{Trace, otlp_json};

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
    /// The body as OTLP in Protocol Buffers, not compressed. It is converted if the body is JSON. Empty if the body could not be
    /// unpacked or converted.
    pub otlp: Vec<u8>,
    /// The spans in the body, in the order in which they were sent; or the reason why it could not be read.
    pub trace: Result<Trace, String>,
    /// The status that was decided for it. None if it is left without an answer, or gets none that is whole.
    pub status: Option<u16>,
}

/// A request as the connection had it, not decoded.
#[derive(Debug)]
pub(super) struct RawRequest {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// True if the client wants to send another request over this connection.
    pub(super) keep_alive: bool,
}

impl Request {
    pub(super) fn new(connection: usize, raw: RawRequest) -> Self {
        let otlp =
            unpacked(&raw).and_then(|body| if is_json(&raw.headers) { from_json(&body) } else { Ok(body) });
        let trace = otlp
            .as_deref()
            .map_err(Clone::clone)
            .and_then(|otlp| Trace::from_otlp(otlp).map_err(|error| format!("not a trace request: {error}")));
        Self {
            connection,
            received: Instant::now(),
            method: raw.method,
            path: raw.path,
            headers: raw.headers,
            body: raw.body,
            otlp: otlp.unwrap_or_default(),
            trace,
            status: None,
        }
    }

    /// The first header of this name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Returns true if the body is OTLP in JSON, by its content type.
    #[must_use]
    pub fn is_json(&self) -> bool {
        is_json(&self.headers)
    }

    /// Returns true if the answer said that the spans were taken: any status of the 200s.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// Returns the value of the first header of this name, which is given in lower case.
pub(super) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn unpacked(raw: &RawRequest) -> Result<Vec<u8>, String> {
    match header(&raw.headers, "content-encoding") {
        None | Some("identity") => Ok(raw.body.clone()),
        Some("gzip") => gunzip(&raw.body).map_err(|error| format!("not gzip: {error}")),
        Some(other) => Err(format!("unknown content encoding {other:?}")),
    }
}

fn is_json(headers: &[(String, String)]) -> bool {
    media_type(headers) == Some("application/json")
}

/// Returns the content type without its parameters.
pub(super) fn media_type(headers: &[(String, String)]) -> Option<&str> {
    header(headers, "content-type")?.split(';').next().map(str::trim)
}

fn from_json(json: &[u8]) -> Result<Vec<u8>, String> {
    otlp_json::to_request(json).map_err(|error| {
        let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        format!("not a trace request: {why}")
    })
}

fn gunzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(body).read_to_end(&mut plain)?;
    Ok(plain)
}
