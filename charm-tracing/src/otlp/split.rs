//! Splits a trace that is too large for the backend into parts. Each part is a request of its own with some of the spans.
//!
//! This works on the bytes of an OTLP `ExportTraceServiceRequest`. A span is copied as it is. Everything else
//! (resource, scope, schema URLs, unknown fields) is copied into every part, because no part can be understood without
//! it. Several parts one after the other are again a request, in which a resource may occur several times.

use std::ops::Range;

use crate::protobuf::{Field, bytes_always, next_field, walk};

/// The path to the spans: the field number of `resource_spans` in a request, then of `scope_spans`, then of `spans`.
const SPANS: [u32; 3] = [1, 2, 2];
/// The smallest request that is split, in bytes. Every backend accepts this size; a smaller request is refused for
/// another reason.
const SMALLEST_TO_SPLIT: usize = 4 * 1024;

/// Counts the spans of a request; `None` if the bytes are no request.
pub(crate) fn spans(request: &[u8]) -> Option<usize> {
    let mut spans = 0;
    walk(request, &SPANS, &mut |_| spans += 1)?;
    Some(spans)
}

/// Returns the first and the second half of a request's spans; `None` if it cannot be split, or is too small.
pub(crate) fn halves(request: &[u8]) -> Option<[Vec<u8>; 2]> {
    let spans = spans(request).filter(|spans| *spans > 1 && request.len() >= SMALLEST_TO_SPLIT)?;
    let half = |range: Range<usize>| {
        let mut part = Vec::with_capacity(request.len() / 2);
        select(request, &SPANS, &mut 0, &range, &mut part).map(|_| part)
    };
    Some([half(0..spans / 2)?, half(spans / 2..spans)?])
}

/// Copies a message without the spans outside of `range`, and without messages that then have no spans. Returns false
/// if no span is left. `position` counts the spans so far.
fn select(
    mut message: &[u8],
    path: &[u32],
    position: &mut usize,
    range: &Range<usize>,
    out: &mut Vec<u8>,
) -> Option<bool> {
    let Some((field, below)) = path.split_first() else { return Some(false) };
    let mut any = false;
    while !message.is_empty() {
        let (number, value, raw) = next_field(&mut message)?;
        match value {
            Field::Bytes(_) if number == *field && below.is_empty() => {
                if range.contains(position) {
                    out.extend_from_slice(raw);
                    any = true;
                }
                *position += 1;
            }
            Field::Bytes(inner) if number == *field => {
                let mut kept = Vec::new();
                if select(inner, below, position, range, &mut kept)? {
                    bytes_always(out, number, &kept);
                    any = true;
                }
            }
            _ => out.extend_from_slice(raw),
        }
    }
    Some(any)
}

#[cfg(test)]
mod tests;
