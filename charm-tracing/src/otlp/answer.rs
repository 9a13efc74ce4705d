//! Reads the body of a backend's answer.

use crate::protobuf::{Field, Fields, signed};

/// The part of an answer that says how much of an accepted request was rejected, and why.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct PartialSuccess {
    pub(crate) rejected_spans: i64,
    pub(crate) message: String,
}

/// Returns field 1 of an OTLP `ExportTraceServiceResponse`; `None` if there is none, or the body is something else. As
/// in all Protocol Buffers, the last of several values counts, and unknown fields are skipped.
pub(crate) fn partial_success(body: &[u8]) -> Option<PartialSuccess> {
    let mut partial = None;
    for field in Fields::of(body) {
        match field? {
            (1, Field::Bytes(message)) => read_partial_success(message, partial.get_or_insert_default())?,
            (1, _) => return None,
            _ => {}
        }
    }
    partial
}

fn read_partial_success(message: &[u8], partial: &mut PartialSuccess) -> Option<()> {
    for field in Fields::of(message) {
        match field? {
            (1, Field::Varint(rejected)) => partial.rejected_spans = signed(rejected),
            (2, Field::Bytes(text)) => std::str::from_utf8(text).ok()?.clone_into(&mut partial.message),
            (1 | 2, _) => return None,
            _ => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceResponse,
    };
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    /// Returns true if the bytes may contain a tag of a group.
    fn has_group(body: &[u8]) -> bool {
        body.iter().any(|byte| byte & 7 == 3)
    }

    proptest! {
        #[test]
        fn an_answer_is_read_as_opentelemetrys_own_crates_do(
            rejected: i64, text in ".*", more in proptest::collection::vec(any::<u8>(), 0..12), cut in 0_usize..20,
        ) {
            let partial = ExportTracePartialSuccess { rejected_spans: rejected, error_message: text };
            let answer = ExportTraceServiceResponse { partial_success: Some(partial) };
            let mut body = [answer.encode_to_vec(), more].concat();
            body.truncate(body.len().saturating_sub(cut));
            // We do not read groups, which OTLP does not have.
            let ours = partial_success(&body);
            if ours.is_none() && has_group(&body) {
                return Ok(());
            }
            let theirs = ExportTraceServiceResponse::decode(&*body);
            let theirs = theirs.ok().and_then(|response| response.partial_success);
            let theirs = theirs.map(|partial| PartialSuccess {
                rejected_spans: partial.rejected_spans,
                message: partial.error_message,
            });
            prop_assert_eq!(ours, theirs);
        }
    }
}
