//! Encodes one span.

use opentelemetry::trace::{Event, Link, SpanId, Status, TraceState};

use crate::protobuf::{attributes, bytes, fixed32, fixed64, int, length, message, uint32};
use crate::recorder::{Details, Record, TraceContext, unix_nanos};
use crate::site::{EncodedSite, write_kind};

/// The flag of a span and of a link which says that [`IS_REMOTE`] is known. The lowest byte has the flags of the context
/// itself.
const KNOWS_IS_REMOTE: u32 = 0x100;
/// The flag which says that the parent, or the linked context, is remote.
pub(super) const IS_REMOTE: u32 = 0x200;

/// Writes a span that has ended as field 2 of a `ScopeSpans`.
pub(super) fn encode(out: &mut Vec<u8>, record: &Record, trace: TraceContext) {
    let Some(site) = plain_site(record) else {
        return message(out, 2, |out| fields(out, record, trace, true));
    };
    let parent = if record.parent == SpanId::INVALID { 0 } else { 10 };
    // The ids, the times, and the status with the flags, each with its tag.
    let own = 18 + 10 + parent + 18 + 8;
    length(out, 2, own + site.name_and_kind().len() + site.attributes().len());
    ids(out, record, trace);
    out.extend_from_slice(site.name_and_kind());
    times(out, record, true);
    out.extend_from_slice(site.attributes());
    status_and_flags(out, trace, true);
}

/// Returns the site of a span that has no details; `None` if it has details or no site.
pub(super) fn plain_site(record: &Record) -> Option<&EncodedSite> {
    record.site.filter(|_| record.details.is_none()).map(crate::site::Site::encoded)
}

/// Writes the part of a span that is its own, if it has a site and no details. Together with [`site`] it is the whole span. It
/// has no end and no status if the span has only begun.
pub(super) fn without_site(out: &mut Vec<u8>, record: &Record, trace: TraceContext, ended: bool) {
    ids(out, record, trace);
    times(out, record, ended);
    status_and_flags(out, trace, ended);
}

/// Writes the part of a span that all spans of its site have in common.
pub(super) fn site(out: &mut Vec<u8>, site: &EncodedSite) {
    out.extend_from_slice(site.name_and_kind());
    out.extend_from_slice(site.attributes());
}

fn ids(out: &mut Vec<u8>, record: &Record, trace: TraceContext) {
    let mut ids = [0; 38];
    ids[..2].copy_from_slice(&[0x0a, 16]);
    ids[2..18].copy_from_slice(&trace.id.to_bytes());
    ids[18..20].copy_from_slice(&[0x12, 8]);
    ids[20..28].copy_from_slice(&record.span_id.to_bytes());
    ids[28..30].copy_from_slice(&[0x22, 8]);
    ids[30..].copy_from_slice(&record.parent.to_bytes());
    out.extend_from_slice(if record.parent == SpanId::INVALID { &ids[..28] } else { &ids });
}

/// Writes the start, and the end of a span that has ended.
fn times(out: &mut Vec<u8>, record: &Record, ended: bool) {
    let mut times = [0; 18];
    times[0] = 0x39;
    times[1..9].copy_from_slice(&record.start.to_le_bytes());
    times[9] = 0x41;
    times[10..].copy_from_slice(&record.end.to_le_bytes());
    out.extend_from_slice(if ended { &times } else { &times[..9] });
}

/// Writes the flags of a span without a remote parent, and before them the status "unset" of a span that has ended.
fn status_and_flags(out: &mut Vec<u8>, trace: TraceContext, ended: bool) {
    let end = [0x7a, 0, 0x85, 1, trace.flags.to_u8(), 1, 0, 0];
    out.extend_from_slice(if ended { &end } else { &end[2..] });
}

/// Writes the fields of any span. It has no end and no status if the span has only begun.
pub(super) fn fields(out: &mut Vec<u8>, record: &Record, trace: TraceContext, ended: bool) {
    let none = Details::default();
    let details = record.details.as_deref().unwrap_or(&none);
    let remote = details.remote.as_ref();
    bytes(out, 1, &remote.map_or(trace, |remote| remote.trace).id.to_bytes());
    bytes(out, 2, &record.span_id.to_bytes());
    trace_state(out, 3, remote.map_or(&TraceState::NONE, |remote| &remote.state));
    if record.parent != SpanId::INVALID {
        bytes(out, 4, &record.parent.to_bytes());
    }
    match record.site {
        Some(site) if details.name.is_none() && details.kind.is_none() => {
            out.extend_from_slice(site.encoded().name_and_kind());
        }
        _ => {
            bytes(out, 5, record.name().as_bytes());
            write_kind(out, details.kind.as_ref());
        }
    }
    fixed64(out, 7, record.start);
    if ended {
        fixed64(out, 8, record.end);
    }
    if let Some(site) = record.site.filter(|_| !details.own_site) {
        out.extend_from_slice(site.encoded().attributes());
    }
    attributes(out, 9, &details.attributes);
    uint32(out, 10, details.dropped_attributes);
    for each in &details.events {
        message(out, 11, |out| event(out, each));
    }
    uint32(out, 12, details.dropped_events);
    for each in &details.links {
        message(out, 13, |out| link(out, each));
    }
    uint32(out, 14, details.dropped_links);
    if ended {
        status(out, &details.status);
    }
    let (own, is_remote) = remote.map_or((trace, false), |remote| (remote.trace, remote.of_remote_parent));
    fixed32(out, 16, flags(own.flags.to_u8(), is_remote));
}

fn event(out: &mut Vec<u8>, event: &Event) {
    fixed64(out, 1, unix_nanos(event.timestamp));
    bytes(out, 2, event.name.as_bytes());
    attributes(out, 3, &event.attributes);
    uint32(out, 4, event.dropped_attributes_count);
}

fn link(out: &mut Vec<u8>, link: &Link) {
    let context = &link.span_context;
    bytes(out, 1, &context.trace_id().to_bytes());
    bytes(out, 2, &context.span_id().to_bytes());
    trace_state(out, 3, context.trace_state());
    attributes(out, 4, &link.attributes);
    uint32(out, 5, link.dropped_attributes_count);
    fixed32(out, 6, flags(context.trace_flags().to_u8(), context.is_remote()));
}

/// Writes the status as field 15 of a span, even if it is unset.
pub(super) fn status(out: &mut Vec<u8>, status: &Status) {
    message(out, 15, |out| match status {
        Status::Unset => {}
        Status::Ok => int(out, 3, 1),
        Status::Error { description } => {
            bytes(out, 2, description.as_bytes());
            int(out, 3, 2);
        }
    });
}

fn trace_state(out: &mut Vec<u8>, field: u32, state: &TraceState) {
    bytes(out, field, state.header().as_bytes());
}

fn flags(own: u8, is_remote: bool) -> u32 {
    u32::from(own) | KNOWS_IS_REMOTE | if is_remote { IS_REMOTE } else { 0 }
}
