//! Sends the waiting traces, oldest first, so that none holds up the others.
//!
//! A trace that is not taken ends the attempt, because the backend may be down. But if it was answered, and not taken
//! in an earlier dispatch either, then the trace may be the reason, and the next one is tried. Without an answer, the
//! next trace is tried only after [`PATIENCE`] dispatches in a row, because the backend may have stored the trace and
//! would then receive two traces twice. So as long as nothing is taken, a dispatch sends at most two traces: the
//! oldest, which is known, and the oldest that was not sent before. Once something was taken, the other known traces
//! are sent, and their sizes are compared with the sizes that were taken.

use std::collections::BTreeSet;
use std::mem;
use std::time::Duration;

use super::backend::{Backend, Kept, MAYBE_TOO_LARGE, SendOutcome};
use super::own_trace::OwnTrace;
use super::report::DeliveryReport;
use crate::queue::{Losses, Queue, QueueError, TraceName};

/// The number of dispatches in a row without an answer after which a second trace is tried.
const PATIENCE: u32 = 3;

/// An attempt to send all waiting traces, with its results so far.
pub(super) struct Backlog<'a, 'b> {
    own: &'a mut OwnTrace,
    report: &'a mut DeliveryReport,
    backend: &'a mut Backend<'b>,
    queue: &'a Queue,
    /// The traces that were not taken in earlier dispatches.
    known: BTreeSet<TraceName>,
    /// The number of dispatches in a row before this one in which nothing was taken.
    failures: u32,
    /// The traces that this dispatch has sent or skipped.
    tried: BTreeSet<TraceName>,
    kept: BTreeSet<TraceName>,
    /// The kept ones that were sent or skipped before something was taken.
    postponed: Vec<TraceName>,
    retry_after: Option<Duration>,
    /// True if a trace that is done could not be removed.
    is_stuck: bool,
}

/// The traces that were not taken, for the next dispatch.
pub(super) struct NotTaken {
    pub(super) kept: BTreeSet<TraceName>,
    /// The longest pause that the backend asked for.
    pub(super) retry_after: Option<Duration>,
}

impl<'a, 'b> Backlog<'a, 'b> {
    /// Prepares the attempt. `known` are the traces that were not taken in earlier dispatches; in the last `failures`
    /// dispatches nothing was taken.
    pub(super) fn new(
        own: &'a mut OwnTrace,
        report: &'a mut DeliveryReport,
        backend: &'a mut Backend<'b>,
        queue: &'a Queue,
        known: BTreeSet<TraceName>,
        failures: u32,
    ) -> Self {
        let (tried, kept, postponed) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        Self {
            own,
            report,
            backend,
            queue,
            known,
            failures,
            tried,
            kept,
            postponed,
            retry_after: None,
            is_stuck: false,
        }
    }

    /// Sends the waiting traces, as far as the backend takes them and the time allows. `None` if nothing waits.
    pub(super) fn send(mut self) -> Option<NotTaken> {
        if let Err(error) = self.send_all() {
            self.report.note(error.into());
        }
        let Self { known, tried, mut kept, retry_after, .. } = self;
        kept.extend(known.difference(&tried));
        (!tried.is_empty()).then_some(NotTaken { kept, retry_after })
    }

    fn send_all(&mut self) -> Result<(), QueueError> {
        loop {
            // Other dispatches may have stored something meanwhile.
            let mut waiting = self.queue.waiting()?;
            waiting.retain(|name| !self.tried.contains(name));
            if waiting.is_empty() {
                break;
            }
            // The traces that may be too large to arrive in time come last.
            let (mut order, mut suspect) = (Vec::new(), Vec::new());
            for name in waiting {
                let too_large = self.known.contains(&name) && self.queue.size(name)? > MAYBE_TOO_LARGE as u64;
                if too_large { &mut suspect } else { &mut order }.push(name);
            }
            for name in order.into_iter().chain(suspect) {
                self.tried.insert(name);
                let known = self.known.contains(&name);
                if known && !self.backend.has_taken() && !self.kept.is_empty() {
                    self.kept.insert(name);
                } else if !self.send_one(name, known) {
                    return Ok(());
                }
                if self.kept.contains(&name) && !self.backend.has_taken() {
                    self.postponed.push(name);
                }
            }
        }
        if self.backend.has_taken() {
            for name in mem::take(&mut self.postponed) {
                if !self.send_one(name, true) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Sends one trace. Returns false if that ends the attempt.
    fn send_one(&mut self, name: TraceName, known: bool) -> bool {
        let Self { own, report, backend, queue, tried, .. } = self;
        let request = match queue.read(name, &mut report.damaged) {
            Ok(Some(request)) => request,
            Ok(None) => return true,
            Err(error) => {
                // A file that cannot be read is no reason for the others to wait.
                report.note(error.into());
                return true;
            }
        };
        let mut now = name;
        let outcome =
            backend.send_trace(&request, known, report, &mut |rest, report| match queue.replace(now, rest) {
                Ok(renamed) => now = renamed,
                Err(error) => report.note(error.into()),
            });
        tried.insert(now);
        let is_own = own.note_outcome(name, outcome, now);
        self.kept.remove(&name);
        match outcome {
            SendOutcome::Taken | SendOutcome::Refused => {
                if outcome == SendOutcome::Refused {
                    let reported = if is_own { own.forgotten } else { Losses::reported_by(&request) };
                    report.unreported = report.unreported.plus(reported);
                }
                if let Err(error) = queue.remove(now) {
                    report.note(error.into());
                    // One such file holds up no other. If there are more, as on a disk that is read-only, the others would be sent
                    // in every dispatch.
                    return !mem::replace(&mut self.is_stuck, true);
                }
                true
            }
            SendOutcome::Kept(why) => {
                if known || why != Kept::OutOfTime {
                    self.kept.insert(now);
                }
                if let Kept::Answered { retry_after } = why {
                    self.retry_after = self.retry_after.max(retry_after);
                }
                let may_be_the_trace = match why {
                    Kept::Answered { .. } => true,
                    Kept::NoAnswer => self.failures >= PATIENCE,
                    Kept::OutOfTime => false,
                };
                known && may_be_the_trace
            }
        }
    }
}
