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

use std::io;
use std::path::Path;

use super::error::QueueError;
use super::file_system::{Entry, Kind};
use super::waiting::{NewTrace, Queue};
use crate::protobuf::{Field, Fields};

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
pub(super) struct PythonTrace<'a> {
    /// An OTLP `ExportTraceServiceRequest`; never empty.
    pub(super) bytes: &'a [u8],
    /// The trace id of its first span that has one.
    pub(super) trace_id: [u8; 16],
    /// The start of its first span, in nanoseconds since 1970.
    start: u64,
}

/// Finds the requests that are well-formed and have at least one span with an id, in the order of the file.
pub(super) fn requests(file: &[u8]) -> impl Iterator<Item = PythonTrace<'_>> {
    chunks(file)
        .flat_map(|chunk| {
            let mut fields = Fields::of(chunk);
            let mut at = 0;
            // An invalid field ends the chunk.
            std::iter::from_fn(move || {
                let (number, field) = fields.next()??;
                let begin = at;
                at = chunk.len() - fields.rest();
                Some((&chunk[begin..at], number, field))
            })
        })
        .filter_map(|(bytes, number, field)| match (number, field) {
            (1, Field::Bytes(resource_spans)) => {
                let Spans { trace_id, start } = spans_of(resource_spans)?;
                Some(PythonTrace { bytes, trace_id: trace_id?, start })
            }
            _ => None,
        })
}

/// Splits a file at its separators.
fn chunks(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(file);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let end = separator(bytes);
        rest = end.map(|end| &bytes[end + SEPARATOR.len()..]);
        Some(&bytes[..end.unwrap_or(bytes.len())])
    })
}

fn separator(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += bytes[at..].iter().position(|byte| *byte == SEPARATOR[0])?;
        if bytes[at..].starts_with(SEPARATOR) {
            return Some(at);
        }
        at += 1;
    }
}

/// The facts about some spans that the name of their file needs.
#[derive(Debug, Clone, Copy)]
struct Spans {
    trace_id: Option<[u8; 16]>,
    start: u64,
}

/// Returns the facts about the spans of a `ResourceSpans`; `None` if the bytes are something else.
fn spans_of(resource_spans: &[u8]) -> Option<Spans> {
    let mut spans = Spans { trace_id: None, start: u64::MAX };
    for field in Fields::of(resource_spans) {
        match field? {
            (1, Field::Bytes(resource)) => is_message(resource)?,
            (2, Field::Bytes(scope_spans)) => add_scope_spans(&mut spans, scope_spans)?,
            (3, Field::Bytes(_)) => {}
            (1..=3, _) => return None,
            _ => {}
        }
    }
    Some(spans)
}

fn add_scope_spans(spans: &mut Spans, scope_spans: &[u8]) -> Option<()> {
    for field in Fields::of(scope_spans) {
        match field? {
            (1, Field::Bytes(scope)) => is_message(scope)?,
            (2, Field::Bytes(span)) => add_span(spans, span)?,
            (3, Field::Bytes(_)) => {}
            (1..=3, _) => return None,
            _ => {}
        }
    }
    Some(())
}

fn add_span(spans: &mut Spans, span: &[u8]) -> Option<()> {
    let (mut trace_id, mut span_id, mut start) = (None, None, u64::MAX);
    for field in Fields::of(span) {
        match field? {
            (1, Field::Bytes(id)) => trace_id = id.try_into().ok().filter(|id: &[u8; 16]| *id != [0; 16]),
            (2, Field::Bytes(id)) => span_id = id.try_into().ok().filter(|id: &[u8; 8]| *id != [0; 8]),
            (7, Field::Fixed64(time)) => start = time,
            (9 | 11 | 13 | 15, Field::Bytes(message)) => is_message(message)?,
            (3..=5, Field::Bytes(_))
            | (6 | 10 | 12 | 14, Field::Varint(_))
            | (8, Field::Fixed64(_))
            | (16, Field::Fixed32(_))
            | (17.., _) => {}
            _ => return None,
        }
    }
    if span_id.is_some() {
        spans.trace_id = spans.trace_id.or(trace_id);
        spans.start = spans.start.min(start);
    }
    Some(())
}

fn is_message(bytes: &[u8]) -> Option<()> {
    Fields::of(bytes).all(|field| field.is_some()).then_some(())
}
