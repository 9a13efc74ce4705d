//! The line about a delivery in Juju's log, for the operator: at most one per dispatch, and none while a charm simply
//! has no backend. A failure of the charm's own exporters is a line of its own.

use std::error::Error;

use tracing_relation::with_causes;

use crate::delivery::{DeliveryProblem, DeliveryReport};
#[cfg(feature = "sdk")]
use crate::sdk::ExportError;
use crate::target::{MissingCertificate, Target};

/// A line for Juju's log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) level: log::Level,
    pub(crate) text: String,
}

/// Returns the most important message about `report`; `None` if there is none.
///
/// `target` is the destination of the traces; without one, a full queue is not reported (loki-k8s-operator#576).
/// `keeps_traces` is true if the charm has a queue; a charm without one has chosen to lose traces that cannot be sent.
pub(crate) fn of_delivery(
    report: &DeliveryReport,
    target: Option<&Target>,
    keeps_traces: bool,
) -> Option<Notice> {
    let has_destination = target.is_some();
    let problem = report.problem.as_ref();
    let warn = |text: String| Some(Notice { level: log::Level::Warn, text });
    let refusal = || report.last_refusal.as_deref().unwrap_or("it did not say why");

    if report.lost && (has_destination || keeps_traces) {
        let why =
            problem.map_or_else(|| "there is nowhere to keep it".to_owned(), |problem| with_causes(problem));
        return warn(format!("the trace of this event is lost: {why}"));
    }
    match problem {
        Some(problem @ DeliveryProblem::Interrupted) => return warn(with_causes(problem)),
        Some(problem @ DeliveryProblem::HttpsWithoutCertificate) => {
            let missing = target.and_then(|target| target.missing.as_ref());
            return warn(missing.map_or_else(|| with_causes(problem), MissingCertificate::notice));
        }
        Some(problem @ DeliveryProblem::Certificate { .. }) => {
            let came_over = target.and_then(|target| target.ca_relation.as_ref());
            let from = came_over.map(|endpoint| format!(" (it has come over `{endpoint}`)"));
            return warn(with_causes(problem) + &from.unwrap_or_default() + KEPT);
        }
        Some(
            problem @ (DeliveryProblem::NoTls
            | DeliveryProblem::Endpoint { .. }
            | DeliveryProblem::Proxy { .. }
            | DeliveryProblem::Untrusted { .. }),
        ) => {
            return warn(with_causes(problem) + KEPT);
        }
        Some(problem) if problem.is_refused_queue() => {
            return warn(
                with_causes(problem) + "; they are sent at once, and lost if that fails, until it is moved",
            );
        }
        _ => {}
    }
    if report.refused > 0 {
        return warn(format!(
            "the tracing backend refused {} for good: {}",
            traces(report.refused),
            refusal()
        ));
    }
    if report.rejected_spans > 0 {
        return warn(format!("the tracing backend rejected {} spans: {}", report.rejected_spans, refusal()));
    }
    if report.dropped_by_limits > 0 && has_destination {
        return warn(format!(
            "the trace buffer is full: {} dropped, the oldest first",
            traces(report.dropped_by_limits)
        ));
    }
    if report.dropped_spans > 0 {
        return warn(format!(
            "the trace of this event had grown to its limit and lacks {} spans; `max_bytes_per_trace` sets it",
            report.dropped_spans
        ));
    }
    // An outage of the backend ends by itself, so it is only logged at debug level.
    problem.map(|problem| Notice { level: log::Level::Debug, text: with_causes(problem) })
}

/// Returns a message about the charm's exporters that failed; `None` if none failed.
#[cfg(feature = "sdk")]
pub(crate) fn of_exporters(failed: &[ExportError]) -> Option<Notice> {
    let (first, others) = failed.split_first()?;
    let text = match others.len() {
        0 => with_causes(first),
        1 => format!("{}; another exporter failed as well", with_causes(first)),
        others => format!("{}; {others} other exporters failed as well", with_causes(first)),
    };
    Some(Notice { level: log::Level::Warn, text })
}

impl MissingCertificate {
    fn notice(&self) -> String {
        let whole = self.source().is_none();
        with_causes(self) + if whole { "" } else { KEPT }
    }
}

const KEPT: &str = "; they are kept until that is mended";

fn traces(count: u32) -> String {
    if count == 1 { "1 trace".to_owned() } else { format!("{count} traces") }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::PathBuf;

    use super::*;
    use crate::Destination;
    use crate::queue::QueueError;
    use crate::relation::TracingError;

    fn unreachable() -> DeliveryProblem {
        DeliveryProblem::Unreachable {
            endpoint: "http://tempo:4318/v1/traces".into(),
            source: Box::new(io::Error::other("connection refused")),
        }
    }

    fn report(change: impl FnOnce(&mut DeliveryReport)) -> DeliveryReport {
        let mut report = DeliveryReport::default();
        change(&mut report);
        report
    }

    fn said(report: &DeliveryReport, has_destination: bool) -> Option<(log::Level, String)> {
        let destination = Destination::new("http://tempo:4318", None);
        let target = has_destination.then_some(Target { destination, missing: None, ca_relation: None });
        of_delivery(report, target.as_ref(), true).map(|notice| (notice.level, notice.text))
    }

    #[test]
    fn a_charm_without_a_backend_is_quiet_even_when_its_buffer_is_full() {
        let full = report(|report| (report.buffered, report.dropped_by_limits) = (true, 3));
        assert_eq!(said(&full, false), None);
        assert_eq!(
            said(&full, true),
            Some((log::Level::Warn, "the trace buffer is full: 3 traces dropped, the oldest first".into()))
        );
    }

    #[test]
    fn an_outage_is_no_warning() {
        let outage = report(|report| report.problem = Some(unreachable()));
        assert_eq!(
            said(&outage, true),
            Some((
                log::Level::Debug,
                "cannot reach the tracing backend at http://tempo:4318/v1/traces: connection refused".into()
            ))
        );
    }

    #[test]
    fn a_proxy_that_serves_nothing_is_a_warning_that_names_it() {
        let proxied = report(|report| {
            report.problem = Some(DeliveryProblem::Proxy {
                endpoint: "http://tempo:4318/v1/traces".into(),
                proxy: "the proxy http://proxy:3128 of http_proxy".into(),
                source: "there is no answer in time".into(),
            });
        });
        let text = "cannot send traces to http://tempo:4318/v1/traces through the proxy http://proxy:3128 of http_proxy: \
                    there is no answer in time; they are kept until that is mended";
        assert_eq!(said(&proxied, true), Some((log::Level::Warn, text.into())));
    }

    fn unusable(error: QueueError) -> DeliveryReport {
        report(|report| report.problem = Some(error.into()))
    }

    #[test]
    fn a_directory_that_is_refused_is_a_warning_even_if_the_trace_was_sent() {
        let path = PathBuf::from("/charm/.charm_tracing_buffer");
        let mut refused = unusable(QueueError::Refused { path: path.clone(), what: "another user's" });
        refused.delivered = 1;
        let text = "cannot keep traces in /charm/.charm_tracing_buffer: it is another user's; \
                    they are sent at once, and lost if that fails, until it is moved";
        for has_destination in [true, false] {
            assert_eq!(said(&refused, has_destination), Some((log::Level::Warn, text.into())));
        }
        refused.lost = true;
        let (level, text) = said(&refused, true).unwrap();
        assert_eq!(level, log::Level::Warn);
        assert!(text.starts_with("the trace of this event is lost: cannot keep traces in /charm"), "{text}");

        let elsewhere = unusable(QueueError::Elsewhere { path });
        assert_eq!(said(&elsewhere, true).map(|(level, _)| level), Some(log::Level::Debug));
    }

    #[test]
    fn a_trace_that_has_grown_to_its_limit_is_said_with_the_setting() {
        let grown = report(|report| report.dropped_spans = 7);
        let text = "the trace of this event had grown to its limit and lacks 7 spans; \
                    `max_bytes_per_trace` sets it";
        assert_eq!(said(&grown, true), Some((log::Level::Warn, text.into())));
    }

    #[test]
    fn a_loss_comes_before_everything_else_unless_it_was_chosen() {
        let lost = report(|report| {
            (report.lost, report.refused) = (true, 1);
            report.problem = Some(unreachable());
        });
        let (level, text) = said(&lost, true).unwrap();
        assert_eq!(level, log::Level::Warn);
        assert!(text.starts_with("the trace of this event is lost: cannot reach"), "{text}");

        let chosen = report(|report| report.lost = true);
        assert_eq!(of_delivery(&chosen, None, false), None);
        assert!(of_delivery(&chosen, None, true).is_some());
    }

    #[test]
    fn what_the_backend_refused_is_said_with_its_reason() {
        let refused =
            report(|report| (report.refused, report.last_refusal) = (1, Some("400: bad ids".into())));
        assert_eq!(
            said(&refused, true),
            Some((log::Level::Warn, "the tracing backend refused 1 trace for good: 400: bad ids".into()))
        );
    }

    #[test]
    fn https_without_a_certificate_is_said_in_words_for_who_can_mend_it() {
        let report = report(|report| report.problem = Some(DeliveryProblem::HttpsWithoutCertificate));
        let endpoint = || "receive-ca-cert".to_owned();
        let source = Box::new(TracingError::DataAccessPermission);
        for (missing, begins, ends) in [
            (
                MissingCertificate::NotNamed,
                "Tracing endpoint is https, but no server_cert has been passed.",
                "This span will be buffered.",
            ),
            (
                MissingCertificate::NotConfigured,
                "cannot send traces to the https endpoint that Juju names for all charms: ",
                "(JUJU_CHARM_TRACE_CONFIG_CA_CERT is empty); they are kept until the controller's configuration has one",
            ),
            (
                MissingCertificate::NotRelated { endpoint: endpoint() },
                "cannot send traces to an https endpoint: its CA certificate is to come over `receive-ca-cert`, ",
                "which has no relation; they are kept until it is related to a provider of certificates",
            ),
            (
                MissingCertificate::NotSent { endpoint: endpoint() },
                "cannot send traces to an https endpoint: its CA certificate is to come over `receive-ca-cert`, ",
                "where there is none yet; they are kept until the provider sends one",
            ),
            (
                MissingCertificate::NotReadable { endpoint: endpoint(), source },
                "cannot send traces to an https endpoint: its CA certificate is to come over `receive-ca-cert`: ",
                ": cannot write the application's databag: only the leader may; they are kept until that is mended",
            ),
        ] {
            let destination = Destination::new("https://tempo:4318", None);
            let target = Target { destination, missing: Some(missing), ca_relation: None };
            let Notice { level, text } = of_delivery(&report, Some(&target), true).unwrap();
            assert_eq!(level, log::Level::Warn);
            assert!(text.starts_with(begins) && text.ends_with(ends), "{text}");
        }
    }
}
