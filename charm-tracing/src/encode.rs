//! Finished spans to the bytes of an OTLP `ExportTraceServiceRequest`. They are encoded once, whether they are
//! pushed now or wait in the buffer.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::Message;

/// One request with all `spans`, in their order within each instrumentation scope. The scope of the last span is the
/// last, so that a reader who goes through the request meets the root at its end, as in the Python library's.
pub(crate) fn request(spans: Vec<SpanData>, resource: &Resource) -> Vec<u8> {
    let resource = ResourceAttributesWithSchema::from(resource);
    let last = spans.last().map(|span| span.span_context.span_id().to_bytes());
    let mut resource_spans = group_spans_by_resource_and_scope(spans, &resource);
    for ResourceSpans { scope_spans, .. } in &mut resource_spans {
        scope_spans.sort_by_key(|scope| {
            scope.spans.last().is_some_and(|span| last.is_some_and(|last| span.span_id == last))
        });
    }
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}
