//! A charm on a machine: it learns from the collector beside it where to send its traces.

use std::path::PathBuf;
use std::process::ExitCode;

use charm_tracing::juju::{Dispatch, StatusValue};
use charm_tracing::relation::{CosAgentProvider, ReceiverProtocol, charm_tracing_config};
use charm_tracing::trace_charm;

/// The authority of a collector with `https`. The operator puts the file there.
const AUTHORITY: &str = "/usr/local/share/ca-certificates/machine-charm.crt";

struct MachineCharm {
    endpoint: Option<String>,
    server_cert: Option<PathBuf>,
    /// The file in which Linux shows the load of the machine.
    load_file: PathBuf,
}

#[trace_charm(tracing_endpoint = "endpoint", server_cert = "server_cert")]
impl MachineCharm {
    fn new(dispatch: &Dispatch) -> anyhow::Result<Self> {
        let collector = CosAgentProvider::new(dispatch, "cos-agent", &[ReceiverProtocol::OtlpHttp])?;
        let config = charm_tracing_config(&collector, Some(AUTHORITY.as_ref()))?;
        let load_file = "/proc/loadavg".into();
        Ok(Self { endpoint: config.endpoint, server_cert: config.server_cert, load_file })
    }

    fn handle(&mut self, dispatch: &Dispatch) -> anyhow::Result<()> {
        match dispatch.event() {
            "start" | "update_status" => self.report_load(dispatch),
            _ => Ok(()),
        }
    }

    fn report_load(&self, dispatch: &Dispatch) -> anyhow::Result<()> {
        let load = std::fs::read_to_string(&self.load_file)?;
        let load = load.split(' ').next().unwrap_or_default();
        dispatch.status_set(&StatusValue::Active, &format!("load {load}"))?;
        Ok(())
    }
}

fn main() -> ExitCode {
    charm_tracing::run(MachineCharm::new, MachineCharm::handle)
}
