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
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceResponse,
    };
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    fn now() -> SystemTime {
        httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap()
    }

    fn of(status: u16) -> Verdict {
        judge(status, None, b"", now())
    }

    fn accepted(rejected_spans: u64, message: Option<&str>) -> Verdict {
        Verdict::Accepted { rejected_spans, message: message.map(str::to_owned) }
    }

    fn partial(rejected_spans: i64, error_message: &str) -> Vec<u8> {
        let partial = ExportTracePartialSuccess { rejected_spans, error_message: error_message.to_owned() };
        ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec()
    }

    #[test]
    fn every_success_is_accepted() {
        for status in [200, 202, 204, 299] {
            assert_eq!(of(status), accepted(0, None));
        }
    }

    #[test]
    fn partial_success_counts_what_was_rejected() {
        assert_eq!(judge(200, None, b"\x0a\x00", now()), accepted(0, None), "Tempo's empty partial success");
        assert_eq!(judge(200, None, &partial(3, "too old"), now()), accepted(3, Some("too old")));
        assert_eq!(
            judge(200, None, &partial(0, "a warning\nhere"), now()),
            accepted(0, Some("a warning here"))
        );
        assert_eq!(judge(200, None, &partial(-1, ""), now()), accepted(0, None));
    }

    #[test]
    fn what_a_later_version_adds_to_an_answer_is_passed_over() {
        let unknown = b"\x18\x05\x22\x01x";
        let partial = [&partial(3, "too old")[..], unknown].concat();
        assert_eq!(judge(200, None, &partial, now()), accepted(3, Some("too old")));
    }

    #[test]
    fn success_with_a_body_of_another_kind_is_plain_success() {
        for body in [&b"{}"[..], b"{\"partialSuccess\":{}}", b"<html>", b"\xff\xff"] {
            assert_eq!(judge(200, None, body, now()), accepted(0, None));
        }
    }

    #[test]
    fn what_may_work_later_is_kept() {
        for status in [402, 408, 411, 418, 425, 429, 431, 451, 499, 500, 502, 503, 504, 599, 101, 999] {
            let reason = format!("the backend answered {status}");
            assert_eq!(of(status), Verdict::Keep { reason, retry_after: None });
        }
    }

    #[test]
    fn wrong_configuration_is_kept() {
        for status in [301, 302, 307, 308, 401, 403, 404, 405, 410, 415, 421, 426] {
            assert!(
                matches!(of(status), Verdict::Keep { reason, .. } if reason.contains("check the endpoint")),
                "{status}"
            );
        }
    }

    #[test]
    fn refused_trace_is_dropped_with_what_was_said() {
        for status in [400, 413, 422] {
            assert_eq!(of(status), Verdict::Drop { reason: format!("the backend answered {status}") });
        }
        let said = judge(400, None, b"\x12\x0bbad\r\nspan id\xff\n", now());
        assert_eq!(said, Verdict::Drop { reason: "the backend answered 400: bad span id".to_owned() });
        let Verdict::Drop { reason } = judge(400, None, &[b'x'; 5000], now()) else { panic!("kept") };
        assert_eq!(reason.len(), "the backend answered 400: ".len() + 200);
    }

    #[test]
    fn what_the_backend_says_does_nothing_to_a_log() {
        let said = |body: &str| match judge(400, None, body.as_bytes(), now()) {
            Verdict::Drop { reason } => reason.strip_prefix("the backend answered 400: ").unwrap().to_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(said("\u{1b}[2J\u{1b}[31mred\u{7}"), "[2J [31mred");
        assert_eq!(said("one\r\ntwo\u{2028}three\u{85}four"), "one two three four");
        assert_eq!(said("a\u{202e}b\u{200b}c\u{feff}d\u{e0001}e"), "a b c d e");
        assert_eq!(said("it's \"quoted\" \\ größer 日本"), "it's \"quoted\" \\ größer 日本");
    }

    /// Checks the texts of Go's `net/http`, nginx 1.24 and Apache 2.4.
    #[test]
    fn request_that_should_have_been_https_is_kept() {
        for body in [
            "Client sent an HTTP request to an HTTPS server.\n",
            "<center><h1>400 Bad Request</h1></center>\r\n<center>The plain HTTP request was sent to HTTPS port</center>",
            "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
        ] {
            let reason = "the backend answered 400 (it expects https: check the endpoint)".to_owned();
            assert_eq!(judge(400, None, body.as_bytes(), now()), Verdict::Keep { reason, retry_after: None });
        }
    }

    #[test]
    fn size_is_to_blame_if_it_is_said_or_likely() {
        const MIB: usize = 1 << 20;
        assert!(is_too_large(413, 0) && is_too_large(400, 4 * MIB + 1));
        assert!(!is_too_large(400, 4 * MIB) && !is_too_large(422, usize::MAX));
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(may_be_too_large(Some(status)), "{status}");
        }
        for status in [None, Some(302), Some(401), Some(403), Some(404), Some(415), Some(999)] {
            assert!(!may_be_too_large(status), "{status:?}");
        }
    }

    #[test]
    fn retry_after_is_read_in_both_forms_and_bounded() {
        let wait = |value| match judge(429, Some(value), b"", now()) {
            Verdict::Keep { retry_after, .. } => retry_after.map(|wait| wait.as_secs()),
            other => panic!("{other:?}"),
        };
        assert_eq!(wait("5"), Some(5));
        assert_eq!(wait(" 120 "), Some(120));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30));
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0), "it is over");
        assert_eq!(wait("99999999999"), Some(3600));
        assert_eq!(wait("-1"), None);
        assert_eq!(wait("soon"), None);
    }

    proptest! {
        #[test]
        fn any_answer_gets_a_verdict(
            status: u16, retry_after in proptest::option::of("\\PC*"),
            body in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let verdict = judge(status, retry_after.as_deref(), &body, now());
            prop_assert_eq!(matches!(verdict, Verdict::Accepted { .. }), (200..300).contains(&status));
            if let Verdict::Keep { retry_after: Some(wait), .. } = verdict {
                prop_assert!(wait <= LONGEST_RETRY_AFTER);
            }
        }
    }
}
