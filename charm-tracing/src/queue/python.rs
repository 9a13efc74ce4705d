//! Imports the traces in the Python library's buffer, which an earlier version of the charm, in Python, may have left.
//!
//! # Layout
//!
//! Each time that it stores spans, the library writes an OTLP `ExportTraceServiceRequest`, and joins them with a
//! separator. Earlier versions wrote the newest in front, without a separator. Both forms are messages of Protocol
//! Buffers, because joined messages are a message again: each field 1 is the `ResourceSpans` of one dispatch. Each of
//! them becomes a waiting trace: together with its tag it is already a request, so nothing is copied. Everything else
//! is skipped.
//!
//! # Once
//!
//! The name of such a trace depends only on its contents: the start of its first span, its id and its checksum. So if a
//! dispatch dies before it has removed the file, the next one writes the same files again.

use std::path::Path;
use std::{io, iter};

use super::error::QueueError;
use super::file_system::{Entry, Kind};
use super::waiting::{NewTrace, Queue};
use crate::protobuf::{Field, fields, next_field, walk};

/// The name of the library's buffer in the charm's directory.
pub(super) const FILE: &str = ".charm_tracing_buffer.raw";
const SEPARATOR: &[u8] = b"__CHARM_TRACING_BUFFER_SPAN_SEP__";

/// Stores every trace of a file in the queue, and then removes the file. A file without a trace stays, and so does
/// anything that is not a regular file of our own.
pub(super) fn import(queue: &Queue, file: &Path) -> Result<(), QueueError> {
    let Some(Entry { kind: Kind::File, own: true, .. }) = queue.look(file)? else { return Ok(()) };
    let bytes = match queue.fs.read(file) {
        // The library's buffer is never this large.
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => return Ok(()),
        read => Queue::io("read", file, read)?,
    };
    let mut imported = Vec::new();
    for PythonTrace { bytes, trace_id, start } in requests(&bytes) {
        let new = NewTrace { trace_id, idle: false, request: bytes };
        match queue.write(start / 1_000_000, &new) {
            Ok(name) => imported.push(queue.file(name)),
            Err(error) => {
                // The file still has these traces, so they would be sent twice.
                for path in &imported {
                    let _ = queue.fs.remove(path);
                }
                return Err(error);
            }
        }
    }
    if !imported.is_empty() {
        log::info!("{} traces in {} were taken over", imported.len(), file.display());
        Queue::io("remove", file, queue.fs.remove(file))?;
    }
    Ok(())
}

/// The spans of one dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PythonTrace<'a> {
    /// An OTLP `ExportTraceServiceRequest`; never empty.
    pub(crate) bytes: &'a [u8],
    /// The trace id of its first span that has one.
    pub(super) trace_id: [u8; 16],
    /// The start of its first span, in nanoseconds since 1970.
    start: u64,
}

/// Finds the requests that are well-formed and have at least one span with an id, in the order of the file.
pub(crate) fn requests(file: &[u8]) -> impl Iterator<Item = PythonTrace<'_>> {
    // An invalid field ends a chunk.
    let fields = chunks(file).flat_map(|mut chunk| iter::from_fn(move || next_field(&mut chunk)));
    fields.filter_map(|(number, field, bytes)| match (number, field) {
        (1, Field::Bytes(resource_spans)) => {
            spans_of(resource_spans).map(|(trace_id, start)| PythonTrace { bytes, trace_id, start })
        }
        _ => None,
    })
}

/// Splits a file at its separators.
fn chunks(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(file);
    iter::from_fn(move || {
        let bytes = rest?;
        let is_separator = |window: &[u8]| window[0] == SEPARATOR[0] && window == SEPARATOR;
        let end = bytes.windows(SEPARATOR.len()).position(is_separator);
        rest = end.map(|end| &bytes[end + SEPARATOR.len()..]);
        Some(&bytes[..end.unwrap_or(bytes.len())])
    })
}

/// Returns the first trace id and the earliest start of the spans that have an id; `None` if no such span has a trace id, or
/// the bytes are no `ResourceSpans`.
fn spans_of(resource_spans: &[u8]) -> Option<([u8; 16], u64)> {
    let (mut first, mut earliest, mut is_valid) = (None, u64::MAX, true);
    walk(resource_spans, &[2, 2], &mut |span| {
        let (mut trace_id, mut span_id, mut start) = (None, None, u64::MAX);
        for field in fields(span) {
            match field {
                None => is_valid = false,
                Some((1, Field::Bytes(id))) => trace_id = id.try_into().ok().filter(|id| *id != [0; 16]),
                Some((2, Field::Bytes(id))) => {
                    span_id = id.try_into().ok().filter(|id: &[u8; 8]| *id != [0; 8]);
                }
                Some((7, Field::Fixed64(time))) => start = time,
                Some(_) => {}
            }
        }
        if span_id.is_some() {
            first = first.or(trace_id);
            earliest = earliest.min(start);
        }
    })?;
    Some((first.filter(|_| is_valid)?, earliest))
}
