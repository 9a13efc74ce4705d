//! What the operator has configured.

use anyhow::Context as _;
use charm_tracing::juju::{Dispatch, HookToolCall};
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
    pub(crate) fn read(dispatch: &Dispatch) -> anyhow::Result<Self> {
        let answer = dispatch.hook_tools().run(&HookToolCall::new("config-get").arg("--format=json"))?;
        serde_json::from_slice(&answer.stdout).context("cannot use the configuration")
    }

    pub(crate) fn port(&self, protocol: ReceiverProtocol) -> u16 {
        if protocol == ReceiverProtocol::OtlpGrpc { self.otlp_grpc_port } else { self.otlp_http_port }
    }
}
