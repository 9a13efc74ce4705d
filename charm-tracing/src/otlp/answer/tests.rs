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
