use std::time::Duration;

use super::backoff;
use super::budget::{Allowance, Clock, TimeBudget};
use super::destination::Destination;
use super::endpoint::Endpoint;
use super::http::{Sender, Tls};
use super::parcel::Parcel;
use super::report::{DeliveryProblem, DeliveryReport};
use super::split;
use super::unanswered::Unanswered;
use super::verdict::{Verdict, judge, may_be_for_its_size};
use crate::buffer::{Backoff, Buffer, BufferError, NewRecord, Priority, Progress};

/// A finished dispatch, encoded as an OTLP `ExportTraceServiceRequest`.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "`trace_id` is what OpenTelemetry calls it everywhere")]
pub(crate) struct Trace {
    pub(crate) payload: Vec<u8>,
    pub(crate) trace_id: [u8; 16],
    pub(crate) priority: Priority,
}

/// Stores a trace, then sends what waits, oldest first, as far as the destination and the budget allow.
///
/// Without a buffer (switched off, or not usable) the trace is sent at once, and lost if that fails. Each record is
/// removed when its answer has come, so whatever happens in between, at most one is sent twice.
pub(crate) fn deliver(
    trace: &Trace,
    buffer: Option<&Buffer>,
    destination: Option<&Destination>,
    budget: &TimeBudget,
    clock: &dyn Clock,
) -> DeliveryReport {
    let mut delivery = Delivery {
        report: DeliveryReport::default(),
        allowance: Allowance::start(clock, budget),
        own: Own::Unstored,
        answered: false,
        settled: false,
        budget,
        clock,
    };
    let buffer = buffer.filter(|buffer| delivery.store(trace, buffer, destination.is_some()));
    if let Some(destination) = destination {
        delivery.send(trace, buffer, destination);
        if let Some(buffer) = buffer {
            delivery.trim(buffer);
        }
    }
    delivery.conclude(buffer)
}

struct Delivery<'a> {
    report: DeliveryReport,
    allowance: Allowance<'a>,
    own: Own,
    /// The backend has answered in this dispatch, whatever it said.
    answered: bool,
    /// It has taken or refused something in this dispatch.
    settled: bool,
    budget: &'a TimeBudget,
    clock: &'a dyn Clock,
}

/// Where this dispatch's own trace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Own {
    /// Only in memory.
    Unstored,
    /// In the buffer, under this sequence number.
    Stored(u64),
    /// Accepted, refused, or dropped by the limits: the report counts it.
    Settled,
}

/// What an attempt to send one trace came to.
enum Outcome {
    /// The backend took or refused it, it is done with.
    Settled,
    /// It has to wait, and so do those behind it.
    Kept { retry_after: Option<Duration> },
    /// The budget is spent. Says nothing about the backend.
    OutOfTime,
}

/// What one request came to.
enum Answered {
    Taken { rejected_spans: u64 },
    Refused { status: u16, reason: String },
    Kept { status: Option<u16>, retry_after: Option<Duration> },
    OutOfTime,
}

struct Route {
    endpoint: Endpoint,
    sender: Sender,
}

impl Delivery<'_> {
    /// Appends the trace to the buffer. False if the buffer is of no use in this dispatch.
    ///
    /// If it is about to be sent, the limits wait until [`trim`](Self::trim).
    fn store(&mut self, trace: &Trace, buffer: &Buffer, to_send: bool) -> bool {
        let new = NewRecord { trace_id: trace.trace_id, priority: trace.priority, payload: &trace.payload };
        let now = self.clock.wall();
        match if to_send { buffer.append_to_send(&new, now) } else { buffer.append(&new, now) } {
            Ok(appended) => {
                self.count_dropped(appended.evicted);
                self.own = appended.kept_as.map_or(Own::Settled, Own::Stored);
                true
            }
            Err(error) => {
                // With a full disk, or this trace too large for it, there may still be others in it to be sent.
                let usable = matches!(error, BufferError::TooLarge { .. } | BufferError::Io { .. });
                self.note_buffer(error);
                usable
            }
        }
    }

    /// Makes the limits hold again once all was sent that can be.
    fn trim(&mut self, buffer: &Buffer) {
        match buffer.trim() {
            Ok(dropped) => {
                self.count_dropped(dropped.len());
                if let Own::Stored(sequence) = self.own
                    && dropped.contains(&sequence)
                {
                    self.own = Own::Settled;
                }
            }
            Err(error) => self.note_buffer(error),
        }
    }

    fn count_dropped(&mut self, records: usize) {
        let records = u32::try_from(records).unwrap_or(u32::MAX);
        self.report.dropped_by_limits = self.report.dropped_by_limits.saturating_add(records);
    }

    fn send(&mut self, trace: &Trace, buffer: Option<&Buffer>, destination: &Destination) {
        let endpoint = match Endpoint::parse(&destination.endpoint) {
            Ok(endpoint) => endpoint,
            Err(source) => return self.report.note(DeliveryProblem::Endpoint { source }),
        };
        let backoff = buffer.map_or_else(Backoff::default, |buffer| self.remembered(buffer, &endpoint));
        // A trace that is not stored is sent even if the backend asked for a pause: it has no other chance.
        if self.own != Own::Unstored && backoff::is_paused(self.clock.wall(), backoff.not_before) {
            return log::debug!("{endpoint} asked not to be sent traces yet");
        }
        self.allowance.total = backoff::attempt(self.budget, backoff.failures, self.clock.draw());
        let sender = match tls_for(&endpoint, destination) {
            Ok(tls) => Sender::new(&endpoint, tls),
            Err(problem) => return self.report.note(problem),
        };
        let route = Route { endpoint, sender };
        let Some(buffer) = buffer else {
            let mut parcel = Parcel::new(&trace.payload, Progress::default());
            if let Ok(Outcome::Settled) = self.ship(&route, &mut parcel, 0, |_| Ok(())) {
                self.own_is_settled(0);
            }
            return;
        };
        let lease = buffer.claim_drain(self.clock.wall(), self.budget.lease()).unwrap_or_else(|error| {
            self.note_buffer(error);
            None
        });
        if let Err(error) = self.drain(trace, buffer, lease.is_some(), &route, backoff) {
            self.note_buffer(error);
        }
        if let Some(Err(error)) = lease.map(|lease| buffer.release_drain(lease)) {
            self.note_buffer(error);
        }
    }

    /// Sends the trace first if it could not be stored, then, with the right to do so, what waits.
    fn drain(
        &mut self,
        trace: &Trace,
        buffer: &Buffer,
        claimed: bool,
        route: &Route,
        mut backoff: Backoff,
    ) -> Result<(), BufferError> {
        loop {
            let record = match self.own {
                Own::Unstored => None,
                _ if !claimed => return Ok(()),
                _ => match buffer.oldest()? {
                    None => return Ok(()),
                    waiting => waiting,
                },
            };
            let (payload, progress) = record
                .as_ref()
                .map_or((&trace.payload, Progress::default()), |record| (&record.payload, record.progress));
            let remember = |progress| match &record {
                Some(record) => buffer.set_progress(record, progress).map(drop),
                None => Ok(()),
            };
            let mut parcel = Parcel::new(payload, progress);
            let delivered = self.report.delivered;
            let outcome = self.ship(route, &mut parcel, backoff.failures, remember);
            if self.settled && backoff != Backoff::default() {
                backoff = Backoff::default();
                buffer.set_backoff(backoff)?;
            }
            match outcome? {
                Outcome::Settled => {
                    if record.as_ref().is_none_or(|record| self.own == Own::Stored(record.sequence)) {
                        self.own_is_settled(delivered);
                    }
                    if let Some(record) = record {
                        buffer.acknowledge(&record)?;
                    }
                }
                Outcome::Kept { retry_after } => {
                    let until = |wait| backoff::pause_until(self.clock.wall(), wait, self.clock.draw());
                    return buffer.set_backoff(Backoff {
                        failures: backoff.failures.saturating_add(1),
                        destination: route.endpoint.fingerprint(),
                        not_before: retry_after.map_or(0, until),
                    });
                }
                Outcome::OutOfTime => return Ok(()),
            }
        }
    }

    /// The backend is done with the trace of this dispatch. It took it if it has taken more than so many by now.
    fn own_is_settled(&mut self, delivered_before: u32) {
        self.own = Own::Settled;
        self.report.arrives = self.report.delivered > delivered_before;
    }

    /// Sends a trace, in parts if it is too large for the backend. `remember` is told each part that is done with, so that
    /// no dispatch sends it again.
    fn ship(
        &mut self,
        route: &Route,
        parcel: &mut Parcel<'_>,
        failures: u32,
        remember: impl Fn(Progress) -> Result<(), BufferError>,
    ) -> Result<Outcome, BufferError> {
        // What was done with in earlier dispatches was taken, most likely.
        let mut taken = parcel.progress().is_some_and(|progress| progress.done > 0);
        let mut given_up = 0;
        let mut ends = None;
        while ends.is_none() {
            let before = parcel.progress();
            let Some(request) = parcel.next() else { break };
            let bytes = request.len();
            match self.attempt(route, &request) {
                Answered::Taken { rejected_spans } => {
                    taken = true;
                    self.count_rejected(rejected_spans);
                    parcel.settle();
                }
                Answered::Refused { status, reason } => {
                    if may_be_for_its_size(Some(status), bytes, failures) && parcel.halve(&request) {
                        log::debug!(
                            "{} refused a trace of {bytes} bytes, it gets halves: {reason}",
                            route.endpoint
                        );
                    } else {
                        log::debug!("{} refused a trace for good: {reason}", route.endpoint);
                        given_up += split::spans(&request).map_or(0, |spans| spans as u64);
                        self.report.last_refusal = Some(reason);
                        parcel.settle();
                    }
                }
                Answered::Kept { status, retry_after } => {
                    if may_be_for_its_size(status, bytes, failures) && parcel.halve(&request) {
                        log::debug!("{} gets halves of a trace of {bytes} bytes next time", route.endpoint);
                    }
                    ends = Some(Ok(Outcome::Kept { retry_after }));
                }
                Answered::OutOfTime => ends = Some(Ok(Outcome::OutOfTime)),
            }
            if let Some(now) = parcel.progress()
                && before != Some(now)
                && let Err(error) = remember(now)
            {
                ends = Some(Err(error));
            }
        }
        if taken || ends.is_some() {
            self.count_rejected(given_up);
        }
        if ends.is_none() {
            *(if taken { &mut self.report.delivered } else { &mut self.report.refused }) += 1;
        }
        ends.unwrap_or(Ok(Outcome::Settled))
    }

    fn attempt(&mut self, route: &Route, request: &[u8]) -> Answered {
        let Some(timeout) = self.allowance.next_request() else { return Answered::OutOfTime };
        let answer = match self.allowance.spend(|| route.sender.send(request, timeout)) {
            Ok(answer) => answer,
            // Cut short by our own budget while the backend was answering: that is not its fault.
            Err(ureq::Error::Timeout(_)) if self.answered && timeout < self.budget.per_request => {
                return Answered::OutOfTime;
            }
            Err(error) => {
                let endpoint = route.endpoint.to_string();
                let error = Unanswered(error);
                self.report.note(if error.is_for_want_of_trust() {
                    DeliveryProblem::Untrusted { endpoint, source: Box::new(error) }
                } else {
                    DeliveryProblem::Unreachable { endpoint, source: Box::new(error) }
                });
                return Answered::Kept { status: None, retry_after: None };
            }
        };
        self.answered = true;
        let status = answer.status;
        match judge(status, answer.retry_after.as_deref(), &answer.body, self.clock.wall()) {
            Verdict::Accepted { rejected_spans, message } => {
                self.settled();
                if let Some(message) = message {
                    log::debug!("{} accepted a trace and said: {message}", route.endpoint);
                    if rejected_spans > 0 {
                        self.report.last_refusal = Some(message);
                    }
                }
                Answered::Taken { rejected_spans }
            }
            Verdict::Drop { reason } => {
                self.settled();
                Answered::Refused { status, reason }
            }
            Verdict::Keep { reason, retry_after } => {
                let endpoint = route.endpoint.to_string();
                self.report.note(DeliveryProblem::NotAccepted { endpoint, reason });
                Answered::Kept { status: Some(status), retry_after }
            }
        }
    }

    /// The backend is well: there is no reason to be short with it.
    fn settled(&mut self) {
        self.settled = true;
        self.allowance.total = self.budget.total;
    }

    fn count_rejected(&mut self, spans: u64) {
        self.report.rejected_spans = self.report.rejected_spans.saturating_add(spans);
    }

    /// What earlier dispatches learnt about this endpoint.
    fn remembered(&mut self, buffer: &Buffer, endpoint: &Endpoint) -> Backoff {
        match buffer.backoff() {
            Ok(backoff) if backoff.destination == endpoint.fingerprint() => backoff,
            Ok(_) => Backoff::default(),
            Err(error) => {
                self.note_buffer(error);
                Backoff::default()
            }
        }
    }

    fn note_buffer(&mut self, error: BufferError) {
        self.report.note(DeliveryProblem::Buffer { source: Box::new(error) });
    }

    fn conclude(self, buffer: Option<&Buffer>) -> DeliveryReport {
        let mut report = self.report;
        report.waiting = buffer.and_then(|buffer| buffer.waiting().ok()).unwrap_or(0);
        // With nothing waiting, another process has sent it meanwhile.
        report.buffered = matches!(self.own, Own::Stored(_)) && report.waiting > 0;
        report.arrives |= matches!(self.own, Own::Stored(_));
        report.lost = self.own == Own::Unstored;
        report
    }
}

/// What an `https` endpoint needs; nothing is read or built for `http`.
#[cfg(feature = "tls")]
fn tls_for(endpoint: &Endpoint, destination: &Destination) -> Result<Option<Tls>, DeliveryProblem> {
    if !endpoint.is_https() {
        return Ok(None);
    }
    let certificate = destination.certificate.as_ref().ok_or(DeliveryProblem::HttpsWithoutCertificate)?;
    match super::tls::config(certificate, destination.client_certificate.as_ref()) {
        Ok(tls) => Ok(Some(tls)),
        Err(source) => Err(DeliveryProblem::Certificate { source }),
    }
}

#[cfg(not(feature = "tls"))]
fn tls_for(endpoint: &Endpoint, destination: &Destination) -> Result<Option<Tls>, DeliveryProblem> {
    match (endpoint.is_https(), &destination.certificate) {
        (false, _) => Ok(None),
        (true, None) => Err(DeliveryProblem::HttpsWithoutCertificate),
        (true, Some(_)) => Err(DeliveryProblem::NoTls),
    }
}
