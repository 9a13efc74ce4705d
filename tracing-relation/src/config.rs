use std::path::{Path, PathBuf};

use crate::error::with_causes;
use crate::regular_file::is_plain_path;
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
/// A charm whose certificate is no file (that of a `certificate_transfer` relation, the system's) takes
/// [`charm_tracing_endpoint`] instead.
///
/// The decisions are those of `charm_tracing_config` in the Python library, except that a refused or vanished relation
/// is recognised in any version of Juju, and that the scheme may be written in any case.
///
/// Nor is a hook tool that fails, hangs or prints what makes no sense an error here: a charm that runs has no reason to
/// fail because nobody knows where its traces go. There is no endpoint then, so they are kept, and a WARNING in Juju's log
/// says why, once per dispatch.
///
/// # Errors
///
/// What only the charm's author can mend: the limit of the endpoint is not 1
/// ([`AmbiguousRelationUsage`](TracingError::AmbiguousRelationUsage)); or the charm has requested protocols, but not OTLP
/// over HTTP ([`ProtocolNotRequested`](TracingError::ProtocolNotRequested)), which only a leader notices.
pub fn charm_tracing_config(
    requirer: &TracingEndpointRequirer,
    cert_path: Option<&Path>,
) -> Result<CharmTracingConfig, TracingError> {
    let Some(endpoint) = charm_tracing_endpoint(requirer)? else { return Ok(CharmTracingConfig::default()) };
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

/// Where the traces of the charm itself go, whatever the scheme: the OTLP over HTTP endpoint of the relation, once there is
/// one. For a charm whose certificate is no file: that of a `certificate_transfer` relation, or the system's.
///
/// A hook tool that fails is no error, as for [`charm_tracing_config`]: there is no endpoint then, and a WARNING in Juju's log.
///
/// # Errors
///
/// As for [`charm_tracing_config`].
pub fn charm_tracing_endpoint(requirer: &TracingEndpointRequirer) -> Result<Option<String>, TracingError> {
    let of_ready = |ready| if ready { requirer.get_endpoint(ReceiverProtocol::OtlpHttp) } else { Ok(None) };
    match requirer.is_ready().and_then(of_ready) {
        Err(error @ (TracingError::HookTool(_) | TracingError::Environment(_))) => {
            let why = with_causes(&error);
            requirer
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
        // It may be the certificate itself, or a key.
        Some(_) => "what the charm names as its certificate's file is no absolute path".to_owned(),
    };
    format!(
        "cannot send traces to the https tracing endpoint: {missing}. They are kept until it is there. A backend that \
         is related to a certificates provider needs this application to be related to one, too."
    )
}
