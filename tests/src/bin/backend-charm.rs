//! The charm of a backend: in each hook it publishes a receiver for all that it is asked for.
//!
//! An error of the relation fails the hook, or is logged if `CARRY_ON` is set. Each hook tool for the relation may take
//! `TOOL_MILLISECONDS`, if that is set. The charm's own traces go to `TRACE_ENDPOINT`.

use std::process::ExitCode;

use charm_tracing::juju::{Dispatch, HookToolCall};
use charm_tracing::relation::{Receiver, TracingEndpointProvider, TracingError};
use charm_tracing::trace_charm;
use tests::impatient;

struct BackendCharm {
    tracing: TracingEndpointProvider,
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl BackendCharm {
    fn new(dispatch: &Dispatch) -> Result<Self, TracingError> {
        let tracing = TracingEndpointProvider::new(&impatient(dispatch), "tracing")?;
        Ok(Self { tracing, endpoint: dispatch.var("TRACE_ENDPOINT").map(str::to_owned) })
    }

    fn handle(&self, dispatch: &Dispatch) -> anyhow::Result<()> {
        // What the event means is of no interest here: all that is asked for is answered in any case.
        let _ = self.tracing.on(dispatch);
        match self.answer() {
            Err(error) if dispatch.var("CARRY_ON").is_some() => {
                let text = format!("{:#}", anyhow::Error::new(error));
                dispatch
                    .hook_tools()
                    .run(&HookToolCall::new("juju-log").arg("--log-level=ERROR").arg("--").arg(text))?;
                Ok(())
            }
            answered => Ok(answered?),
        }
    }

    fn answer(&self) -> Result<(), TracingError> {
        let requested = self.tracing.requested_protocols()?;
        let receivers = requested.into_iter().map(|protocol| Receiver::new(protocol, "http://tempo"));
        self.tracing.publish_receivers(&receivers.collect::<Vec<_>>())
    }
}

fn main() -> ExitCode {
    charm_tracing::run(BackendCharm::new, |charm, dispatch| charm.handle(dispatch))
}
