//! Decides what happens to the trace of this dispatch, above all if it cannot be stored. The other files report facts or
//! act: the queue says why it did not store the trace, and the backend says whether it took it.
//!
//! The trace goes to the first of these places that takes it:
//!
//! 1. The queue. While the trace can still be sent, no waiting trace is dropped for it. Without a destination older ones make
//!    room, as in step 3.
//! 2. The backend, straight from memory, if there is a destination. It is sent even in a pause that the backend asked
//!    for, because it may have no other chance.
//! 3. The queue again, because sending may have freed space. Now older traces make room for it if the disk is full.
//! 4. Its journal, if it has one: the next dispatch makes a waiting trace of it, as far as it could be written.
//!
//! If none takes it, it is lost. The loss is counted in the file `state` if that can be written, the root of the next trace
//! reports it, and Juju's log has the reason.
//!
//! | why the queue does not store it | what differs |
//! |---|---|
//! | the disk is full, or the file system has another error | nothing: it goes as the steps above say |
//! | it is larger than all waiting traces may be together | nothing; step 3 fails as well |
//! | something else is in the place of the directory | the queue is not used in this dispatch: no step 3, and no other trace is sent |
//! | the charm has changed its root directory | the queue is not used, and a trace that has a journal is not sent: the next dispatch finds the journal |
//! | the charm has changed its user, who cannot reach the journal | the trace is not sent, because the next dispatch finds the journal |
//! | there is no queue (`buffer_max_events = 0`) | there are only step 2 and the loss. The loss is not counted, and it is in Juju's log only if there is a destination |
//!
//! This is about the trace of this dispatch alone. What a killed dispatch left becomes a waiting trace, or is counted as
//! lost, in [`Queue::recover`].

use std::mem;
use std::time::SystemTime;

use super::backend::{Backend, SendOutcome};
use super::report::DeliveryReport;
use crate::queue::{Dropped, Losses, Missing, NewTrace, Queue, QueueError, TraceName};
use crate::recorder::{JournalFile, JournalStatus};

/// The trace of a finished dispatch.
#[expect(clippy::struct_field_names, reason = "OpenTelemetry calls it a trace id")]
pub(crate) struct Trace {
    /// An OTLP `ExportTraceServiceRequest`.
    pub(crate) request: Vec<u8>,
    pub(crate) trace_id: [u8; 16],
    /// True if only the handler ran.
    pub(crate) idle: bool,
    /// The file to which it was written while it was recorded; `None` if the dispatch has none.
    pub(crate) journal: Option<Box<dyn JournalFile>>,
    /// The losses of earlier dispatches that its root span reports, as long as they are in `state`.
    pub(crate) reported_losses: Losses,
}

/// The trace of this dispatch, and the place where it is.
pub(super) struct OwnTrace {
    trace: Trace,
    place: Place,
    /// The losses that its root reports and that are not in `state` any more.
    pub(super) forgotten: Losses,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In memory, and in its journal if that still exists.
    Memory,
    /// In its journal, where the next dispatch finds it. This dispatch must not send it.
    Journal,
    /// In the queue, under this name.
    Queue(TraceName),
    Taken,
    /// The backend refused it, or the limits dropped it. The report counts it.
    Dropped,
}

/// Decides where a trace is that could not be stored.
fn place_after(error: &QueueError, journal: JournalStatus) -> Place {
    match (error, journal) {
        (_, JournalStatus::NotBegun) => Place::Memory,
        (_, JournalStatus::OutOfReach) | (QueueError::Elsewhere { .. }, _) => Place::Journal,
        _ => Place::Memory,
    }
}

/// Decides whether the queue is used for the other traces, after it could not store this one.
pub(super) fn is_usable_after(error: &QueueError) -> bool {
    match error {
        QueueError::TooLarge { .. } | QueueError::Io { .. } => true,
        QueueError::Refused { .. } | QueueError::Elsewhere { .. } => false,
    }
}

impl OwnTrace {
    pub(super) fn new(trace: Trace) -> Self {
        Self { trace, place: Place::Memory, forgotten: Losses::default() }
    }

    /// Returns true if the trace is not stored, and this dispatch has to send it from memory.
    pub(super) fn is_in_memory(&self) -> bool {
        self.place == Place::Memory
    }

    /// Stores the trace as [`Queue::store`] does, in a directory that is made if it is missing.
    pub(super) fn store(
        &mut self,
        queue: &Queue,
        now: SystemTime,
        make_room: Option<&mut Dropped>,
    ) -> Result<(), QueueError> {
        let Trace { ref request, trace_id, idle, .. } = self.trace;
        let new = NewTrace { trace_id, idle, request };
        match queue.prepare(Missing::All).and_then(|_| queue.store(&new, now, make_room)) {
            Ok(name) => {
                self.place = Place::Queue(name);
                self.remove_journal();
                Ok(())
            }
            Err(error) => {
                self.place = place_after(&error, self.journal());
                Err(error)
            }
        }
    }

    /// Sends the trace from memory. Returns false if the backend did not decide about it.
    pub(super) fn send(&mut self, backend: &mut Backend<'_>, report: &mut DeliveryReport) -> bool {
        let mut rest = None;
        let keep_rest = &mut |part: &[u8], _: &mut DeliveryReport| rest = Some(part.to_vec());
        let outcome = backend.send_trace(&self.trace.request, false, report, keep_rest);
        if let Some(rest) = rest {
            // If it is stored after all, the parts that were taken are not sent again.
            self.trace.request = rest;
        }
        let is_decided = !matches!(outcome, SendOutcome::Kept(_));
        if is_decided {
            self.place = if outcome == SendOutcome::Taken { Place::Taken } else { Place::Dropped };
            self.remove_journal();
        }
        is_decided
    }

    /// Notes the outcome for the waiting trace `sent`, which has the name `now` by now. Returns true if it is this one.
    pub(super) fn note_outcome(&mut self, sent: TraceName, outcome: SendOutcome, now: TraceName) -> bool {
        if self.place != Place::Queue(sent) {
            return false;
        }
        self.place = match outcome {
            SendOutcome::Taken => Place::Taken,
            SendOutcome::Refused => Place::Dropped,
            SendOutcome::Kept(_) => Place::Queue(now),
        };
        true
    }

    /// Notes that the limits dropped these traces. Returns the losses that this one reports and that are still in `state`, if it
    /// is one of them.
    pub(super) fn note_dropped(&mut self, dropped: &[TraceName]) -> Losses {
        if matches!(&self.place, Place::Queue(name) if dropped.contains(name)) {
            self.place = Place::Dropped;
            return self.trace.reported_losses;
        }
        Losses::default()
    }

    /// Removes the losses that the trace reports from `state` with `forget`, if it is stored.
    pub(super) fn forget_losses(&mut self, forget: impl FnOnce(Losses) -> Result<(), QueueError>) {
        if let Place::Queue(_) = self.place {
            match forget(self.trace.reported_losses) {
                Ok(()) => self.forgotten = mem::take(&mut self.trace.reported_losses),
                Err(error) => log::debug!("cannot note that losses were reported: {error}"),
            }
        }
    }

    /// Writes into the report where the trace is in the end. `waiting` are all waiting traces, if they are known.
    /// Returns the losses that its root has reported and that are still in `state`, if the trace arrives or waits.
    pub(super) fn conclude(self, waiting: Option<&[TraceName]>, report: &mut DeliveryReport) -> Losses {
        let is_in_journal = match self.place {
            Place::Journal => true,
            Place::Memory => self.journal() == JournalStatus::Exists,
            Place::Queue(_) | Place::Taken | Place::Dropped => false,
        };
        // Another process may have sent the trace meanwhile.
        let is_waiting = matches!(&self.place, Place::Queue(name)
            if waiting.is_none_or(|waiting| waiting.contains(name)));
        let count = waiting.map_or(0, <[_]>::len) + usize::from(is_in_journal);
        report.waiting = u32::try_from(count).unwrap_or(u32::MAX);
        report.buffered = is_in_journal || is_waiting;
        report.arrives = matches!(self.place, Place::Queue(_) | Place::Taken);
        report.lost = self.is_in_memory() && !is_in_journal;
        if report.arrives { self.trace.reported_losses } else { Losses::default() }
    }

    fn journal(&self) -> JournalStatus {
        self.trace.journal.as_ref().map_or(JournalStatus::NotBegun, |journal| journal.status())
    }

    fn remove_journal(&mut self) {
        if let Some(mut journal) = self.trace.journal.take() {
            journal.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_trace_that_the_next_dispatch_will_find_is_left_to_it() {
        use JournalStatus::{Exists, Gone, NotBegun, OutOfReach};

        let path = || PathBuf::from("/queue");
        let source = io::ErrorKind::StorageFull.into();
        let elsewhere = QueueError::Elsewhere { path: path() };
        for (error, usable) in [
            (QueueError::Io { action: "write", path: path(), source }, true),
            (QueueError::TooLarge { size: 2, limit: 1 }, true),
            (QueueError::Refused { path: path(), what: "a symbolic link" }, false),
        ] {
            let places = [NotBegun, Exists, Gone, OutOfReach].map(|journal| place_after(&error, journal));
            assert_eq!(places, [Place::Memory, Place::Memory, Place::Memory, Place::Journal], "{error}");
            assert_eq!(is_usable_after(&error), usable, "{error}");
        }
        let places = [NotBegun, Exists, Gone, OutOfReach].map(|journal| place_after(&elsewhere, journal));
        assert_eq!(places, [Place::Memory, Place::Journal, Place::Journal, Place::Journal]);
        assert!(!is_usable_after(&elsewhere));
    }
}
