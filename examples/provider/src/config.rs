//! The operator's configuration.

use charm_tracing::juju::{Dispatch, HookToolError};
use charm_tracing::relation::ReceiverProtocol;
use charm_tracing::trace_type;
use serde::Deserialize;

/// The options of `charmcraft.yaml`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Config {
    pub(crate) external_url: Option<String>,
    otlp_http_port: u16,
    otlp_grpc_port: u16,
}

#[trace_type(skip(port))]
impl Config {
    pub(crate) fn read(dispatch: &Dispatch) -> Result<Self, HookToolError> {
        dispatch.config_get()
    }

    pub(crate) fn port(&self, protocol: ReceiverProtocol) -> u16 {
        if protocol == ReceiverProtocol::OtlpGrpc { self.otlp_grpc_port } else { self.otlp_http_port }
    }
}
