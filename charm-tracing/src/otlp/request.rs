//! Encodes ended spans as an OTLP `ExportTraceServiceRequest`, straight from the records. The bytes that the spans of a call
//! site have in common were encoded with the first of them. Spans are encoded once, whether they are sent now or wait in the
//! queue.
//!
//! The bytes are those that `opentelemetry-proto` and `prost` would write for the same spans of the SDK. The tests compare
//! them.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use opentelemetry::{InstrumentationScope, KeyValue};

use super::encode_span;
use crate::protobuf::{self, bytes, length, length_size, message};
use crate::recorder::{Record, Store, TraceContext};

/// The request of a finished session. Its bytes are made only when it is written, because the spans of a large session take
/// less memory.
pub(crate) struct Request<'a> {
    spans: &'a Store,
    trace: TraceContext,
    head: Vec<u8>,
    groups: Vec<Group>,
}

/// The number of bytes that are written at a time.
const CHUNK: usize = 64 * 1024;

impl<'a> Request<'a> {
    /// Prepares one request with all spans that have ended, in their order within each instrumentation scope. The scope of the
    /// last span is the last, so that the root is at the end of the request, as in the Python library's.
    ///
    /// `own` is the scope of the spans that name none.
    pub(crate) fn new(
        spans: &'a Store,
        trace: TraceContext,
        own: &InstrumentationScope,
        resource: &[KeyValue],
    ) -> Self {
        let groups = groups(spans.ended(), trace, own);
        let mut inner = Vec::with_capacity(1024);
        message(&mut inner, 1, |out| protobuf::attributes(out, 1, resource));
        let size = inner.len() + groups.iter().map(Group::framed_size).sum::<usize>();
        let mut head = Vec::with_capacity(length_size(size) + inner.len());
        length(&mut head, 1, size);
        head.append(&mut inner);
        Self { spans, trace, head, groups }
    }
}

impl Contents for Request<'_> {
    fn size(&self) -> usize {
        self.head.len() + self.groups.iter().map(Group::framed_size).sum::<usize>()
    }

    fn write_to(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut out = Vec::with_capacity(self.size().min(CHUNK + 4096));
        out.extend_from_slice(&self.head);
        for group in &self.groups {
            length(&mut out, 2, group.size + group.frame.size());
            out.extend_from_slice(&group.frame.head);
            if group.own {
                group.write_own(&mut out, self.spans.ended(), self.trace, to)?;
            } else {
                out.extend_from_slice(&group.detailed);
            }
            out.extend_from_slice(&group.frame.tail);
        }
        to.write_all(&out)
    }
}

/// Bytes that are made when they are written.
pub(crate) trait Contents {
    /// Returns the number of bytes.
    fn size(&self) -> usize;
    fn write_to(&self, to: &mut dyn Write) -> io::Result<()>;

    fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size());
        // Writing to memory does not fail.
        let _ = self.write_to(&mut out);
        out
    }
}

impl Contents for &[u8] {
    fn size(&self) -> usize {
        self.len()
    }

    fn write_to(&self, to: &mut dyn Write) -> io::Result<()> {
        to.write_all(self)
    }
}

/// The spans of one instrumentation scope. Spans with details are encoded early to learn their size; the size of the others is
/// computed.
struct Group {
    /// True if the scope is our own.
    own: bool,
    frame: Frame,
    /// The size of all its spans in bytes.
    size: usize,
    /// The bytes of the spans that have details.
    detailed: Vec<u8>,
    /// The positions in `detailed` at which these spans end.
    ends: Vec<usize>,
}

fn groups<'a>(
    records: impl Iterator<Item = &'a Record>,
    trace: TraceContext,
    own: &InstrumentationScope,
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    // Two scopes are the same if their bytes are.
    let mut places = HashMap::new();
    let mut last = None;
    for record in records {
        let scope = scope(record);
        let tracer = scope.map(Arc::as_ptr);
        let place = last.and_then(|(last, place)| (last == tracer).then_some(place)).unwrap_or_else(|| {
            *places.entry(scope.map(|scope| Frame::of(scope))).or_insert_with_key(|frame| {
                let (own, frame) = (frame.is_none(), frame.clone().unwrap_or_else(|| Frame::of(own)));
                groups.push(Group { own, frame, size: 0, detailed: Vec::new(), ends: Vec::new() });
                groups.len() - 1
            })
        });
        last = Some((tracer, place));
        groups[place].measure(record, trace);
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

impl Group {
    /// Returns the size of the group in the request, with what stands before and after its spans.
    fn framed_size(&self) -> usize {
        let size = self.size + self.frame.size();
        length_size(size) + size
    }

    fn measure(&mut self, record: &Record, trace: TraceContext) {
        self.size += encode_span::plain_size(record).unwrap_or_else(|| {
            let before = self.detailed.len();
            encode_span::detailed(&mut self.detailed, record, trace, true);
            self.ends.push(self.detailed.len());
            self.detailed.len() - before
        });
    }

    fn write_own<'a>(
        &self,
        out: &mut Vec<u8>,
        records: impl Iterator<Item = &'a Record>,
        trace: TraceContext,
        to: &mut dyn Write,
    ) -> io::Result<()> {
        let (mut ends, mut start) = (self.ends.iter(), 0);
        for record in records.filter(|record| scope(record).is_none()) {
            if !encode_span::plain(out, record, trace)
                && let Some(end) = ends.next()
            {
                out.extend_from_slice(&self.detailed[start..*end]);
                start = *end;
            }
            if out.len() >= CHUNK {
                to.write_all(out)?;
                out.clear();
            }
        }
        Ok(())
    }
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

    pub(super) fn size(&self) -> usize {
        self.head.len() + self.tail.len()
    }
}
