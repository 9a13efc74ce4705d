//! The charm of the README.

use anyhow::Context;
use charm_tracing::relation::{ReceiverProtocol, TracingEndpointRequirer, charm_tracing_config};
use charm_tracing::{juju::Dispatch, trace_charm};

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl MyCharm {
    fn new(dispatch: &Dispatch) -> anyhow::Result<Self> {
        let tracing = TracingEndpointRequirer::new(dispatch, "tracing", &[ReceiverProtocol::OtlpHttp])?;
        Ok(Self { endpoint: charm_tracing_config(&tracing, None)?.endpoint })
    }

    fn handle(&mut self, dispatch: &Dispatch) -> anyhow::Result<()> {
        match dispatch.event() {
            "update_status" => Self::on_update_status(),
            _ => Ok(()),
        }
    }

    fn on_update_status() -> anyhow::Result<()> {
        std::fs::read_to_string("workload.pid").context("the workload is not running")?;
        Ok(())
    }
}

fn main() -> std::process::ExitCode {
    charm_tracing::run(MyCharm::new, MyCharm::handle)
}
