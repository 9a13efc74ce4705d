//! The format of the journal, and its conversion to a trace after the dispatch was killed.
//!
//! A journal is a sequence of records. Each is a field in the wire format of Protocol Buffers, so it begins with its length,
//! and then the CRC-32 of that field, four bytes in little endian:
//!
//! | field | message of OTLP | |
//! |---|---|---|
//! | 1 | `Resource` | the charm's, first of all |
//! | 2 | `ScopeSpans` | without spans: a scope; the first is our own |
//! | 3 | `Span` | the part that all spans of a call site have in common; they are in our own scope |
//! | 16 + n | `Span` | one that has begun, if it has no status, else one that has ended |
//!
//! Scopes and call sites are counted together, from 0. A span of number n is in that scope, or has that call site; then the bytes of
//! the two parts, one after the other, are the whole message. A span may be there twice, as begun and as ended; the ended one
//! counts. Reading stops at the first record that is not complete.

use std::collections::{HashMap, HashSet};

use opentelemetry::trace::Status;
use opentelemetry::{InstrumentationScope, KeyValue};

use super::encode_span;
use super::request::{Frame, scope};
use crate::protobuf::{self, Field, bytes_always, fields, fixed64, length, message, next_field};
use crate::recorder::{ERROR_TYPE, JournalFormat, Record, TraceContext};
use crate::site::EncodedSite;

/// A writer of records for the spans that begin and end.
#[derive(Debug)]
pub(crate) struct Records {
    trace: TraceContext,
    /// The scopes that were written, with their numbers.
    scopes: HashMap<Frame, u32>,
    /// The call sites that were written, by their addresses, with their numbers.
    sites: HashMap<usize, u32>,
    /// The call site that was needed last, which is needed again in a loop.
    last: Option<(usize, u32)>,
}

/// The status and the `error.type` of a span that had not ended.
const INTERRUPTED: &str = "interrupted";

/// The field number of a span in our own scope, which has the number 0.
const FIRST: u32 = 16;

impl Records {
    /// Begins a journal with the resource of the charm.
    pub(crate) fn begin(
        out: &mut Vec<u8>,
        resource: &[KeyValue],
        own: &InstrumentationScope,
        trace: TraceContext,
    ) -> Self {
        record(out, |out| message(out, 1, |out| protobuf::attributes(out, 1, resource)));
        let mut records = Self { trace, scopes: HashMap::new(), sites: HashMap::new(), last: None };
        records.scope(out, own);
        records
    }

    /// Returns the number of a scope, and writes it before if it is new.
    fn scope(&mut self, out: &mut Vec<u8>, scope: &InstrumentationScope) -> u32 {
        let next = self.next();
        *self.scopes.entry(Frame::of(scope)).or_insert_with_key(|Frame { head, tail }| {
            record(out, |out| bytes_always(out, 2, &[&head[..], tail].concat()));
            next
        })
    }

    /// Returns the number of a call site, and writes it before if it is new.
    fn site(&mut self, out: &mut Vec<u8>, site: &EncodedSite) -> u32 {
        let address = std::ptr::from_ref(site).addr();
        match self.last {
            Some((last, number)) if last == address => return number,
            _ => {}
        }
        let next = self.next();
        let number = *self.sites.entry(address).or_insert_with(|| {
            record(out, |out| message(out, 3, |out| encode_span::site(out, site)));
            next
        });
        self.last = Some((address, number));
        number
    }

    fn next(&self) -> u32 {
        u32::try_from(self.scopes.len() + self.sites.len()).unwrap_or(u32::MAX)
    }
}

impl JournalFormat for Records {
    fn write(&mut self, out: &mut Vec<u8>, span: &Record, ended: bool) {
        let trace = self.trace;
        if let Some(site) = encode_span::plain_site(span) {
            let field = FIRST + self.site(out, site);
            record(out, |out| message(out, field, |out| encode_span::without_site(out, span, trace, ended)));
        } else {
            let field = FIRST + scope(span).map_or(0, |scope| self.scope(out, scope));
            record(out, |out| message(out, field, |out| encode_span::fields(out, span, trace, ended)));
        }
    }
}

fn record(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    let crc32 = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&crc32.to_le_bytes());
}

/// The trace of a dispatch that was killed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Interrupted {
    /// An OTLP `ExportTraceServiceRequest`.
    pub(crate) request: Vec<u8>,
    pub(crate) trace_id: [u8; 16],
    /// The id of its root.
    pub(crate) root: [u8; 8],
}

/// Makes a trace from a journal. Spans that had not ended end at the latest time in the journal, with the status error
/// "interrupted". Returns `None` if the journal has no record of a span that has begun, or a record is not valid.
pub(crate) fn interrupted(mut journal: &[u8]) -> Option<Interrupted> {
    let mut resource = &[][..];
    let mut scopes: Vec<&[u8]> = Vec::new();
    // The scope and the call site of each number.
    let mut numbered = Vec::new();
    let mut spans = Vec::new();
    while let Some((field, message)) = next_record(&mut journal) {
        match field {
            1 => resource = message,
            2 => {
                numbered.push((scopes.len(), &[][..]));
                scopes.push(message);
            }
            3 => numbered.push((0, message)),
            FIRST.. => {
                let (scope, site) = numbered.get(usize::try_from(field - FIRST).ok()?)?;
                spans.push(Written::read([message, site], *scope)?);
            }
            _ => {}
        }
    }
    let root = spans.iter().find(|span| !span.ended)?;
    let ids: HashSet<_> = spans.iter().map(|span| span.id).collect();
    let last = spans.iter().map(|span| span.start.max(span.end)).max()?;
    // The order is that of any trace. Ended spans come first, as they ended; then the others, the one that began last before
    // the rest.
    let mut seen = HashSet::new();
    let ended = spans.iter().filter(|span| span.ended);
    let open = spans.iter().rev().filter(|span| !span.ended);
    let mut groups = vec![Vec::new(); scopes.len()];
    for span in ended.chain(open).filter(|span| seen.insert((span.trace_id, span.id))) {
        // The parent of such a span was not written before the dispatch was killed.
        let is_orphan = span.trace_id == root.trace_id
            && span.id != root.id
            && span.flags & encode_span::IS_REMOTE == 0
            && !ids.contains(span.parent);
        let parent = if is_orphan { root.id } else { span.parent };
        message(groups.get_mut(span.scope)?, 2, |out| span.write_below(out, parent, last));
    }
    let mut request = Vec::with_capacity(groups.iter().map(Vec::len).sum::<usize>() + 1024);
    message(&mut request, 1, |out| {
        bytes_always(out, 1, resource);
        for (scope, spans) in scopes.iter().zip(&groups).rev().filter(|(_, spans)| !spans.is_empty()) {
            length(out, 2, scope.len() + spans.len());
            out.extend_from_slice(scope);
            out.extend_from_slice(spans);
        }
    });
    Some(Interrupted { request, trace_id: root.trace_id.try_into().ok()?, root: root.id.try_into().ok()? })
}

/// Reads a record from the front of a journal; `None` if there is no complete one.
fn next_record<'a>(journal: &mut &'a [u8]) -> Option<(u32, &'a [u8])> {
    let (number, field, raw) = next_field(journal)?;
    let (crc32, rest) = journal.split_first_chunk()?;
    *journal = rest;
    match field {
        Field::Bytes(message) if u32::from_le_bytes(*crc32) == crc32fast::hash(raw) => {
            Some((number, message))
        }
        _ => None,
    }
}

/// A span that was read from a journal.
#[derive(Clone, Copy)]
struct Written<'a> {
    /// The bytes of the span, in two parts. The fields below are read from the first one.
    span: [&'a [u8]; 2],
    scope: usize,
    ended: bool,
    trace_id: &'a [u8],
    id: &'a [u8],
    parent: &'a [u8],
    start: u64,
    end: u64,
    flags: u32,
}

impl<'a> Written<'a> {
    fn read(span: [&'a [u8]; 2], scope: usize) -> Option<Self> {
        let (none, ended) = (&[][..], false);
        let mut written =
            Self { span, scope, ended, trace_id: none, id: none, parent: none, start: 0, end: 0, flags: 0 };
        for field in fields(span[0]) {
            match field? {
                (1, Field::Bytes(id)) => written.trace_id = id,
                (2, Field::Bytes(id)) => written.id = id,
                (4, Field::Bytes(id)) => written.parent = id,
                (7, Field::Fixed64(start)) => written.start = start,
                (8, Field::Fixed64(end)) => written.end = end,
                (15, Field::Bytes(_)) => written.ended = true,
                (16, Field::Fixed32(flags)) => written.flags = flags,
                _ => {}
            }
        }
        Some(written)
    }

    /// Writes the span below `parent`. If it had not ended, it ends at `last`.
    fn write_below(&self, out: &mut Vec<u8>, parent: &[u8], last: u64) {
        let begin = out.len();
        out.extend_from_slice(self.span[0]);
        if parent != self.parent && parent.len() == self.parent.len() {
            // `self.parent` is a slice of these bytes, which gives its position.
            let at = begin + (self.parent.as_ptr().addr() - self.span[0].as_ptr().addr());
            out[at..at + parent.len()].copy_from_slice(parent);
        }
        out.extend_from_slice(self.span[1]);
        if !self.ended {
            fixed64(out, 8, last.max(self.start));
            protobuf::attributes(out, 9, &[KeyValue::new(ERROR_TYPE, INTERRUPTED)]);
            encode_span::status(out, &Status::error(INTERRUPTED));
        }
    }
}
