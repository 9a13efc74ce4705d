use charm_tracing::juju::{Dispatch, StatusValue};
use charm_tracing::relation::{ReceiverProtocol, TracingEndpointRequirer, charm_tracing_config};
use charm_tracing::trace_charm;

use crate::workload::Workload;

pub struct MyCharm {
    endpoint: Option<String>,
    workload: Workload,
}

#[trace_charm(tracing_endpoint = "endpoint", extra_types = [Workload])]
impl MyCharm {
    pub fn new(dispatch: &Dispatch) -> anyhow::Result<Self> {
        let tracing =
            TracingEndpointRequirer::new(dispatch, "tracing", &[ReceiverProtocol::OtlpHttp])?;
        let endpoint = charm_tracing_config(&tracing, None)?.endpoint;
        let workload = Workload::new(dispatch.charm_dir().join("workload.conf"));
        Ok(Self { endpoint, workload })
    }

    pub fn handle(&mut self, dispatch: &Dispatch) -> anyhow::Result<()> {
        match dispatch.event() {
            "start" | "config_changed" | "upgrade_charm" => self.on_configured(dispatch),
            _ => Ok(()),
        }
    }

    fn on_configured(&self, dispatch: &Dispatch) -> anyhow::Result<()> {
        let greeting: Option<String> = dispatch.config_get_option("greeting")?;
        let greeting = greeting.unwrap_or_default();
        self.workload.configure(&greeting)?;
        dispatch.status_set(&StatusValue::Active, &format!("says {greeting}"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use charm_tracing::juju::testing::{HookContext, Model};
    use charm_tracing::testing;

    use super::*;

    #[test]
    fn a_greeting_of_two_lines_fails_the_hook() {
        let juju = Model::new("my-charm/0");
        juju.set_config("greeting", "good\nmorning".into());

        let played = testing::dispatch(
            &juju,
            "config-changed",
            HookContext::new(),
            MyCharm::new,
            MyCharm::handle,
        );

        assert!(played.result.is_err());
        played.trace.assert_tree(
            "
            my-charm/0: config-changed event [error: the greeting has more than one line]
              method call: MyCharm.new
                relation-ids
              event: config_changed [error: the greeting has more than one line]
                method call: MyCharm.handle [error: the greeting has more than one line]
                  method call: MyCharm.on_configured [error: the greeting has more than one line]
                    config-get
                    method call: Workload.configure [error: the greeting has more than one line]
                      function call: render [error: the greeting has more than one line]
            ",
        );
    }
}
