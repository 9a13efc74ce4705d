use std::mem;

use super::backend::Backend;
use super::backlog::{Backlog, NotTaken};
use super::backoff;
use super::budget::{Allowance, Clock, TimeBudget};
use super::destination::Destination;
use super::own_trace::{OwnTrace, Trace, is_usable_after};
use super::report::{DeliveryProblem, DeliveryReport};
use super::url::Url;
use crate::queue::{Backoff, Dropped, Locking, Losses, Queue, QueueError, State, TraceName};

/// Stores a trace, then sends the waiting traces, oldest first, as far as the destination and the budget allow.
///
/// Without a queue (switched off, or not usable) the trace is sent at once, and lost if that fails. Each trace, and
/// each part of one, is removed after its answer. If the process dies meanwhile, the last one may be sent twice.
pub(crate) fn deliver(
    trace: Trace,
    queue: Option<&Queue>,
    destination: Option<&Destination>,
    budget: &TimeBudget,
    clock: &dyn Clock,
) -> DeliveryReport {
    let allowance = Allowance::start(clock, budget);
    let (own, report) = (OwnTrace::new(trace), DeliveryReport::default());
    let mut delivery = Delivery { report, own, backoff: None, waiting: None, clock };
    let queue = queue.filter(|queue| delivery.store(queue, destination.is_some()));
    if let Some(destination) = destination {
        if let Some(queue) = queue {
            // Sending takes time. If the dispatch is killed meanwhile, the next trace must not report these losses again.
            delivery.own.forget_losses(|reported| leave_state(queue, None, Losses::default(), reported));
        }
        delivery.send(queue, destination, allowance);
    }
    if let Some(queue) = queue {
        if delivery.own.is_in_memory() && destination.is_some() {
            delivery.store(queue, false);
        }
        delivery.trim(queue);
    }
    delivery.conclude(queue)
}

/// The delivery of one dispatch, with its results so far.
struct Delivery<'a> {
    report: DeliveryReport,
    own: OwnTrace,
    /// The knowledge about the backend for the next dispatch, if something was sent.
    backoff: Option<Backoff>,
    /// The waiting traces, oldest first, if they were listed.
    waiting: Option<Vec<TraceName>>,
    clock: &'a dyn Clock,
}

impl<'a> Delivery<'a> {
    /// Stores the trace. Returns false if the queue cannot be used in this dispatch.
    ///
    /// If the trace can still be sent, no other trace is dropped for it.
    fn store(&mut self, queue: &Queue, can_be_sent: bool) -> bool {
        let mut dropped = Dropped::default();
        let stored = self.own.store(queue, self.clock.wall(), (!can_be_sent).then_some(&mut dropped));
        self.count_dropped(&dropped);
        match stored {
            Ok(()) => true,
            Err(error) => {
                let is_usable = is_usable_after(&error);
                self.report.note(error.into());
                is_usable
            }
        }
    }

    /// Sends the trace if it is not stored, then what waits.
    fn send(&mut self, queue: Option<&Queue>, destination: &Destination, mut allowance: Allowance<'a>) {
        let endpoint = match &destination.endpoint {
            Ok(endpoint) => endpoint,
            Err(source) => return self.report.note(DeliveryProblem::Endpoint { source: source.clone() }),
        };
        let mut backoff = queue.map_or_else(Backoff::default, |queue| self.backoff_of(queue, endpoint));
        if !self.own.is_in_memory() && backoff::is_paused(self.clock.wall(), backoff.not_before) {
            return log::debug!("{endpoint} asked not to be sent traces yet");
        }
        allowance.total = backoff::attempt(allowance.budget, backoff.failures, self.clock.draw());
        backoff.destination = endpoint.fingerprint();
        let mut backend = match Backend::new(endpoint, destination, allowance) {
            Ok(backend) => backend,
            Err(problem) => return self.report.note(problem),
        };
        if !self.own.is_in_memory() || self.own.send(&mut backend, &mut self.report) {
            self.send_backlog(queue, &mut backend, backoff);
        }
        self.report.nothing_taken &= !backend.has_taken();
    }

    /// Sends the waiting traces, unless another process does so.
    fn send_backlog(&mut self, queue: Option<&Queue>, backend: &mut Backend<'_>, mut backoff: Backoff) {
        let Some(queue) = queue else { return };
        let _lock = match queue.lock_sending() {
            Ok(Locking::Held) => return,
            Ok(lock) => lock,
            Err(error) => return self.report.note(error.into()),
        };
        let known = mem::take(&mut backoff.kept);
        let backlog = Backlog::new(&mut self.own, &mut self.report, backend, queue, known, backoff.failures);
        let Some(NotTaken { kept, retry_after }) = backlog.send() else { return };
        backoff.kept = kept;
        if backend.has_decided {
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
        let mut dropped = Dropped::default();
        match queue.trim(&mut dropped) {
            Ok(waiting) => self.waiting = Some(waiting),
            Err(error) => self.report.note(error.into()),
        }
        self.count_dropped(&dropped);
    }

    fn count_dropped(&mut self, Dropped { names, reported }: &Dropped) {
        let traces = u32::try_from(names.len()).unwrap_or(u32::MAX);
        self.report.dropped_by_limits = self.report.dropped_by_limits.saturating_add(traces);
        let of_own = self.own.note_dropped(names);
        self.report.unreported = self.report.unreported.plus(reported.minus(of_own));
    }

    /// Returns the back-off that earlier dispatches left for this endpoint.
    fn backoff_of(&mut self, queue: &Queue, endpoint: &Url) -> Backoff {
        match queue.state() {
            Ok(State { backoff, .. }) if backoff.destination == endpoint.fingerprint() => backoff,
            Ok(_) => Backoff::default(),
            Err(error) => {
                self.report.note(error.into());
                Backoff::default()
            }
        }
    }

    fn conclude(self, queue: Option<&Queue>) -> DeliveryReport {
        let Self { mut report, own, mut backoff, waiting, .. } = self;
        let reported = own.conclude(waiting.as_deref(), &mut report);
        if let (Some(backoff), Some(waiting)) = (&mut backoff, &waiting) {
            backoff.kept.retain(|name| waiting.binary_search(name).is_ok());
        }
        let left = queue.map(|queue| leave_state(queue, backoff, report.losses(), reported));
        if let Some(Err(error)) = left {
            log::debug!("cannot leave what the next dispatch should know: {error}");
        }
        report
    }
}

/// Writes the back-off and the losses of this dispatch into `state`, without the losses that are reported now.
fn leave_state(
    queue: &Queue,
    backoff: Option<Backoff>,
    losses: Losses,
    reported: Losses,
) -> Result<(), QueueError> {
    // They are equal, for example, while a full queue drops one trace in each dispatch, and each trace reports the one that was
    // dropped before.
    if backoff.is_none() && losses == reported {
        return Ok(());
    }
    // Other dispatches may have changed the state meanwhile.
    let before = queue.state()?;
    let mut backoff = backoff.unwrap_or_else(|| before.backoff.clone());
    if (backoff.failures, backoff.not_before, backoff.kept.len()) == (0, 0, 0) {
        backoff = Backoff::default();
    }
    let after = State { backoff, losses: before.losses.minus(reported).plus(losses), ..before.clone() };
    if after == before { Ok(()) } else { queue.set_state(&after) }
}
