//! A charm with `#[trace_charm]` on its struct, and with every setting that has a default set to something else.

use std::process::ExitCode;

use charm_tracing::juju::Dispatch;
use charm_tracing::relation::{ReceiverProtocol, TracingEndpointRequirer, TracingError};
use charm_tracing::{trace_charm, trace_type};

#[trace_charm(
    tracing_endpoint = "endpoint",
    service_name = "front-door",
    extra_types = [Workload],
    buffer_max_events = 3,
    buffer_max_size_mib = 5,
    buffer_path = "state/traces/buffer"
)]
pub(crate) struct StructCharm {
    tracing: TracingEndpointRequirer,
    workload: Workload,
}

#[trace_type(skip(endpoint))]
impl StructCharm {
    pub(crate) fn new(dispatch: &Dispatch) -> Result<Self, TracingError> {
        let tracing = TracingEndpointRequirer::new(dispatch, "tracing", &[ReceiverProtocol::OtlpHttp])?;
        Ok(Self { tracing, workload: Workload { units: 1 } })
    }

    /// Asks Juju only when the event has been handled.
    fn endpoint(&self) -> Result<Option<String>, TracingError> {
        self.tracing.get_endpoint(ReceiverProtocol::OtlpHttp)
    }

    pub(crate) fn handle(&mut self, dispatch: &Dispatch) -> Result<(), &'static str> {
        match dispatch.event() {
            "start" => self.workload.start(),
            _ => Ok(()),
        }
    }
}

struct Workload {
    units: u8,
}

#[trace_type]
impl Workload {
    fn start(&self) -> Result<(), &'static str> {
        if self.units == 0 { Err("there is nothing to start") } else { Ok(()) }
    }
}

fn main() -> ExitCode {
    charm_tracing::run(StructCharm::new, StructCharm::handle)
}
