//! A charm that learns from the relation where to push its traces, with `charm_tracing_config`, in one of the three ways
//! in which it can. By `ASK`:
//!
//! - `early`: when it is constructed, where an error would be one of the charm;
//! - `late`: when it is asked for the endpoint, where only the trace depends on it;
//! - `by-hand`: in a `main` with a `Session`, for which an error is no endpoint.
//!
//! Its own work is to set its status. Each hook tool for the relation may take `TOOL_MILLISECONDS`, if that is set.

use std::process::ExitCode;

use charm_tracing::juju::{Dispatch, HookToolCall, HookToolError};
use charm_tracing::relation::{
    CharmTracingConfig, ReceiverProtocol, TracingEndpointRequirer, TracingError, charm_tracing_config,
};
use charm_tracing::{Config, Destination, Session, trace_charm};
use tests::impatient;

struct RelationCharm {
    tracing: TracingEndpointRequirer,
    config: Option<CharmTracingConfig>,
    status: &'static str,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl RelationCharm {
    fn new(dispatch: &Dispatch) -> Result<Self, TracingError> {
        let tracing = requirer(dispatch)?;
        let early = dispatch.var("ASK") == Some("early");
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
        set_status(dispatch, self.status)
    }
}

fn requirer(dispatch: &Dispatch) -> Result<TracingEndpointRequirer, TracingError> {
    TracingEndpointRequirer::new(&impatient(dispatch), "tracing", &[ReceiverProtocol::OtlpHttp])
}

fn set_status(dispatch: &Dispatch, status: &str) -> Result<(), HookToolError> {
    dispatch.hook_tools().run(&HookToolCall::new("status-set").arg(status)).map(drop)
}

fn by_hand(dispatch: Dispatch) -> ExitCode {
    let mut session = Session::start(dispatch, Config::new().charm_type("RelationCharm"));
    let dispatch = session.dispatch().clone();
    let tracing = requirer(&dispatch);
    let outcome = session.try_event(|| set_status(&dispatch, "active"));
    let config = tracing.and_then(|tracing| charm_tracing_config(&tracing, None)).unwrap_or_default();
    session.finish(config.endpoint.map(|endpoint| Destination::new(endpoint, None)));
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn main() -> ExitCode {
    let dispatch = Dispatch::from_env();
    if dispatch.var("ASK") == Some("by-hand") {
        by_hand(dispatch)
    } else {
        charm_tracing::run(RelationCharm::new, RelationCharm::handle)
    }
}
