//! A charm with a tracing backend: it asks for one over its `tracing` relation, and is traced all the while.

mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

use charm_tracing::juju::{Dispatch, StatusValue};
use charm_tracing::relation::{ReceiverProtocol, TracingEndpointRequirer, charm_tracing_config};
use charm_tracing::{trace_charm, try_event};

use workload::Workload;

struct RequirerCharm {
    endpoint: Option<String>,
    server_cert: Option<PathBuf>,
    workload: Workload,
}

#[trace_charm(tracing_endpoint = "endpoint", server_cert = "server_cert", extra_types = [Workload])]
impl RequirerCharm {
    fn new(dispatch: &Dispatch) -> anyhow::Result<Self> {
        let tracing = TracingEndpointRequirer::new(dispatch, "tracing", &[ReceiverProtocol::OtlpHttp])?;
        let ca: Option<PathBuf> = dispatch.config_get_option("tracing-ca")?;
        let config = charm_tracing_config(&tracing, ca.as_deref())?;
        let workload = Workload::new(dispatch.charm_dir().join("workload.conf"));
        Ok(Self { endpoint: config.endpoint, server_cert: config.server_cert, workload })
    }

    fn handle(&mut self, dispatch: &Dispatch) -> anyhow::Result<()> {
        match dispatch.event() {
            "install" => self.on_install(dispatch),
            "start" | "config_changed" | "upgrade_charm" => self.on_configured(dispatch),
            "update_status" => self.on_update_status(dispatch),
            _ => Ok(()),
        }
    }

    fn on_install(&mut self, dispatch: &Dispatch) -> anyhow::Result<()> {
        dispatch.status_set(&StatusValue::Maintenance, "installing the workload")?;
        self.workload.install()
    }

    fn on_configured(&mut self, dispatch: &Dispatch) -> anyhow::Result<()> {
        let greeting: Option<String> = dispatch.config_get_option("greeting")?;
        if self.workload.configure(greeting.as_deref().unwrap_or("hello"))? {
            try_event("workload_restarted", || Self::on_workload_restarted(dispatch))?;
        }
        Ok(())
    }

    fn on_workload_restarted(dispatch: &Dispatch) -> anyhow::Result<()> {
        dispatch.status_set(&StatusValue::Active, "")?;
        Ok(())
    }

    fn on_update_status(&self, dispatch: &Dispatch) -> anyhow::Result<()> {
        match self.workload.check() {
            Ok(()) => dispatch.status_set(&StatusValue::Active, "")?,
            Err(error) => dispatch.status_set(&StatusValue::Blocked, &format!("{error:#}"))?,
        }
        Ok(())
    }
}

pub(crate) fn main() -> ExitCode {
    charm_tracing::run(RequirerCharm::new, RequirerCharm::handle)
}
