use std::error::Error;

use tracing_relation::with_causes;

use super::certificate::CertificateError;
use super::url::EndpointError;
use crate::queue::{Losses, QueueError};
#[cfg(feature = "sdk")]
use crate::sdk::ExportError;

/// The result of a delivery, for a dispatch's own trace and for the waiting traces.
///
/// The next trace reports losses in attributes of its root: `charm_tracing.dropped_traces`,
/// `charm_tracing.refused_traces`, `charm_tracing.lost_traces` and `charm_tracing.rejected_spans`. They count since the
/// last trace that reported losses and was stored or taken, and are left out when they are 0. They are kept in the
/// queue's directory: a charm without a queue has none of them, and a loss because the directory cannot be used is
/// only in the log.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a report is no state")]
#[non_exhaustive]
pub struct DeliveryReport {
    /// Traces that the backend took in this dispatch. A trace that is too large for it is sent in parts, by its spans,
    /// and counts once all parts were sent.
    pub delivered: u32,
    /// Traces that were dropped because the queue was full: first idle ones, in whose dispatches only the handler ran,
    /// then the oldest.
    pub dropped_by_limits: u32,
    /// Traces that the backend refused for good (for example with 400). They were removed.
    pub refused: u32,
    /// The backend's own words about the last trace it refused, or about the last spans it rejected.
    pub last_refusal: Option<String>,
    /// Spans that the backend rejected in traces that it took, and spans in refused parts of a trace that it took only
    /// in parts.
    pub rejected_spans: u64,
    /// Spans of this dispatch that are missing in its trace, because it had reached its limit when they started: see
    /// [`Config::max_bytes_per_trace`](crate::Config::max_bytes_per_trace).
    pub dropped_spans: u64,
    /// Earlier dispatches that were killed or could not store their traces, and whose traces this one has found. These
    /// traces now wait or were delivered. Their unfinished spans have the status error "interrupted".
    pub recovered: u32,
    /// True if this dispatch's trace waits in the queue, or in its journal for the next dispatch.
    pub buffered: bool,
    /// Traces that wait in the queue now, this one included.
    pub waiting: u32,
    /// True if this dispatch's trace could be neither stored nor sent.
    pub lost: bool,
    /// The first problem. Later ones are logged at debug level.
    pub problem: Option<DeliveryProblem>,
    /// The exporters of [`Config::span_exporter`](crate::Config::span_exporter) that did not export the spans of this dispatch.
    #[cfg(feature = "sdk")]
    pub failed_exporters: Vec<ExportError>,
    /// Traces that were damaged on the disk. They were removed.
    pub(crate) damaged: u64,
    /// True if the backend took this dispatch's trace, or the queue has it.
    pub(crate) arrives: bool,
    /// The losses that removed traces would have reported.
    pub(crate) unreported: Losses,
    /// True if the backend was tried and took nothing; its endpoint may have changed.
    pub(crate) nothing_taken: bool,
}

/// The reason why traces wait, or were lost. Match on the variant; the text is for people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryProblem {
    /// The endpoint is `https`, and no certificate was named or delivered by [`Config::ca_relation`](crate::Config).
    /// Traces wait until there is one.
    #[error("cannot send traces to an https endpoint without a certificate to trust")]
    HttpsWithoutCertificate,
    /// The endpoint is `https`, but this build has no TLS. Traces wait for a build that has.
    #[error("cannot send traces to an https endpoint: this build has no TLS, the feature `tls` is off")]
    NoTls,
    /// Traces cannot be sent to the endpoint.
    #[error("cannot send traces")]
    Endpoint {
        /// The fault in it.
        source: EndpointError,
    },
    /// The certificate cannot be used.
    #[error("cannot send traces")]
    Certificate {
        /// The fault in it.
        source: CertificateError,
    },
    /// There is no answer, because of name resolution, connection, TLS or a timeout.
    #[error("cannot reach the tracing backend at {endpoint}")]
    Unreachable {
        /// The URL, without user and password.
        endpoint: String,
        /// The error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The proxy that the environment names (`http_proxy`, `https_proxy`, `all_proxy`) cannot be used, does not answer, or refuses.
    #[error("cannot send traces to {endpoint} through {proxy}")]
    Proxy {
        /// The URL, without user and password.
        endpoint: String,
        /// The proxy, without user and password, and the variable that names it.
        proxy: String,
        /// The fault.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The backend or the charm has no certificate that the other side trusts: wrong authority or name, not valid now,
    /// an unsupported algorithm, or a missing client certificate. Or the two have no version of TLS in common. Nothing
    /// was sent.
    #[error("cannot send traces to {endpoint}")]
    Untrusted {
        /// The URL, without user and password.
        endpoint: String,
        /// The fault.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The backend gave an answer that lets the traces wait, for example 503 or 404.
    #[error("cannot send traces to {endpoint}: {reason}")]
    NotAccepted {
        /// The URL, without user and password.
        endpoint: String,
        /// The answer.
        reason: String,
    },
    /// Delivery panicked, for example because no thread could be started to look up a name. Traces that were stored
    /// before wait.
    #[error("cannot deliver traces: the attempt was interrupted")]
    Interrupted,
    /// The directory in which traces wait, or a file in it, cannot be used. This dispatch's trace is sent directly. If
    /// that fails, it waits in the dispatch's journal, or is lost if there is none.
    #[error(transparent)]
    Buffer {
        /// The error.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl DeliveryReport {
    /// Returns the report of a delivery that did not finish, so that nothing is known.
    pub(crate) fn interrupted() -> Self {
        Self { problem: Some(DeliveryProblem::Interrupted), nothing_taken: true, ..Self::default() }
    }

    /// Returns the losses of this dispatch, which a later trace reports.
    pub(super) fn losses(&self) -> Losses {
        let losses = Losses {
            dropped_traces: self.dropped_by_limits.into(),
            refused_traces: self.refused.into(),
            lost_traces: self.damaged + u64::from(self.lost),
            rejected_spans: self.rejected_spans,
        };
        losses.plus(self.unreported)
    }

    pub(super) fn count_rejected(&mut self, spans: u64) {
        self.rejected_spans = self.rejected_spans.saturating_add(spans);
    }

    pub(super) fn note(&mut self, problem: DeliveryProblem) {
        log::debug!("{}", with_causes(&problem));
        self.nothing_taken |= matches!(
            problem,
            DeliveryProblem::Unreachable { .. }
                | DeliveryProblem::Proxy { .. }
                | DeliveryProblem::Untrusted { .. }
                | DeliveryProblem::NotAccepted { .. }
        );
        self.problem.get_or_insert(problem);
    }
}

impl DeliveryProblem {
    /// Returns true if the directory in which traces wait is another user's, or something else is in its place; an
    /// operator has to move it.
    pub(crate) fn is_refused_queue(&self) -> bool {
        matches!(self, Self::Buffer { source } if matches!(source.downcast_ref(), Some(QueueError::Refused { .. })))
    }
}

impl From<QueueError> for DeliveryProblem {
    fn from(error: QueueError) -> Self {
        Self::Buffer { source: Box::new(error) }
    }
}
