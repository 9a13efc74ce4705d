//! Sends traces when a person asks for it, outside of any dispatch.

use std::time::Duration;

use super::backend::{Backend, SendOutcome};
use super::budget::{Allowance, SystemClock, TimeBudget};
use super::destination::Destination;
use super::report::{DeliveryProblem, DeliveryReport};

/// The result of sending one trace.
#[derive(Debug)]
pub enum Sent {
    /// The backend has the trace.
    Taken {
        /// The number of spans that it rejected nevertheless.
        rejected_spans: u64,
        /// The reason for which it rejected them.
        reason: Option<String>,
    },
    /// The backend will never take the trace.
    Refused {
        /// The answer.
        reason: String,
    },
    /// The trace was not taken, and may be taken later.
    Kept {
        /// The reason; `None` if the time was over.
        problem: Option<DeliveryProblem>,
    },
}

/// Sends OTLP requests over one connection, as a dispatch does: the same proxies, certificates and verdicts, and in parts what is
/// too large. There is no limit for the time of all requests together.
///
/// `each` gets the result of each request. It returns false if no more are to be sent.
///
/// # Errors
///
/// Returns the problem if nothing can be sent to the destination.
pub fn send_by_hand(
    destination: &Destination,
    per_request: Duration,
    requests: impl IntoIterator<Item = Vec<u8>>,
    mut each: impl FnMut(Sent) -> bool,
) -> Result<(), DeliveryProblem> {
    let endpoint = destination
        .endpoint
        .as_ref()
        .map_err(|source| DeliveryProblem::Endpoint { source: source.clone() })?;
    let (clock, budget) = (SystemClock::new(), TimeBudget { per_request, total: Duration::MAX });
    let allowance = Allowance::start(&clock, &budget);
    let mut backend = Backend::new(endpoint, destination, allowance)?;
    for request in requests {
        let mut report = DeliveryReport::default();
        let outcome = backend.send_trace(&request, false, &mut report, &mut |_, _| {});
        let DeliveryReport { rejected_spans, last_refusal: reason, problem, .. } = report;
        let sent = match outcome {
            SendOutcome::Taken => Sent::Taken { rejected_spans, reason },
            SendOutcome::Refused => Sent::Refused { reason: reason.unwrap_or_default() },
            SendOutcome::Kept(_) => Sent::Kept { problem },
        };
        if !each(sent) {
            break;
        }
    }
    Ok(())
}
