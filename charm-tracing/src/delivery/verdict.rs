//! Decides what an answer means for the trace that was sent. Reads no clock, uses no network and keeps no state.

use std::time::{Duration, SystemTime};

use crate::otlp::{PartialSuccess, partial_success};

/// The consequence of an answer for a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The backend has it. It may have rejected some of its spans; sending again would not change that.
    Accepted { rejected_spans: u64, message: Option<String> },
    /// The trace waits, because nothing says that it is at fault.
    Keep { reason: String, retry_after: Option<Duration> },
    /// The trace itself is refused, and would be refused again.
    Drop { reason: String },
}

/// The longest pause that a backend can ask for.
pub(super) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

const LONGEST_EXCERPT: usize = 200;

/// Judges an answer by its status, its `Retry-After` header and its body.
pub(super) fn judge(status: u16, retry_after: Option<&str>, body: &[u8], now: SystemTime) -> Verdict {
    let keep = |why: &str| Verdict::Keep {
        reason: format!("the backend answered {status}{why}"),
        retry_after: retry_after.and_then(|value| parse_retry_after(value, now)),
    };
    match status {
        200..=299 => accepted(body),
        // A redirect means a wrong endpoint. Following it could send the trace to a host that nobody configured.
        300..=399 => keep(" (redirects are not followed: check the endpoint)"),
        401 | 403 => keep(" (not authorised: check the endpoint)"),
        404 | 410 => keep(" (not found: check the endpoint)"),
        405 | 415 | 421 | 426 => keep(" (traces are not taken there: check the endpoint)"),
        400 if is_meant_for_tls(body) => keep(" (it expects https: check the endpoint)"),
        // These say that the trace is at fault: it is malformed, or no part of it is small enough.
        400 | 413 | 422 => {
            Verdict::Drop { reason: format!("the backend answered {status}{}", excerpt(body)) }
        }
        // OTLP calls only 502, 503 and 504 retryable. But a plain 500 comes more often from a backend in trouble than
        // from one that fails on this trace. A trace that is kept without need is dropped by the limits in the end. A
        // status outside of all classes is not HTTP, and no reason to lose a trace.
        _ => keep(""),
    }
}

/// Returns true if a TLS server says that the request was not TLS. Servers in Go (Tempo, the OpenTelemetry Collector,
/// Traefik), nginx and Apache say this with 400.
fn is_meant_for_tls(body: &[u8]) -> bool {
    let says = |words: &str| body.windows(words.len()).any(|window| window == words.as_bytes());
    says("HTTP request to an HTTPS server")
        || says("plain HTTP request was sent to HTTPS port")
        || says("plain HTTP to an SSL-enabled server port")
}

/// Returns true if a refusal may be about the request's size, so that halves of it may be taken. `bytes` is the size of
/// the request, uncompressed.
///
/// 413 says so. Tempo answers 400 to a request of more than 20 MiB, and other backends may do so with a lower limit. No
/// known limit is below 4 MiB, that of gRPC messages.
pub(super) fn is_too_large(status: u16, bytes: usize) -> bool {
    status == 413 || (status == 400 && bytes > 4 << 20)
}

/// Returns true if a refusal looks like a proxy's: it has no text, or an HTML page. A refusal by OTLP is neither.
pub(super) fn is_page(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start(), [] | [b'<', ..])
}

/// Returns true if a request that has to wait may be too large, provided that smaller ones are taken.
///
/// A rate limiter answers 429 if a request is larger than its whole bucket; a proxy with a short timeout answers 502 or
/// 504. Without any answer (`None`) there is no time for a second attempt.
pub(super) fn may_be_too_large(status: Option<u16>) -> bool {
    matches!(status, Some(408 | 429 | 500..=599))
}

fn accepted(body: &[u8]) -> Verdict {
    // A success remains a success if the body is not that of OTLP, for example an empty JSON object or a proxy's page.
    let PartialSuccess { rejected_spans, message } = partial_success(body).unwrap_or_default();
    Verdict::Accepted {
        rejected_spans: u64::try_from(rejected_spans).unwrap_or(0),
        message: Some(message).filter(|message| !message.is_empty()).map(|message| printable(&message)),
    }
}

/// Parses seconds or an HTTP date (RFC 9110, section 10.2.3).
fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

/// Returns the backend's own words for the log of an operator, bounded and on one line.
fn excerpt(body: &[u8]) -> String {
    let text = printable(&String::from_utf8_lossy(body));
    if text.is_empty() { text } else { format!(": {text}") }
}

/// Removes control characters, escape sequences, and characters that change the direction of a text or hide parts of
/// it.
fn printable(text: &str) -> String {
    // A character that Rust shows as `\u{...}` is removed from the log. These three are kept, although Rust shows them
    // with a backslash.
    let shown = |c: char| matches!(c, '\'' | '"' | '\\') || c.escape_debug().len() == 1;
    let clean = text.replace(|c: char| c == char::REPLACEMENT_CHARACTER || !shown(c), " ");
    let words: Vec<_> = clean.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST_EXCERPT).collect()
}

#[cfg(test)]
mod tests;
