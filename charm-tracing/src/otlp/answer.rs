//! Reads the body of a backend's answer.

use crate::protobuf::{Field, fields, signed};

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
    for field in fields(body) {
        match field? {
            (1, Field::Bytes(message)) => read_partial_success(message, partial.get_or_insert_default())?,
            (1, _) => return None,
            _ => {}
        }
    }
    partial
}

fn read_partial_success(message: &[u8], partial: &mut PartialSuccess) -> Option<()> {
    for field in fields(message) {
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
mod tests;
