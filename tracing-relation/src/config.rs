use std::path::{Path, PathBuf};

use crate::error::with_causes;
use crate::juju::Dispatch;
use crate::regular_file::is_plain_path;
use crate::{CosAgentProvider, TracingEndpointRequirer, TracingError};

/// The destination for the traces of the charm itself: the endpoint, and the certificate by which the backend is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CharmTracingConfig {
    /// The OTLP over HTTP endpoint, such as `http://tempo:4318`; `None` while there is no usable one.
    pub endpoint: Option<String>,
    /// The file with the certificate; `Some` only if the endpoint is `https`.
    pub server_cert: Option<PathBuf>,
}

/// The side of a relation that learns where to send traces: [`TracingEndpointRequirer`] or [`CosAgentProvider`].
///
/// No other type can implement it.
#[expect(private_bounds, reason = "it is sealed")]
pub trait CharmTracingSource: LearnsEndpoint {}

impl CharmTracingSource for TracingEndpointRequirer {}
impl CharmTracingSource for CosAgentProvider {}

/// The part of [`CharmTracingSource`] that differs between the interfaces.
pub(crate) trait LearnsEndpoint {
    /// Returns the OTLP over HTTP endpoint of the relation, if there is one.
    fn charm_endpoint(&self) -> Result<Option<String>, TracingError>;

    fn dispatch(&self) -> &Dispatch;
}

/// Finds the endpoint for the traces of the charm itself: the OTLP over HTTP endpoint of the relation, if there is one.
///
/// `source` is a [`TracingEndpointRequirer`], or the [`CosAgentProvider`] of a charm on a machine. A charm with both asks one
/// after the other.
///
/// `cert_path` is the file with the certificate of the authority that signed the backend's certificate. An `https` endpoint
/// needs it. While the file does not exist, no endpoint is returned, and a WARNING in Juju's log says so once per dispatch.
/// This usually ends when the relation with the certificates' provider is complete.
///
/// A charm whose certificate is not a file (it comes from a `certificate_transfer` relation, or it is the system's) calls
/// [`charm_tracing_endpoint`] instead.
///
/// The decisions are those of `charm_tracing_config` in the Python libraries, with these exceptions: a refused or removed
/// relation is recognised in any version of Juju, the scheme may be in upper or lower case, and an `https` endpoint without
/// `cert_path` is not an error for `cos_agent` either.
///
/// A hook tool that fails, hangs or prints invalid output is not an error here, because a charm should not fail only
/// because the endpoint of its traces is unknown. In this case no endpoint is returned, the traces are kept, and a WARNING
/// in Juju's log says why, once per dispatch.
///
/// # Errors
///
/// Only mistakes of the charm's author are errors: the limit of the endpoint is not 1
/// ([`AmbiguousRelationUsage`](TracingError::AmbiguousRelationUsage)), or the charm has requested protocols, but not OTLP
/// over HTTP ([`ProtocolNotRequested`](TracingError::ProtocolNotRequested)). Only a leader can detect the second one. For
/// `cos_agent` the second one is a warning, as in Python.
pub fn charm_tracing_config(
    source: &impl CharmTracingSource,
    cert_path: Option<&Path>,
) -> Result<CharmTracingConfig, TracingError> {
    let Some(endpoint) = charm_tracing_endpoint(source)? else { return Ok(CharmTracingConfig::default()) };
    if !is_https(&endpoint) {
        return Ok(CharmTracingConfig { endpoint: Some(endpoint), server_cert: None });
    }
    if let Some(path) = cert_path.filter(|path| path.exists()) {
        Ok(CharmTracingConfig { endpoint: Some(endpoint), server_cert: Some(path.to_owned()) })
    } else {
        // Juju's log is used rather than the `log` facade, because few charms connect the facade with Juju's log.
        source.dispatch().warn_operator("certificate", &why_not_https(cert_path));
        Ok(CharmTracingConfig::default())
    }
}

/// Returns the OTLP over HTTP endpoint of the relation for the traces of the charm itself, with any scheme; `None` if there
/// is none.
///
/// Use it for a charm whose certificate is not a file: it comes from a `certificate_transfer` relation, or it is the
/// system's.
///
/// A hook tool that fails is not an error, as in [`charm_tracing_config`]: `None` is returned, and a WARNING in Juju's log
/// says why.
///
/// # Errors
///
/// The errors are those of [`charm_tracing_config`].
pub fn charm_tracing_endpoint(source: &impl CharmTracingSource) -> Result<Option<String>, TracingError> {
    match source.charm_endpoint() {
        Err(error @ (TracingError::HookTool(_) | TracingError::Environment(_))) => {
            let why = with_causes(&error);
            source
                .dispatch()
                .warn_operator("endpoint", &format!("cannot send traces yet, so they are kept: {why}"));
            Ok(None)
        }
        endpoint => endpoint,
    }
}

fn is_https(endpoint: &str) -> bool {
    endpoint.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}

fn why_not_https(cert_path: Option<&Path>) -> String {
    let missing = match cert_path {
        None => "the charm was given no certificate".to_owned(),
        Some(path) if is_plain_path(path) => format!("there is no certificate at {}", path.display()),
        // The path is not shown, because it may be the certificate itself, or a key.
        Some(_) => "what the charm names as its certificate's file is no absolute path".to_owned(),
    };
    format!(
        "cannot send traces to the https tracing endpoint: {missing}. They are kept until it is there. A backend that \
         is related to a certificates provider needs this application to be related to one, too."
    )
}
