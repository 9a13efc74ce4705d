use std::collections::BTreeSet;
use std::mem;

use super::backend::{Backend, SendOutcome};
use super::backlog::{Backlog, NotTaken};
use super::backoff;
use super::budget::{Allowance, Clock, TimeBudget};
use super::destination::Destination;
use super::endpoint::Endpoint;
use super::report::{DeliveryProblem, DeliveryReport};
use crate::otlp::Contents;
use crate::queue::{Backoff, Losses, Missing, NewTrace, Queue, QueueError, State, TraceName};
use crate::recorder::JournalFile;

/// The trace of a finished dispatch.
#[expect(clippy::struct_field_names, reason = "OpenTelemetry calls it a trace id")]
pub(crate) struct Trace<'a> {
    /// An OTLP `ExportTraceServiceRequest`.
    pub(crate) request: &'a dyn Contents,
    pub(crate) trace_id: [u8; 16],
    /// True if only the handler ran.
    pub(crate) idle: bool,
    /// The file to which it was written while it was recorded; `None` if the dispatch has none.
    pub(crate) journal: Option<Box<dyn JournalFile>>,
    /// The losses of earlier dispatches that its root span reports.
    pub(crate) reported_losses: Losses,
}

/// Stores a trace, then sends the waiting traces, oldest first, as far as the destination and the budget allow.
///
/// Without a queue (switched off, or not usable) the trace is sent at once, and lost if that fails. Each trace, and
/// each part of one, is removed after its answer. If the process dies meanwhile, the last one may be sent twice.
pub(crate) fn deliver(
    trace: &mut Trace<'_>,
    queue: Option<&Queue>,
    destination: Option<&Destination>,
    budget: &TimeBudget,
    clock: &dyn Clock,
) -> DeliveryReport {
    let allowance = Allowance::start(clock, budget);
    let report = DeliveryReport::default();
    let mut delivery =
        Delivery { report, own: Own::Unstored, damaged: 0, backoff: None, waiting: None, budget, clock };
    let queue = queue.filter(|queue| delivery.store(trace, queue, destination.is_some()));
    if let Some(destination) = destination {
        delivery.send(trace, queue, destination, allowance);
    }
    if let Some(queue) = queue {
        if delivery.own == Own::Unstored && destination.is_some() {
            // The disk may have been full, and sending may have freed space.
            delivery.store(trace, queue, false);
        }
        delivery.trim(queue);
    }
    delivery.conclude(trace, queue)
}

/// The delivery of one dispatch, with its results so far.
pub(super) struct Delivery<'a> {
    pub(super) report: DeliveryReport,
    pub(super) own: Own,
    /// The number of traces that were damaged on the disk.
    pub(super) damaged: u64,
    /// The knowledge about the backend for the next dispatch, if something was sent.
    backoff: Option<Backoff>,
    /// The waiting traces, if they were listed.
    waiting: Option<BTreeSet<TraceName>>,
    budget: &'a TimeBudget,
    clock: &'a dyn Clock,
}

/// The place of this dispatch's own trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    /// Only in memory, or in its journal.
    Unstored,
    /// Only in its journal, to which the process has no access now.
    Unreachable,
    /// In the queue, under this name.
    Stored(TraceName),
    /// Accepted, refused, or dropped by the limits: the report counts it.
    Done,
}

impl<'a> Delivery<'a> {
    /// Stores the trace. Returns false if the queue cannot be used in this dispatch.
    ///
    /// If the trace is about to be sent, the limits apply only at [`trim`](Self::trim).
    fn store(&mut self, trace: &mut Trace<'_>, queue: &Queue, to_send: bool) -> bool {
        let Trace { request, trace_id, idle, journal, .. } = trace;
        let new = NewTrace { trace_id: *trace_id, idle: *idle, request: *request };
        let now = self.clock.wall();
        let stored = queue.open(Missing::All).and_then(|_| queue.store(&new, now, to_send));
        match stored {
            Ok(stored) => {
                if let Some(mut journal) = journal.take() {
                    journal.remove();
                }
                self.own = Own::Stored(stored.name);
                self.count_dropped(&stored.dropped);
                self.waiting = stored.waiting;
                true
            }
            Err(error) => {
                let is_elsewhere = matches!(error, QueueError::Elsewhere { .. });
                if journal
                    .as_ref()
                    .is_some_and(|journal| (journal.is_begun() && is_elsewhere) || journal.is_out_of_reach())
                {
                    // It is not sent now, because the next dispatch will find the journal and send it.
                    self.own = Own::Unreachable;
                }
                // If the disk is full or this trace too large, the queue may still have other traces to send.
                let usable = matches!(error, QueueError::TooLarge { .. } | QueueError::Io { .. });
                self.note_queue(error);
                usable
            }
        }
    }

    /// Sends the trace if it is not stored, then what waits.
    fn send(
        &mut self,
        trace: &mut Trace<'_>,
        queue: Option<&Queue>,
        destination: &Destination,
        mut allowance: Allowance<'a>,
    ) {
        let endpoint = match destination.parse_endpoint() {
            Ok(endpoint) => endpoint,
            Err(source) => return self.report.note(DeliveryProblem::Endpoint { source }),
        };
        let mut backoff = queue.map_or_else(Backoff::default, |queue| self.backoff_of(queue, &endpoint));
        // A trace that is not stored is sent even if the backend asked for a pause: it has no other chance.
        if self.own != Own::Unstored && backoff::is_paused(self.clock.wall(), backoff.not_before) {
            return log::debug!("{endpoint} asked not to be sent traces yet");
        }
        allowance.total = backoff::attempt(self.budget, backoff.failures, self.clock.draw());
        backoff.destination = endpoint.fingerprint();
        let mut backend = match Backend::new(endpoint, destination, allowance, self.budget, self.clock) {
            Ok(backend) => backend,
            Err(problem) => return self.report.note(problem),
        };
        if self.own != Own::Unstored || self.send_unstored(trace, &mut backend) {
            self.send_backlog(queue, &mut backend, backoff);
        }
        self.report.nothing_taken &= !backend.has_taken();
    }

    /// Sends the trace from memory. Returns false if it was not taken.
    fn send_unstored(&mut self, trace: &mut Trace<'_>, backend: &mut Backend<'_>) -> bool {
        let request = trace.request.to_vec();
        let outcome = backend.send_trace(&request, false, &mut self.report, &mut |_, _| {});
        if let SendOutcome::Kept(_) = outcome {
            return false;
        }
        self.own_is_done(outcome);
        if let Some(mut journal) = trace.journal.take() {
            journal.remove();
        }
        true
    }

    /// Sends the waiting traces, unless another process does so.
    fn send_backlog(&mut self, queue: Option<&Queue>, backend: &mut Backend<'a>, mut backoff: Backoff) {
        let Some(queue) = queue else { return };
        let _lock = match queue.lock_sending() {
            Ok(Some(lock)) => lock,
            Ok(None) => return,
            Err(error) => return self.note_queue(error),
        };
        let known = mem::take(&mut backoff.kept);
        let sent = Backlog::new(self, backend, queue, known, backoff.failures).send();
        let Some(NotTaken { kept, retry_after }) = sent else { return };
        backoff.kept = kept;
        if backend.has_decided() {
            backoff.failures = 0;
        } else if self.report.nothing_taken {
            backoff.failures = backoff.failures.saturating_add(1);
        }
        let until = |wait| backoff::pause_until(self.clock.wall(), wait, self.clock.draw());
        backoff.not_before = retry_after.map_or(0, until);
        self.backoff = Some(backoff);
    }

    /// Applies the limits, after everything was sent that can be.
    fn trim(&mut self, queue: &Queue) {
        if self.waiting.is_some() {
            return;
        }
        let mut dropped = Vec::new();
        match queue.trim(&mut dropped) {
            Ok(waiting) => self.waiting = Some(waiting),
            Err(error) => self.note_queue(error),
        }
        self.count_dropped(&dropped);
    }

    fn count_dropped(&mut self, dropped: &[TraceName]) {
        let traces = u32::try_from(dropped.len()).unwrap_or(u32::MAX);
        self.report.dropped_by_limits = self.report.dropped_by_limits.saturating_add(traces);
        if matches!(self.own, Own::Stored(name) if dropped.contains(&name)) {
            self.own = Own::Done;
        }
    }

    /// Notes that the backend has taken or refused the trace of this dispatch.
    pub(super) fn own_is_done(&mut self, outcome: SendOutcome) {
        self.own = Own::Done;
        self.report.arrives = outcome == SendOutcome::Taken;
    }

    /// Returns the back-off that earlier dispatches left for this endpoint.
    fn backoff_of(&mut self, queue: &Queue, endpoint: &Endpoint) -> Backoff {
        match queue.state() {
            Ok(State { backoff, .. }) if backoff.destination == endpoint.fingerprint() => backoff,
            Ok(_) => Backoff::default(),
            Err(error) => {
                self.note_queue(error);
                Backoff::default()
            }
        }
    }

    pub(super) fn note_queue(&mut self, error: QueueError) {
        self.report.note(error.into());
    }

    fn conclude(mut self, trace: &Trace<'_>, queue: Option<&Queue>) -> DeliveryReport {
        let journaled = match self.own {
            Own::Unreachable => true,
            Own::Unstored => trace.journal.as_ref().is_some_and(|journal| journal.is_there()),
            Own::Stored(_) | Own::Done => false,
        };
        let waiting = self.waiting.take();
        let count = waiting.as_ref().map_or(0, BTreeSet::len) + usize::from(journaled);
        self.report.waiting = u32::try_from(count).unwrap_or(u32::MAX);
        let is_listed = |name: &TraceName| waiting.as_ref().is_none_or(|waiting| waiting.contains(name));
        // Another process may have sent the trace meanwhile.
        self.report.buffered = journaled || matches!(&self.own, Own::Stored(name) if is_listed(name));
        self.report.arrives |= matches!(self.own, Own::Stored(_));
        self.report.lost = self.own == Own::Unstored && !journaled;
        if let Some(backoff) = &mut self.backoff {
            backoff.kept.retain(is_listed);
        }
        if let Some(queue) = queue
            && let Err(error) = self.leave_state(queue, trace.reported_losses)
        {
            log::debug!("cannot leave what the next dispatch should know: {error}");
        }
        self.report
    }

    /// Writes the losses of this dispatch and the back-off into `state`. If this trace arrives or waits, the losses
    /// that it reports are subtracted.
    fn leave_state(&mut self, queue: &Queue, reported: Losses) -> Result<(), QueueError> {
        let lost = Losses {
            dropped_traces: self.report.dropped_by_limits.into(),
            refused_traces: self.report.refused.into(),
            lost_traces: self.damaged + u64::from(self.report.lost),
            rejected_spans: self.report.rejected_spans,
        };
        let reported = if self.report.arrives { reported } else { Losses::default() };
        if self.backoff.is_none() && (lost, reported) == Default::default() {
            return Ok(());
        }
        // Other dispatches may have changed the state meanwhile.
        let before = queue.state()?;
        let mut backoff = self.backoff.take().unwrap_or_else(|| before.backoff.clone());
        if (backoff.failures, backoff.not_before, backoff.kept.len()) == (0, 0, 0) {
            backoff = Backoff::default();
        }
        let after = State { backoff, losses: before.losses.minus(reported).plus(lost), ..before.clone() };
        if after == before { Ok(()) } else { queue.set_state(&after) }
    }
}
