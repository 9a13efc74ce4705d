use charm_tracing::__charm_traces::{Sent, send_by_hand, with_causes};
use charm_tracing::DeliveryProblem;

use super::finding::Finding;
use crate::arguments::Connection;
use crate::send::destination;

/// Sends a request without spans to the backend, and explains the answer.
pub(super) fn findings(connection: &Connection, endpoint: &str) -> Vec<Finding> {
    let destination = match destination(connection, endpoint) {
        Ok(destination) => destination,
        Err(error) => return vec![Finding::bad(format!("{error:#}"), "name a file that this user can read")],
    };
    let mut findings = Vec::new();
    // An `ExportTraceServiceRequest` without a field.
    let sent = send_by_hand(&destination, connection.timeout, [Vec::new()], |sent| {
        findings.push(finding(connection, endpoint, sent));
        false
    });
    findings.extend(sent.err().map(|problem| explained(connection, &problem)));
    findings
}

fn finding(connection: &Connection, endpoint: &str, sent: Sent) -> Finding {
    match sent {
        Sent::Taken { .. } => Finding::good(format!("{endpoint} takes traces")),
        Sent::Refused { reason } => Finding::notice(
            format!("{endpoint} answers, but refuses a request without spans: {reason}"),
            "send a real trace: charm-traces send --endpoint URL",
        ),
        Sent::Kept { problem: Some(problem) } => explained(connection, &problem),
        Sent::Kept { problem: None } => {
            Finding::bad(format!("{endpoint} does not answer in time"), "try a longer --timeout")
        }
    }
}

fn explained(connection: &Connection, problem: &DeliveryProblem) -> Finding {
    let advice = match problem {
        DeliveryProblem::HttpsWithoutCertificate | DeliveryProblem::Certificate { .. } => {
            "name the authority that has signed the backend's certificate, in PEM: --ca FILE"
        }
        DeliveryProblem::Endpoint { .. } => "the endpoint must be like http://tempo:4318",
        DeliveryProblem::Unreachable { .. } => {
            "is the backend up, is its name known on this machine, and is its port open? Traces wait until it answers"
        }
        DeliveryProblem::Proxy { .. } => {
            "add the backend to no-proxy of the model, or unset the variable: juju model-config no-proxy=..."
        }
        DeliveryProblem::Untrusted { .. } if connection.ca.is_none() => {
            "the authorities of this system were tried: name that of the backend with --ca FILE, and give it to the charm \
             (server_cert, or a relation to the provider of its certificate)"
        }
        DeliveryProblem::Untrusted { .. } => {
            "relate the charm and the backend to the same provider of certificates, and take its current one"
        }
        DeliveryProblem::NotAccepted { .. } => {
            "is this the OTLP/HTTP receiver (port 4318 by default, not 4317)? Else look into the log of the backend"
        }
        _ => "look into the log of the backend",
    };
    Finding::bad(with_causes(problem), advice)
}
