//! A charm that is sent the authorities to trust over a relation, or is told to trust those of the system.

use std::process::ExitCode;

use charm_tracing::juju::{Dispatch, HookToolCall};
use charm_tracing::relation::{ReceiverProtocol, TracingEndpointRequirer, charm_tracing_endpoint};
use charm_tracing::{Certificate, trace_charm};

struct AuthoritiesCharm {
    endpoint: Option<String>,
    authorities: Option<Certificate>,
}

#[trace_charm(tracing_endpoint = "endpoint", server_cert = "authorities", ca_relation = "receive-ca-cert")]
impl AuthoritiesCharm {
    fn new(dispatch: &Dispatch) -> anyhow::Result<Self> {
        let call = HookToolCall::new("config-get").arg("--format=json").arg("trust-system");
        let trust_system = serde_json::from_slice::<Option<bool>>(&dispatch.hook_tools().run(&call)?.stdout)?;
        let tracing = TracingEndpointRequirer::new(dispatch, "tracing", &[ReceiverProtocol::OtlpHttp])?;
        Ok(Self {
            endpoint: charm_tracing_endpoint(&tracing)?,
            authorities: trust_system.unwrap_or(false).then_some(Certificate::System),
        })
    }

    fn handle(dispatch: &Dispatch) -> anyhow::Result<()> {
        anyhow::ensure!(dispatch.event() != "stop", "the workload does not stop");
        Ok(())
    }
}

fn main() -> ExitCode {
    charm_tracing::run(AuthoritiesCharm::new, |_, dispatch| AuthoritiesCharm::handle(dispatch))
}
