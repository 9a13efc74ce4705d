use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceState};

use super::clock::{anchor, now};
use super::ids::SpanIds;
use super::journal::{Journal, JournalFile};
use super::quota::{Purpose, Share};
use super::record::{Details, Record, Remote, TraceContext, weight};
use super::store::{Handle, Store};
use crate::site::Site;

/// The trace that is being recorded.
#[derive(Debug)]
pub(crate) struct OpenTrace {
    /// The context of the root. `None` only before the root has begun.
    pub(crate) root: Option<Context>,
    /// The context of the event while it is handled.
    pub(crate) event: Option<Context>,
    /// The trace of the root and of the spans below it, except those with a [`Remote`].
    pub(crate) context: TraceContext,
    ids: SpanIds,
    pub(crate) spans: Store,
    /// The number of bytes that may still be recorded, by their [`weight`].
    quota: u64,
    /// The number of spans that did not fit into the quota when they began.
    pub(crate) dropped_spans: u64,
    /// The time that formatting the texts of errors has taken.
    pub(crate) time_for_errors: Duration,
    journal: Option<Box<Journal>>,
}

/// The result of a trace that was closed.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub(crate) trace: TraceContext,
    pub(crate) spans: Store,
    /// The number of spans that did not fit into the quota.
    pub(crate) dropped_spans: u64,
    /// The file to which the spans were written while the trace was open.
    pub(crate) journal: Option<Box<dyn JournalFile>>,
}

impl OpenTrace {
    /// Begins a trace that may record `quota` bytes, and its root below `parent`.
    pub(super) fn begin(
        quota: u64,
        parent: &SpanContext,
        details: Box<Details>,
        journal: Option<Box<Journal>>,
    ) -> (Self, Handle) {
        let mut trace = Self {
            root: None,
            event: None,
            context: TraceContext::below(parent),
            ids: SpanIds::begin_anywhere(),
            spans: Store::default(),
            quota,
            dropped_spans: 0,
            time_for_errors: Duration::ZERO,
            journal,
        };
        let details = trace.with_remote(parent, Some(details));
        anchor();
        let root = trace.store_span(parent, None, details, now());
        (trace, root)
    }

    /// Begins a span below `parent` at `start`, in nanoseconds since 1970. Returns `None` if the quota is used up.
    #[expect(clippy::inline_always, reason = "a tenth of what a span costs is the moving of its parts")]
    #[inline(always)]
    pub(crate) fn begin_span(
        &mut self,
        parent: &SpanContext,
        site: Option<&'static Site>,
        details: Option<Box<Details>>,
        start: u64,
    ) -> Option<Handle> {
        let details = self.with_remote(parent, details);
        let weight = weight::SPAN
            + site.map_or(0, Site::weight)
            + details.as_ref().map_or(0, |details| details.weight());
        if !self.take_quota(weight) {
            self.dropped_spans += 1;
            return None;
        }
        Some(self.store_span(parent, site, details, start))
    }

    #[expect(clippy::inline_always, reason = "a tenth of what a span costs is the moving of its parts")]
    #[inline(always)]
    fn store_span(
        &mut self,
        parent: &SpanContext,
        site: Option<&'static Site>,
        details: Option<Box<Details>>,
        start: u64,
    ) -> Handle {
        let (span_id, parent) = (self.ids.next(), parent.span_id());
        let handle = self.spans.begin(Record { site, span_id, parent, start, end: 0, details });
        let Some(journal) = &mut self.journal else { return handle };
        if journal.note_begun(handle.place, start) {
            journal.write(&mut self.spans, start);
        }
        handle
    }

    /// Takes a part of the charm's quota. Returns false if too little is left.
    #[inline]
    pub(crate) fn take_quota(&mut self, weight: usize) -> bool {
        Purpose::Charm.share(&mut self.quota).take(weight)
    }

    /// Changes the details of an open span, as far as the quota allows.
    pub(crate) fn change(
        &mut self,
        span: Handle,
        purpose: Purpose,
        change: impl FnOnce(&mut Details, Option<&'static Site>, &mut Share<'_>),
    ) {
        let Some(record) = self.spans.find(span) else { return };
        let mut share = purpose.share(&mut self.quota);
        let details = record.details.get_or_insert_with(|| {
            // They are made even if the quota is used up, so that dropped data is counted and a failure is recorded.
            share.take(size_of::<Details>());
            Box::default()
        });
        change(details, record.site, &mut share);
    }

    /// Ends a span at `end`, in nanoseconds since 1970, or when it began if that is later. Does nothing if it has ended.
    #[inline]
    pub(crate) fn end_span(&mut self, span: Handle, end: u64) {
        let Some(was_journaled) = self.spans.end(span, end) else { return };
        let Some(journal) = &mut self.journal else { return };
        if journal.note_ended(was_journaled, end) {
            journal.write(&mut self.spans, end);
        }
    }

    /// Closes the trace. Spans that are still open are not part of it.
    pub(super) fn close(self) -> Ended {
        let Self { context, mut spans, dropped_spans, journal, .. } = self;
        spans.pass_over_the_open();
        Ended { trace: context, spans, dropped_spans, journal: journal.map(|journal| journal.file) }
    }

    /// Adds a [`Remote`] to the details of a span that needs one.
    #[inline]
    fn with_remote(&self, parent: &SpanContext, details: Option<Box<Details>>) -> Option<Box<Details>> {
        let trace = TraceContext::below(parent);
        let belongs = trace == self.context && !parent.is_remote();
        if belongs && *parent.trace_state() == TraceState::NONE {
            return details;
        }
        Some(with_remote_now(trace, parent, details))
    }
}

#[cold]
fn with_remote_now(trace: TraceContext, parent: &SpanContext, details: Option<Box<Details>>) -> Box<Details> {
    let mut details = details.unwrap_or_default();
    details.remote =
        Some(Remote { trace, state: parent.trace_state().clone(), of_remote_parent: parent.is_remote() });
    details
}
