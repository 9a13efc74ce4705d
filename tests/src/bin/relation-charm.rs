//! A charm that learns from the relation where to push its traces, with `charm_tracing_config`, in one of the two places
//! in which it can: when it is constructed, where a failure of a hook tool is one of the charm, or (if `ASK` is `late`) when
//! it is asked, where only the trace depends on it.
//!
//! Its own work is to set its status. Each hook tool for the relation may take `TOOL_MILLISECONDS`, if that is set.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use charm_tracing::juju::{Dispatch, HookToolCall, HookToolError, ProcessHookTools};
use charm_tracing::relation::{
    CharmTracingConfig, ReceiverProtocol, TracingEndpointRequirer, TracingError, charm_tracing_config,
};
use charm_tracing::trace_charm;

struct RelationCharm {
    tracing: TracingEndpointRequirer,
    config: Option<CharmTracingConfig>,
    status: &'static str,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl RelationCharm {
    fn new(dispatch: &Dispatch) -> Result<Self, TracingError> {
        let patience = dispatch.var("TOOL_MILLISECONDS").and_then(|text| text.parse().ok());
        let dispatch = match patience.map(Duration::from_millis) {
            Some(patience) => {
                let tools = ProcessHookTools::new().with_timeout(patience);
                dispatch.clone().with_hook_tools(Arc::new(tools))
            }
            None => dispatch.clone(),
        };
        let tracing = TracingEndpointRequirer::new(&dispatch, "tracing", &[ReceiverProtocol::OtlpHttp])?;
        let early = dispatch.var("ASK") != Some("late");
        let config = early.then(|| charm_tracing_config(&tracing, None)).transpose()?;
        Ok(Self { tracing, config, status: "active" })
    }

    fn endpoint(&self) -> Result<Option<String>, TracingError> {
        match &self.config {
            Some(config) => Ok(config.endpoint.clone()),
            None => Ok(charm_tracing_config(&self.tracing, None)?.endpoint),
        }
    }

    fn handle(&mut self, dispatch: &Dispatch) -> Result<(), HookToolError> {
        dispatch.hook_tools().run(&HookToolCall::new("status-set").arg(self.status)).map(drop)
    }
}

fn main() -> ExitCode {
    charm_tracing::run(RelationCharm::new, RelationCharm::handle)
}
