use std::borrow::Cow;
use std::time::Duration;

use super::budget::Allowance;
#[cfg(feature = "tls")]
use super::certificate::Certificate;
use super::connection::Tls;
use super::destination::Destination;
use super::http::Sender;
use super::proxy::Proxy;
use super::report::{DeliveryProblem, DeliveryReport};
use super::request_error::RequestError;
use super::url::{NOT_A_URL, Url};
use super::verdict::{Verdict, is_page, is_too_large, judge, may_be_too_large};
use crate::otlp::split;

/// The backend during one dispatch: sends traces within the time budget, in parts if they are too large, and keeps the
/// results.
pub(super) struct Backend<'a> {
    endpoint: &'a Url,
    sender: Sender,
    proxy: Option<Proxy>,
    allowance: Allowance<'a>,
    /// True if it has answered in this dispatch with any status.
    answered: bool,
    /// True if it has taken or refused something in this dispatch.
    pub(super) has_decided: bool,
    /// The size of the largest request that it has taken in this dispatch; 0 if it has taken none.
    largest_taken: usize,
}

/// The result of an attempt to send one trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SendOutcome {
    /// The backend has it, or some parts of it and has refused the others.
    Taken,
    /// The backend has refused all of it for good.
    Refused,
    /// The trace, or the rest of it, waits.
    Kept(Kept),
}

/// The reason why a trace was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// The backend gave an answer that keeps the trace.
    Answered { retry_after: Option<Duration> },
    /// There was no answer.
    NoAnswer,
    /// The time budget is spent, which says nothing about the backend.
    OutOfTime,
}

/// The result of one request.
enum Reply {
    Taken { rejected_spans: u64 },
    Refused { status: u16, reason: String },
    Kept { status: Option<u16>, why: Kept },
}

/// A trace of more bytes that was sent before and not taken may be too large to arrive in time: it is sent in parts of
/// at most this size.
pub(super) const MAYBE_TOO_LARGE: usize = 256 * 1024;

impl<'a> Backend<'a> {
    /// Prepares sending. Nothing is connected yet.
    pub(super) fn new(
        endpoint: &'a Url,
        destination: &Destination,
        allowance: Allowance<'a>,
    ) -> Result<Self, DeliveryProblem> {
        let variable = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
        let proxy = Proxy::find(endpoint, variable)?;
        let tls = tls_for(endpoint, proxy.as_ref(), destination)?;
        let sender = Sender::new(endpoint, &destination.headers, proxy.as_ref(), tls)
            .ok_or(DeliveryProblem::Endpoint { source: NOT_A_URL })?;
        let (answered, has_decided, largest_taken) = (false, false, 0);
        Ok(Self { endpoint, sender, proxy, allowance, answered, has_decided, largest_taken })
    }

    /// Returns true once it has taken something in this dispatch.
    pub(super) fn has_taken(&self) -> bool {
        self.largest_taken > 0
    }

    /// Sends a trace, in parts if it is too large for the backend.
    ///
    /// `known` is true if it was not taken in an earlier dispatch. Each time that the backend is done with a part,
    /// `keep_rest` gets the rest of the trace, as a request.
    pub(super) fn send_trace(
        &mut self,
        request: &[u8],
        known: bool,
        report: &mut DeliveryReport,
        keep_rest: &mut dyn FnMut(&[u8], &mut DeliveryReport),
    ) -> SendOutcome {
        // The last one is sent next.
        let mut parts = vec![Cow::Borrowed(request)];
        let (mut taken, mut given_up) = (false, 0);
        let mut too_large = if known && self.has_taken() { MAYBE_TOO_LARGE + 1 } else { usize::MAX };
        while let Some(part) = parts.pop() {
            // A part that is as large as one that was not taken is sent only if it has no halves.
            let reply = (part.len() < too_large).then(|| self.send_request(&part, report));
            let may_take_halves =
                reply.as_ref().is_none_or(|reply| self.may_take_halves(reply, known, part.len()));
            let halves = if may_take_halves { split::halves(&part) } else { None };
            if let Some([first, second]) = halves {
                log::debug!("{} gets halves of {} bytes", self.endpoint, part.len());
                too_large = too_large.min(part.len());
                parts.extend([Cow::Owned(second), Cow::Owned(first)]);
                continue;
            }
            match reply.unwrap_or_else(|| self.send_request(&part, report)) {
                Reply::Taken { rejected_spans } => {
                    self.largest_taken = self.largest_taken.max(part.len());
                    report.count_rejected(rejected_spans);
                    taken = true;
                }
                Reply::Refused { reason, .. } => {
                    log::debug!("{} refused a trace for good: {reason}", self.endpoint);
                    given_up += split::spans(&part).map_or(0, |spans| spans as u64);
                    report.last_refusal = Some(reason);
                }
                Reply::Kept { why, .. } => {
                    report.count_rejected(given_up);
                    return SendOutcome::Kept(why);
                }
            }
            if !parts.is_empty() {
                let rest: Vec<_> = parts.iter().rev().map(Cow::as_ref).collect();
                keep_rest(&rest.concat(), report);
            }
        }
        if taken {
            report.count_rejected(given_up);
            report.delivered += 1;
            SendOutcome::Taken
        } else {
            report.refused += 1;
            SendOutcome::Refused
        }
    }

    /// Returns true if halves of a request of this size may be taken.
    ///
    /// A backend that asks for a pause is not sent more at once, but a trace that it did not take in an earlier
    /// dispatch either may be too large for it.
    fn may_take_halves(&self, reply: &Reply, known: bool, bytes: usize) -> bool {
        match reply {
            Reply::Taken { .. } => false,
            Reply::Refused { status, .. } => is_too_large(*status, bytes),
            Reply::Kept { status, why } => {
                let asked_to_wait = matches!(why, Kept::Answered { retry_after: Some(_) });
                may_be_too_large(*status)
                    && (known || !asked_to_wait)
                    && (1..bytes).contains(&self.largest_taken)
            }
        }
    }

    fn send_request(&mut self, request: &[u8], report: &mut DeliveryReport) -> Reply {
        let kept = |status, why| Reply::Kept { status, why };
        let Some(timeout) = self.allowance.next_request() else { return kept(None, Kept::OutOfTime) };
        let answer = match self.allowance.spend(|| self.sender.send(request, timeout)) {
            Ok(answer) => answer,
            // Our own budget ended the request while the backend was answering, so the backend is not at fault.
            Err(ureq::Error::Timeout(_)) if self.answered && timeout < self.allowance.budget.per_request => {
                return kept(None, Kept::OutOfTime);
            }
            Err(error) => {
                let endpoint = self.endpoint.to_string();
                let error = RequestError(error);
                let proxy = self.proxy.as_ref().filter(|_| self.sender.has_stopped_at_proxy());
                report.note(match proxy {
                    Some(proxy) => {
                        DeliveryProblem::Proxy { endpoint, proxy: proxy.to_string(), source: Box::new(error) }
                    }
                    None if error.is_untrusted() => {
                        DeliveryProblem::Untrusted { endpoint, source: Box::new(error) }
                    }
                    None => DeliveryProblem::Unreachable { endpoint, source: Box::new(error) },
                });
                return kept(None, Kept::NoAnswer);
            }
        };
        self.answered = true;
        let status = answer.status;
        match judge(status, answer.retry_after.as_deref(), &answer.body, self.allowance.clock.wall()) {
            Verdict::Accepted { rejected_spans, message } => {
                self.decided();
                if let Some(message) = message {
                    log::debug!("{} accepted a trace and said: {message}", self.endpoint);
                    if rejected_spans > 0 {
                        report.last_refusal = Some(message);
                    }
                }
                Reply::Taken { rejected_spans }
            }
            Verdict::Drop { reason }
                if self.sender.is_forwarded
                    && is_page(&answer.body)
                    && !is_too_large(status, request.len()) =>
            {
                report.note(self.not_accepted(status, reason));
                kept(Some(status), Kept::Answered { retry_after: None })
            }
            Verdict::Drop { reason } => {
                self.decided();
                Reply::Refused { status, reason }
            }
            Verdict::Keep { reason, retry_after } => {
                report.note(self.not_accepted(status, reason));
                kept(Some(status), Kept::Answered { retry_after })
            }
        }
    }

    /// Describes an answer that keeps the trace. A proxy that takes requests for the backend may have answered in its
    /// place.
    fn not_accepted(&self, status: u16, reason: String) -> DeliveryProblem {
        let endpoint = self.endpoint.to_string();
        match self.proxy.as_ref().filter(|_| self.sender.is_forwarded) {
            None => DeliveryProblem::NotAccepted { endpoint, reason },
            Some(proxy) if matches!(status, 400 | 403 | 405 | 407 | 422 | 500..=504 | 511) => {
                DeliveryProblem::Proxy {
                    endpoint,
                    proxy: proxy.to_string(),
                    source: reason.replacen("the backend", "it, or the backend,", 1).into(),
                }
            }
            Some(proxy) => {
                DeliveryProblem::NotAccepted { endpoint, reason: format!("{reason}, through {proxy}") }
            }
        }
    }

    /// Notes that the backend works, and allows the full time budget.
    fn decided(&mut self) {
        self.has_decided = true;
        self.allowance.total = self.allowance.budget.total;
    }
}

/// Returns the TLS settings of an `https` endpoint or proxy; `None` for `http`, for which nothing is read or built.
#[cfg(feature = "tls")]
fn tls_for(
    endpoint: &Url,
    proxy: Option<&Proxy>,
    destination: &Destination,
) -> Result<Option<Tls>, DeliveryProblem> {
    let certificate = match &destination.certificate {
        _ if !endpoint.is_https() && !proxy.is_some_and(Proxy::is_https) => return Ok(None),
        Some(certificate) => certificate,
        None if endpoint.is_https() => return Err(DeliveryProblem::HttpsWithoutCertificate),
        // The proxy's certificate is checked against the system's store, as by other programs.
        None => &Certificate::System,
    };
    match super::tls::client(certificate, destination.client_certificate.as_ref()) {
        Ok(tls) => Ok(Some(tls)),
        Err(source) => Err(DeliveryProblem::Certificate { source }),
    }
}

#[cfg(not(feature = "tls"))]
fn tls_for(
    endpoint: &Url,
    proxy: Option<&Proxy>,
    destination: &Destination,
) -> Result<Option<Tls>, DeliveryProblem> {
    match (endpoint.is_https(), &destination.certificate) {
        (false, _) if proxy.is_some_and(Proxy::is_https) => Err(DeliveryProblem::NoTls),
        (false, _) => Ok(None),
        (true, None) => Err(DeliveryProblem::HttpsWithoutCertificate),
        (true, Some(_)) => Err(DeliveryProblem::NoTls),
    }
}
