use std::time::Duration;

use tracing_relation::juju::Dispatch;
use tracing_relation::{CertificateTransferRequirer, TracingError};

use crate::delivery::{Certificate, Destination};
use crate::{otel_variables, span};

/// The destination of a dispatch's traces, and the reason if it lacks the certificate it needs.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) destination: Destination,
    pub(crate) missing: Option<MissingCertificate>,
    /// The charm's endpoint that delivered the certificate.
    pub(crate) ca_relation: Option<String>,
}

/// The reason why an `https` destination has no certificate, in words for the person who can fix it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MissingCertificate {
    /// Nothing names a certificate. The text is that of the Python library, because operators know it.
    #[error(
        "Tracing endpoint is https, but no server_cert has been passed. Please point @trace_charm to a `server_cert` \
         attr. This might also mean that the tracing provider is related to a certificates provider, but this \
         application is not (yet). In that case, you might just have to wait a bit for the certificates integration to \
         settle. This span will be buffered."
    )]
    NotNamed,
    #[error(
        "cannot send traces to the https endpoint that Juju names for all charms: it names no CA certificate for it \
         (JUJU_CHARM_TRACE_CONFIG_CA_CERT is empty); they are kept until the controller's configuration has one"
    )]
    NotConfigured,
    #[error(
        "cannot send traces to an https endpoint: its CA certificate is to come over `{endpoint}`, which has no \
         relation; they are kept until it is related to a provider of certificates"
    )]
    NotRelated { endpoint: String },
    #[error(
        "cannot send traces to an https endpoint: its CA certificate is to come over `{endpoint}`, where there is none \
         yet; they are kept until the provider sends one"
    )]
    NotSent { endpoint: String },
    /// The charm's metadata does not fit, or a hook tool failed.
    #[error("cannot send traces to an https endpoint: its CA certificate is to come over `{endpoint}`")]
    NotReadable { endpoint: String, source: Box<TracingError> },
    #[error(
        "cannot send traces to an https endpoint: the attempt to read its CA certificate was interrupted"
    )]
    Interrupted,
}

impl Target {
    /// Finds the destination: the charm's own, else the one that Juju sets for charm traces, else the one in
    /// OpenTelemetry's own variables; `None` if there is none. If it needs a certificate and has none, `ca_relation` is
    /// read: the hook tools for that are spans of the dispatch, and may take `patience` each.
    pub(crate) fn find(
        own: Option<Destination>,
        ca_relation: Option<&str>,
        dispatch: &Dispatch,
        patience: Duration,
    ) -> Option<Self> {
        let (mut destination, not_named) = if let Some(own) = own {
            (own, MissingCertificate::NotNamed)
        } else if let Some(jujus) = span::catch_panics(|| of_juju(dispatch)).flatten() {
            (jujus, MissingCertificate::NotConfigured)
        } else {
            let mut named =
                span::catch_panics(|| otel_variables::read(|name| dispatch.var(name))).flatten()?;
            if named.lacks_certificate() && ca_relation.is_none() {
                // OpenTelemetry trusts the system's store where no certificate is named.
                named.trust(Certificate::System);
            }
            (named, MissingCertificate::NotNamed)
        };
        let (mut missing, mut came_over) = (None, None);
        if destination.lacks_certificate() {
            let read = || ca_relation.map_or(Err(not_named), |endpoint| bundle(dispatch, endpoint, patience));
            match span::catch_panics_traced(read).unwrap_or(Err(MissingCertificate::Interrupted)) {
                Ok(pem) => {
                    destination.trust(Certificate::Pem(pem));
                    came_over = ca_relation.map(str::to_owned);
                }
                Err(why) => missing = Some(why),
            }
        }
        Some(Self { destination, missing, ca_relation: came_over })
    }
}

fn of_juju(dispatch: &Dispatch) -> Option<Destination> {
    let config = dispatch.charm_trace_config()?;
    let Some(http) = config.http else {
        log::debug!(
            "Juju names an endpoint for charm traces over OTLP/gRPC alone; they are sent over OTLP/HTTP only"
        );
        return None;
    };
    Some(Destination::new(http, config.ca_cert.map(Certificate::Pem)))
}

/// Returns all certificates that the relations of the charm's endpoint have delivered.
fn bundle(dispatch: &Dispatch, endpoint: &str, patience: Duration) -> Result<String, MissingCertificate> {
    // The hook's own work is done; only the trace needs the certificates.
    let dispatch = dispatch.clone().with_patience(patience);
    let endpoint = endpoint.to_owned();
    let read = || {
        let requirer = CertificateTransferRequirer::new(&dispatch, &endpoint)?;
        // The requirer already knows the relations here, so the second question runs no tool.
        Ok((requirer.certificates()?, requirer.relations()?.is_empty()))
    };
    match read() {
        Ok((certificates, _)) if !certificates.is_empty() => Ok(certificates.into_iter().collect()),
        Ok((_, true)) => Err(MissingCertificate::NotRelated { endpoint }),
        Ok((_, false)) => Err(MissingCertificate::NotSent { endpoint }),
        Err(source) => Err(MissingCertificate::NotReadable { endpoint, source: Box::new(source) }),
    }
}
