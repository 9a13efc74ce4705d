//! Takes over what waits in the buffer of the Python library: a charm that was written in Python before may have left it.
//!
//! # Layout
//!
//! Each time that it stores spans, the library writes an OTLP `ExportTraceServiceRequest`. Those are joined by a separator;
//! earlier versions wrote the newest in front, without one. The one and the other is a message of Protocol Buffers, since
//! those can be joined: its field 1, once for each time, is the `ResourceSpans` of one dispatch. Here each is a record of its
//! own: together with its tag it is a request of its own, so nothing is copied. Whatever else there is, is passed over.
//!
//! # Once
//!
//! A request is first stored in our buffer, and then its tag in the file becomes that of a field which no reader knows: a
//! change of one byte, so it is made or not. When all are done, the file is removed. A dispatch that dies between the two
//! leaves the file to the next one, which goes on: at most the one request of which only the tag was not changed yet is
//! stored twice, and none is lost. The same is true where the disk refuses that change. Of dispatches that run at once one
//! does it, by an advisory lock on the file.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::error::BufferError;
use super::fs::{BufferFile, is_wrong_kind};
use super::record::{NewRecord, Priority};
use super::store::Buffer;
use crate::encode::protobuf::{Field, Fields};

/// Where the library keeps it, in the charm's directory.
const FILE: &str = ".charm_tracing_buffer.raw";
const SEPARATOR: &[u8] = b"__CHARM_TRACING_BUFFER_SPAN_SEP__";
/// Bytes of the file that are read: of a larger one the last, where the newest traces are. By default it is never larger
/// than 10 MiB.
const READ_AT_MOST: u64 = 64 * 1024 * 1024;

/// Stores every trace of the Python library's buffer in ours, the oldest first, and removes that file. How many those were.
///
/// Where there is no such file this costs one system call. One that is not a regular file of our own is left alone, as is
/// one that cannot be read or written. What cannot be stored now stays there for the next dispatch, but for a trace that is
/// larger than our buffer may be.
pub(crate) fn import(buffer: &Buffer, charm_dir: &Path, now: SystemTime) -> u32 {
    let path = charm_dir.join(FILE);
    let opened = buffer.file_system().open_existing(&path);
    let Some(file) = opened.unwrap_or_else(|error| {
        let why =
            if is_wrong_kind(&error) { "it is not a regular file".to_owned() } else { error.to_string() };
        log::debug!("cannot take over the traces in {}: {why}", path.display());
        None
    }) else {
        return 0;
    };
    let mut imported = 0;
    if let Err(error) = import_file(buffer, &path, &*file, now, &mut imported) {
        log::debug!("cannot take over all traces in {}: {error}", path.display());
    }
    if imported > 0 {
        log::info!("{imported} traces in {} were taken over", path.display());
    }
    imported
}

fn import_file(
    buffer: &Buffer,
    path: &Path,
    file: &dyn BufferFile,
    now: SystemTime,
    imported: &mut u32,
) -> io::Result<()> {
    let facts = file.facts()?;
    if !facts.regular || !facts.own {
        return Err(io::Error::other("it is not a regular file of our own"));
    }
    let fs = buffer.file_system();
    if !file.try_lock()? || fs.identity(path)? != Some(facts.id) {
        // Another dispatch is at it, or has just done it.
        return Ok(());
    }
    let from = facts.len.saturating_sub(READ_AT_MOST);
    let mut bytes = vec![0; usize::try_from(facts.len - from).map_err(io::Error::other)?];
    let read = file.read_at(&mut bytes, from)?;
    bytes.truncate(read);

    let mut requests: Vec<_> = requests(&bytes).collect();
    requests.sort_by_key(|request| request.start);
    for Request { offset, bytes, trace_id, .. } in requests {
        let new = NewRecord { trace_id, priority: Priority::Interesting, payload: bytes };
        match buffer.append(&new, now) {
            Ok(_) => *imported += 1,
            Err(error @ BufferError::TooLarge { .. }) => {
                log::warn!("a trace in {} is lost: {error}", path.display());
            }
            Err(error) => return Err(io::Error::other(error)),
        }
        file.write_all_at(&[bytes[0] ^ TAKEN], from + offset as u64)?;
    }
    fs.remove(path).or_else(|_| file.set_len(0))
}

/// What makes the tag of field 1 that of field 15.
const TAKEN: u8 = 0x0a ^ 0x7a;

/// The spans of one dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Request<'a> {
    /// Where it is in the file.
    pub(super) offset: usize,
    /// An OTLP `ExportTraceServiceRequest`; never empty.
    pub(super) bytes: &'a [u8],
    /// Of its first span that has one.
    pub(super) trace_id: [u8; 16],
    /// When the first of its spans began, in nanoseconds since 1970.
    start: u64,
}

/// What is well-formed and has at least one span with an id, in the order of the file.
pub(super) fn requests(file: &[u8]) -> impl Iterator<Item = Request<'_>> {
    chunks(file)
        .flat_map(move |(start, chunk)| {
            let mut fields = Fields::of(chunk);
            let mut at = 0;
            // A field that is none ends the chunk.
            std::iter::from_fn(move || {
                let (number, field) = fields.next()??;
                let begin = at;
                at = chunk.len() - fields.rest();
                Some((start + begin, &chunk[begin..at], number, field))
            })
        })
        .filter_map(|(offset, bytes, number, field)| match (number, field) {
            (1, Field::Bytes(resource_spans)) => {
                let Spans { trace_id, start } = spans_of(resource_spans)?;
                Some(Request { offset, bytes, trace_id: trace_id?, start })
            }
            _ => None,
        })
}

/// What stands between separators, and where.
fn chunks(file: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = Some(0);
    std::iter::from_fn(move || {
        let start = at?;
        let end = separator(&file[start..]).map(|found| start + found);
        at = end.map(|end| end + SEPARATOR.len());
        Some((start, &file[start..end.unwrap_or(file.len())]))
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

/// What is to be known of some spans.
#[derive(Debug, Clone, Copy)]
struct Spans {
    trace_id: Option<[u8; 16]>,
    start: u64,
}

/// The spans of a `ResourceSpans`, or none if it is something else.
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
