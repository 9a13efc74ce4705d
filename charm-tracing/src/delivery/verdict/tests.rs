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
    assert_eq!(judge(200, None, &partial(0, "a warning\nhere"), now()), accepted(0, Some("a warning here")));
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
