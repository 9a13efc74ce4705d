//! What is written of a dispatch while it runs, so that it is there if the dispatch is killed, and what becomes of it then.
//!
//! It is a message in the wire format of Protocol Buffers that grows at its end, of these fields:
//!
//! | field | | |
//! |---|---|---|
//! | 1 | `Resource` | the charm's, first of all |
//! | 2 | `Span` | one that has ended |
//! | 3 | `Span` | one that has begun, without an end and a status |
//! | 4 | `ScopeSpans` | a scope, without spans; the scopes are counted from 0, and 0 is that of all fields 2 and 3 |
//! | 5 | message | a span of another scope: field 1 is the scope's number, field 2 or 3 the span as above |
//! | 6 | fixed64 | when this was written, in nanoseconds since 1970 |
//! | 7 | varint | how many spans there was no room for |
//! | 8 | `ExportTraceServiceRequest` | the finished trace: instead of all the others |
//! | 9 | bytes | its trace id |
//! | 10 | varint | 1 if it is a boring one |
//!
//! A span that has begun and ended is there twice; the end counts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use opentelemetry::trace::Status;
use opentelemetry::{InstrumentationScope, KeyValue};

use super::protobuf::{Field, Fields, bytes, bytes_always, fields, fixed64, int, length, message, uint32};
use super::{Frame, scope, span, value};
use crate::names;
use crate::recorder::{Record, TraceContext};

/// Writes down spans as they begin and end.
#[derive(Debug)]
pub(crate) struct Log {
    trace: TraceContext,
    /// The numbers of those but our own.
    scopes: HashMap<Frame, u32>,
    /// The one of the last span, and its number.
    scope: Option<(Arc<InstrumentationScope>, u32)>,
    turned_away: u64,
}

impl Log {
    /// Begins a log of the spans of a charm, whose own have this scope.
    pub(crate) fn begin(
        out: &mut Vec<u8>,
        resource: &[KeyValue],
        own: &InstrumentationScope,
        trace: TraceContext,
    ) -> Self {
        message(out, 1, |out| value::attributes(out, 1, resource));
        Frame::of(own).write(out);
        Self { trace, scopes: HashMap::new(), scope: None, turned_away: 0 }
    }

    /// A span that has ended.
    pub(crate) fn ended(&mut self, out: &mut Vec<u8>, record: &Record) {
        let trace = self.trace;
        match scope(record).map(|scope| self.number(out, scope)) {
            Some(number) => of_scope(out, number, |out| span::detailed(out, record, trace)),
            None => {
                if !span::plain(out, record, trace) {
                    span::detailed(out, record, trace);
                }
            }
        }
    }

    /// A span that has begun.
    pub(crate) fn open(&mut self, out: &mut Vec<u8>, record: &Record) {
        let trace = self.trace;
        match scope(record).map(|scope| self.number(out, scope)) {
            Some(number) => of_scope(out, number, |out| span::begun(out, record, trace)),
            None => span::begun(out, record, trace),
        }
    }

    /// When all that is new was written.
    pub(crate) fn moment(&mut self, out: &mut Vec<u8>, now: u64, turned_away: u64) {
        fixed64(out, 6, now);
        if self.is_news(turned_away) {
            self.turned_away = turned_away;
            int(out, 7, i64::try_from(turned_away).unwrap_or(i64::MAX));
        }
    }

    fn number(&mut self, out: &mut Vec<u8>, scope: &Arc<InstrumentationScope>) -> u32 {
        // Of the same tracer.
        if let Some((last, number)) = &self.scope
            && Arc::ptr_eq(last, scope)
        {
            return *number;
        }
        let next = u32::try_from(self.scopes.len() + 1).unwrap_or(u32::MAX);
        let number = *self.scopes.entry(Frame::of(scope)).or_insert_with_key(|frame| {
            frame.write(out);
            next
        });
        self.scope = Some((Arc::clone(scope), number));
        number
    }

    /// Whether it is news that there was no room for so many spans.
    pub(crate) fn is_news(&self, turned_away: u64) -> bool {
        turned_away != self.turned_away
    }
}

/// A finished trace that is left here because it could be neither stored nor sent.
pub(crate) fn finished(out: &mut Vec<u8>, request: &[u8], trace_id: [u8; 16], boring: bool) {
    bytes_always(out, 8, request);
    bytes(out, 9, &trace_id);
    uint32(out, 10, boring.into());
}

impl Frame {
    /// The scope, without spans.
    fn write(&self, out: &mut Vec<u8>) {
        length(out, 4, self.size());
        out.extend_from_slice(&self.head);
        out.extend_from_slice(&self.tail);
    }
}

fn of_scope(out: &mut Vec<u8>, number: u32, span: impl FnOnce(&mut Vec<u8>)) {
    message(out, 5, |out| {
        uint32(out, 1, number);
        span(out);
    });
}

/// What a dispatch left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// An OTLP `ExportTraceServiceRequest`.
    pub(crate) request: Vec<u8>,
    pub(crate) trace_id: [u8; 16],
    pub(crate) boring: bool,
}

/// Makes a trace of what a dispatch left that was killed: spans that had not ended are ended at the moment at which it last
/// wrote, with the status error "interrupted". None if there is no span, or the bytes are something else.
pub(crate) fn left(log: &[u8]) -> Option<Left> {
    let mut trace = Interrupted::default();
    let (mut finished, mut finished_id, mut boring) = (None, None, false);
    for field in Fields::of(log) {
        match field? {
            (1, Field::Bytes(resource)) => trace.resource = resource,
            (2, Field::Bytes(span)) => trace.spans.push(Written::read(span, 0, true)?),
            (3, Field::Bytes(span)) => trace.spans.push(Written::read(span, 0, false)?),
            (4, Field::Bytes(scope)) => trace.scopes.push(scope),
            (5, Field::Bytes(span)) => trace.spans.push(Written::read_with_scope(span)?),
            (6, Field::Fixed64(now)) => trace.last = now,
            (7, Field::Varint(count)) => trace.turned_away = count.cast_signed(),
            (8, Field::Bytes(request)) => finished = Some(request),
            (9, Field::Bytes(id)) => finished_id = id.try_into().ok(),
            (10, Field::Varint(flag)) => boring = flag == 1,
            _ => {}
        }
    }
    if let (Some(request), Some(trace_id)) = (finished, finished_id) {
        return Some(Left { request: request.to_vec(), trace_id, boring });
    }
    trace.request()
}

/// A span as it was written down.
#[derive(Clone, Copy)]
struct Written<'a> {
    span: &'a [u8],
    scope: usize,
    ended: bool,
    trace_id: &'a [u8],
    id: &'a [u8],
    parent: &'a [u8],
    start: u64,
    flags: u32,
}

impl<'a> Written<'a> {
    fn read(span: &'a [u8], scope: usize, ended: bool) -> Option<Self> {
        let mut written =
            Self { span, scope, ended, trace_id: &[], id: &[], parent: &[], start: 0, flags: 0 };
        for (number, field) in fields(span)? {
            match (number, field) {
                (1, Field::Bytes(id)) => written.trace_id = id,
                (2, Field::Bytes(id)) => written.id = id,
                (4, Field::Bytes(id)) => written.parent = id,
                (7, Field::Fixed64(start)) => written.start = start,
                (16, Field::Fixed32(flags)) => written.flags = flags,
                _ => {}
            }
        }
        Some(written)
    }

    fn read_with_scope(message: &'a [u8]) -> Option<Self> {
        match *fields(message)? {
            [(1, Field::Varint(scope)), (kind @ (2 | 3), Field::Bytes(span))] => {
                Self::read(span, usize::try_from(scope).ok()?, kind == 2)
            }
            _ => None,
        }
    }

    /// The span with another parent in the place of its own.
    fn write_below(&self, out: &mut Vec<u8>, parent: &[u8]) {
        let begin = out.len();
        out.extend_from_slice(self.span);
        if parent != self.parent && parent.len() == self.parent.len() {
            // It is a part of these bytes.
            let at = begin + (self.parent.as_ptr().addr() - self.span.as_ptr().addr());
            out[at..at + parent.len()].copy_from_slice(parent);
        }
    }
}

#[derive(Default)]
struct Interrupted<'a> {
    resource: &'a [u8],
    scopes: Vec<&'a [u8]>,
    /// In the order in which they were written.
    spans: Vec<Written<'a>>,
    last: u64,
    turned_away: i64,
}

impl<'a> Interrupted<'a> {
    fn request(self) -> Option<Left> {
        // The first of all that began.
        let root = *self.spans.iter().find(|span| !span.ended)?;
        let trace_id = root.trace_id.try_into().ok()?;
        let ids: HashSet<_> = self.spans.iter().map(|span| span.id).collect();
        let mut has_ended = HashSet::new();
        // As in any trace: who ended first is first, and of those that did not, who began last.
        let ended: Vec<_> = self
            .spans
            .iter()
            .filter(|span| span.ended && has_ended.insert((span.trace_id, span.id)))
            .collect();
        let open = self
            .spans
            .iter()
            .rev()
            .filter(|span| !span.ended && !has_ended.contains(&(span.trace_id, span.id)));

        let mut groups: Vec<Vec<u8>> = vec![Vec::new(); self.scopes.len()];
        for span in ended.into_iter().chain(open) {
            let out = groups.get_mut(span.scope)?;
            // What a parent was is lost when the dispatch is killed while it writes.
            let orphan = span.trace_id == root.trace_id
                && span.id != root.id
                && span.flags & span::IS_REMOTE == 0
                && !ids.contains(span.parent);
            let parent = if orphan { root.id } else { span.parent };
            message(out, 2, |out| self.write(out, span, parent, span.id == root.id));
        }
        let mut request = Vec::with_capacity(groups.iter().map(Vec::len).sum::<usize>() + 1024);
        message(&mut request, 1, |out| {
            bytes_always(out, 1, self.resource);
            for (scope, spans) in self.scopes.iter().zip(&groups).rev() {
                if !spans.is_empty() {
                    length(out, 2, scope.len() + spans.len());
                    out.extend_from_slice(scope);
                    out.extend_from_slice(spans);
                }
            }
        });
        Some(Left { request, trace_id, boring: false })
    }

    fn write(&self, out: &mut Vec<u8>, span: &Written<'a>, parent: &[u8], is_root: bool) {
        span.write_below(out, parent);
        if is_root && !span.ended && self.turned_away > 0 {
            let count = KeyValue::new(names::DROPPED_SPANS, self.turned_away);
            value::attributes(out, 9, [&count]);
        }
        if !span.ended {
            fixed64(out, 8, self.last.max(span.start));
            span::status(out, &Status::error("interrupted"));
        }
    }
}
