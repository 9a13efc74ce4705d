//! Headers that are sent with each request, such as the key of an account or the name of a tenant.

use percent_encoding::percent_decode_str;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::span::catch_panics;

/// The headers that describe the request itself, which users must not set.
const OURS: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::HOST,
];

/// Parses `name=value,name2=value2`, the form that OpenTelemetry specifies for `OTEL_EXPORTER_OTLP_HEADERS`: values are
/// percent-encoded. Skips a part that is no header. No value is ever shown.
pub(crate) fn parse(text: &str) -> HeaderMap {
    let parts = text.split(',').filter(|part| !part.trim().is_empty());
    let headers = parts.filter_map(|part| {
        let header = part.split_once('=').and_then(|(name, value)| {
            let value: Vec<u8> = percent_decode_str(value.trim()).collect();
            header(name.trim(), &value)
        });
        if header.is_none() {
            log::debug!("one of the headers that are named for OTLP cannot be sent");
        }
        header
    });
    headers.collect()
}

/// Adds a header that the charm names, or replaces the one of this name. If it cannot be sent, it is left out, with a warning.
pub(crate) fn add(headers: &mut HeaderMap, name: &str, value: &str) {
    if let Some((name, value)) = header(name, value.as_bytes()) {
        headers.insert(name, value);
    } else {
        catch_panics(|| {
            log::warn!("a header that the charm names for its traces cannot be sent, and is left out");
        });
    }
}

/// Returns a header whose value is never shown; `None` if it cannot be sent, or describes the request.
fn header(name: &str, value: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::try_from(name).ok().filter(|name| !OURS.contains(name))?;
    let mut value = HeaderValue::from_bytes(value).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

#[cfg(test)]
mod tests;
