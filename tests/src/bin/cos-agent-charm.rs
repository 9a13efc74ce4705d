//! A charm on a machine that learns from its collector, over `cos_agent`, where to push its traces.
//!
//! Its own work is to set its status. Each hook tool for the relation may take `TOOL_MILLISECONDS`, if that is set.

use std::process::ExitCode;

use charm_tracing::juju::{Dispatch, HookToolCall, HookToolError};
use charm_tracing::relation::{CosAgentProvider, ReceiverProtocol, TracingError, charm_tracing_config};
use charm_tracing::trace_charm;
use tests::impatient;

struct CosAgentCharm {
    endpoint: Option<String>,
    status: &'static str,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl CosAgentCharm {
    fn new(dispatch: &Dispatch) -> Result<Self, TracingError> {
        let dispatch = impatient(dispatch);
        let collector = CosAgentProvider::new(&dispatch, "cos-agent", &[ReceiverProtocol::OtlpHttp])?;
        let endpoint = charm_tracing_config(&collector, None)?.endpoint;
        Ok(Self { endpoint, status: "active" })
    }

    fn handle(&mut self, dispatch: &Dispatch) -> Result<(), HookToolError> {
        dispatch.hook_tools().run(&HookToolCall::new("status-set").arg(self.status)).map(drop)
    }
}

fn main() -> ExitCode {
    charm_tracing::run(CosAgentCharm::new, CosAgentCharm::handle)
}
