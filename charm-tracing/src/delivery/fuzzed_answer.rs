//! Checks of the verdict on every answer of a backend, for the fuzzer.

use std::time::{Duration, SystemTime};

use super::verdict::{LONGEST_RETRY_AFTER, Verdict, judge};

/// Checks that the verdict fits the answer's status, and that only one line of the backend's text is repeated.
///
/// The first two bytes of the input are the status, the text up to the next zero is `Retry-After`, and the rest is the
/// body.
///
/// # Panics
///
/// Panics if a check fails.
pub fn answer(input: &[u8]) {
    let Some((status, rest)) = input.split_first_chunk() else { return };
    // A header that is not UTF-8 counts as missing.
    let (retry_after, body) = rest.split_at(rest.iter().position(|byte| *byte == 0).unwrap_or(0));
    let retry_after = std::str::from_utf8(retry_after).ok().filter(|text| !text.is_empty());
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let status = u16::from_be_bytes(*status);
    let verdict = judge(status, retry_after, body.get(1..).unwrap_or_default(), now);
    assert_eq!(matches!(verdict, Verdict::Accepted { .. }), (200..300).contains(&status), "{verdict:?}");
    let said = match verdict {
        Verdict::Accepted { message, .. } => message.unwrap_or_default(),
        Verdict::Keep { reason, retry_after } => {
            assert!(retry_after.is_none_or(|wait| wait <= LONGEST_RETRY_AFTER));
            reason
        }
        Verdict::Drop { reason } => {
            assert!((400..500).contains(&status), "{reason}");
            reason
        }
    };
    assert!(said.chars().count() < 300 && !said.contains(char::is_control), "{said:?}");
}
