use std::path::{Path, PathBuf};

use crate::{ReceiverProtocol, TracingEndpointRequirer, TracingError};

/// Where the traces of the charm itself go, and the certificate by which the backend is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CharmTracingConfig {
    /// The OTLP over HTTP endpoint, such as `http://tempo:4318`; `None` while there is none that can be used.
    pub endpoint: Option<String>,
    /// The file with the certificate; only if the endpoint is `https`.
    pub server_cert: Option<PathBuf>,
}

/// Decides where the traces of the charm itself go: to the OTLP over HTTP endpoint of the relation, once there is one.
///
/// `cert_path` is the file with the certificate of the authority that signed the backend's; it is needed for an `https`
/// endpoint. As long as the file does not exist, there is no endpoint: a WARNING in Juju's log says so, once per
/// dispatch. That usually passes once the relation with the certificates' provider has settled.
///
/// A charm whose certificate is no file (that of a `certificate_transfer` relation, the system's) asks
/// [`get_endpoint`](TracingEndpointRequirer::get_endpoint) for [`OtlpHttp`](ReceiverProtocol::OtlpHttp) instead.
///
/// The decisions are those of `charm_tracing_config` in the Python library, except that a refused or vanished relation
/// is recognised in any version of Juju, and that the scheme may be written in any case.
///
/// # Hook tools that fail
///
/// | tool | cannot be run, fails, or takes too long | prints what makes no sense |
/// |---|---|---|
/// | `relation-ids`, `relation-list` | error | error |
/// | `relation-get` of the backend's databag | error | no endpoint |
/// | `is-leader`, `relation-set`, `relation-get` of the own databag | nothing, if the backend has an OTLP over HTTP endpoint | the same |
///
/// A refusal is no failure: if the relation is gone, or the event does not allow the tool, there is no endpoint. An
/// error that a charm's constructor passes on fails the hook, as any of its errors does. A charm for which tracing is no
/// reason to fail asks late, in a method that `#[trace_charm]` names, or takes an error for no endpoint.
///
/// # Errors
///
/// The limit of the endpoint is not 1 ([`AmbiguousRelationUsage`](TracingError::AmbiguousRelationUsage)); the charm has
/// requested protocols, but not OTLP over HTTP ([`ProtocolNotRequested`](TracingError::ProtocolNotRequested)), which
/// only a leader notices; or a hook tool fails.
pub fn charm_tracing_config(
    requirer: &TracingEndpointRequirer,
    cert_path: Option<&Path>,
) -> Result<CharmTracingConfig, TracingError> {
    if !requirer.is_ready()? {
        return Ok(CharmTracingConfig::default());
    }
    let Some(endpoint) = requirer.get_endpoint(ReceiverProtocol::OtlpHttp)? else {
        return Ok(CharmTracingConfig::default());
    };
    if !is_https(&endpoint) {
        return Ok(CharmTracingConfig { endpoint: Some(endpoint), server_cert: None });
    }
    if let Some(path) = cert_path.filter(|path| path.exists()) {
        Ok(CharmTracingConfig { endpoint: Some(endpoint), server_cert: Some(path.to_owned()) })
    } else {
        // In Juju's log rather than through the `log` facade, which few charms connect with it.
        requirer.dispatch().warn_operator("certificate", &why_not_https(cert_path));
        Ok(CharmTracingConfig::default())
    }
}

fn is_https(endpoint: &str) -> bool {
    endpoint.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}

fn why_not_https(cert_path: Option<&Path>) -> String {
    let missing = match cert_path {
        None => "the charm was given no certificate".to_owned(),
        Some(path) => format!("there is no certificate at {}", path.display()),
    };
    format!(
        "cannot send traces to the https tracing endpoint: {missing}. They are kept until it is there. A backend that \
         is related to a certificates provider needs this application to be related to one, too."
    )
}
