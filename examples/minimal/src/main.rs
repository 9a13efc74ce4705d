//! The charm of the README.

use std::path::PathBuf;

use anyhow::Context;
use charm_tracing::relation::{ReceiverProtocol, TracingEndpointRequirer, charm_tracing_config};
use charm_tracing::{juju::Dispatch, trace_charm};

struct MyCharm {
    endpoint: Option<String>,
    pid_file: PathBuf,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl MyCharm {
    fn new(dispatch: &Dispatch) -> anyhow::Result<Self> {
        let tracing = TracingEndpointRequirer::new(dispatch, "tracing", &[ReceiverProtocol::OtlpHttp])?;
        let endpoint = charm_tracing_config(&tracing, None)?.endpoint;
        Ok(Self { endpoint, pid_file: dispatch.charm_dir().join("workload.pid") })
    }

    fn handle(&mut self, dispatch: &Dispatch) -> anyhow::Result<()> {
        match dispatch.event() {
            "update_status" => self.on_update_status(),
            _ => Ok(()),
        }
    }

    fn on_update_status(&self) -> anyhow::Result<()> {
        std::fs::read_to_string(&self.pid_file).context("the workload is not running")?;
        Ok(())
    }
}

fn main() -> std::process::ExitCode {
    charm_tracing::run(MyCharm::new, MyCharm::handle)
}
