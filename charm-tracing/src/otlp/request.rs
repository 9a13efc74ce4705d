//! Encodes ended spans as an OTLP `ExportTraceServiceRequest`, straight from the records. The bytes that the spans of a call
//! site have in common were encoded with the first of them. Spans are encoded once, whether they are sent now or wait in the
//! queue.
//!
//! The bytes are those that `opentelemetry-proto` and `prost` would write for the same spans of the SDK. The tests compare
//! them.

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry::{InstrumentationScope, KeyValue};

use super::encode_span;
use crate::protobuf::{self, bytes, length, message};
use crate::recorder::{Record, Store, TraceContext};

/// Encodes all spans that have ended as one request, in their order within each instrumentation scope. The scope of the last
/// span is the last, so that the root is at the end of the request, as in the Python library's.
///
/// `own` is the scope of the spans that name none.
pub(crate) fn encode_request(
    spans: &Store,
    trace: TraceContext,
    own: &InstrumentationScope,
    resource: &[KeyValue],
) -> Vec<u8> {
    let groups = groups(spans.ended(), trace, own);
    let mut out = Vec::with_capacity(groups.iter().map(|group| group.spans.len()).sum::<usize>() + 1024);
    message(&mut out, 1, |out| {
        message(out, 1, |out| protobuf::attributes(out, 1, resource));
        for Group { frame: Frame { head, tail }, spans } in groups {
            length(out, 2, head.len() + spans.len() + tail.len());
            out.extend_from_slice(&head);
            out.extend_from_slice(&spans);
            out.extend_from_slice(&tail);
        }
    });
    out
}

/// The spans of one instrumentation scope.
struct Group {
    frame: Frame,
    spans: Vec<u8>,
}

fn groups(records: &[Record], trace: TraceContext, own: &InstrumentationScope) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    // Two scopes are the same if their bytes are.
    let mut places = HashMap::new();
    let mut last = None;
    for record in records {
        let scope = scope(record);
        let tracer = scope.map(Arc::as_ptr);
        let place = last.and_then(|(last, place)| (last == tracer).then_some(place)).unwrap_or_else(|| {
            *places.entry(scope.map(|scope| Frame::of(scope))).or_insert_with_key(|frame| {
                let frame = frame.clone().unwrap_or_else(|| Frame::of(own));
                groups.push(Group { frame, spans: Vec::new() });
                groups.len() - 1
            })
        });
        last = Some((tracer, place));
        encode_span::encode(&mut groups[place].spans, record, trace);
    }
    if let Some((_, place)) = last {
        let group = groups.remove(place);
        groups.push(group);
    }
    groups
}

pub(super) fn scope(record: &Record) -> Option<&Arc<InstrumentationScope>> {
    record.details.as_ref()?.scope.as_ref()
}

/// The fields of a `ScopeSpans` before and after its spans.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Frame {
    pub(super) head: Vec<u8>,
    pub(super) tail: Vec<u8>,
}

impl Frame {
    pub(super) fn of(scope: &InstrumentationScope) -> Self {
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        message(&mut head, 1, |out| protobuf::scope(out, scope));
        bytes(&mut tail, 3, scope.schema_url().unwrap_or_default().as_bytes());
        Self { head, tail }
    }
}
