//! The charm of the end-to-end tests. Each event makes it do one thing that a trace is to show.
#![expect(clippy::print_stdout, reason = "an action's output belongs to the charm, and tests look for it")]

use std::process::ExitCode;

use anyhow::Context as _;
use charm_tracing::juju::{Dispatch, HookToolCall};
use charm_tracing::opentelemetry::KeyValue;
use charm_tracing::opentelemetry::trace::{TraceContextExt as _, Tracer as _};
use charm_tracing::relation::{ReceiverProtocol, TracingEndpointRequirer};
use charm_tracing::{current_span, event, opentelemetry, trace_charm, trace_fn};
use serde_json::{Map, Value};
use tests::futures::{block_on, once};

struct TestCharm {
    endpoint: Option<String>,
    options: Map<String, Value>,
    calls: u32,
}

#[trace_charm(
    tracing_endpoint = "endpoint",
    server_cert = "certificate",
    client_cert = "client_certificate",
    client_key = "client_key"
)]
impl TestCharm {
    fn new(dispatch: &Dispatch) -> anyhow::Result<Self> {
        let config = dispatch.hook_tools().run(&HookToolCall::new("config-get").arg("--format=json"))?;
        let options: Map<String, Value> = serde_json::from_slice(&config.stdout)?;
        let calls = options.get("calls").cloned().unwrap_or_default();
        let calls: Option<u32> = serde_json::from_value(calls).context("cannot read the option `calls`")?;
        assert!(calls.is_none_or(|calls| calls < 1_000_000), "nobody needs a million calls");
        let tracing = TracingEndpointRequirer::new(dispatch, "tracing", &[ReceiverProtocol::OtlpHttp])?;
        let endpoint = tracing.get_endpoint(ReceiverProtocol::OtlpHttp)?;
        Ok(Self { endpoint, options, calls: calls.unwrap_or(0) })
    }

    /// Looked at after the event, as are the next two: methods that the attribute names. The path of a file, or what is
    /// in it.
    fn certificate(&self) -> Option<&str> {
        self.text("tracing-ca")
    }

    fn client_certificate(&self) -> Option<&str> {
        self.text("tracing-client-cert")
    }

    fn client_key(&self) -> Option<&str> {
        self.text("tracing-client-key")
    }

    fn text(&self, option: &str) -> Option<&str> {
        Some(self.options.get(option)?.as_str().expect("these options are texts"))
    }

    fn handle(&mut self, dispatch: &Dispatch) -> anyhow::Result<()> {
        match dispatch.event() {
            "install" => Self::on_install(),
            "config_changed" => self.on_config_changed(),
            "leader_elected" => block_on(self.on_leader_elected())?,
            "update_status" => Self::on_update_status(dispatch)?,
            "upgrade_charm" => Self::on_upgrade_charm()?,
            "web_pebble_ready" => event("web_available", || self.on_web_available()),
            "stop" => Self::on_stop(),
            "backup_action" => Self::on_backup(dispatch)?,
            "restore_action" => Self::on_upgrade_charm().context("cannot restore")?,
            "rotate_action" => dispatch.action_fail("the old password is hunter2")?,
            "show_unit_action" => Self::on_show_unit(dispatch)?,
            _ => {}
        }
        Ok(())
    }

    /// A span through the OpenTelemetry API, around and inside of traced calls.
    fn on_install() {
        let tracer = opentelemetry::global::tracer("workload-client");
        tracer.in_span("download", |context| {
            context.span().set_attribute(KeyValue::new("bytes", 42));
            unpack(&[1, 2]);
        });
    }

    /// As many calls as the operator wants.
    fn on_config_changed(&self) {
        for number in 0..self.calls {
            self.apply(number);
        }
    }

    fn apply(&self, number: u32) {
        assert!(number < self.calls);
    }

    async fn on_leader_elected(&self) -> anyhow::Result<()> {
        once().await;
        self.apply_all().await
    }

    async fn apply_all(&self) -> anyhow::Result<()> {
        once().await;
        unpack(&[]);
        Ok(())
    }

    /// Calls within calls, and a hook tool in the innermost one.
    fn on_update_status(dispatch: &Dispatch) -> anyhow::Result<()> {
        unpack(&[]);
        Self::report(dispatch, "ready")
    }

    fn report(dispatch: &Dispatch, message: &str) -> anyhow::Result<()> {
        if let Some(span) = current_span() {
            span.add_event("reporting", vec![KeyValue::new("length", i64::try_from(message.len())?)]);
        }
        Self::tool(dispatch, "status-set", &["active", "--", message])
    }

    /// An error with causes.
    fn on_upgrade_charm() -> anyhow::Result<()> {
        Self::migrate().context("cannot upgrade the workload")
    }

    fn migrate() -> anyhow::Result<()> {
        let _: u32 = "seven".parse().context("cannot read the workload's version")?;
        Ok(())
    }

    fn on_web_available(&self) {
        self.on_config_changed();
    }

    fn on_stop() {
        panic!("the workload does not stop");
    }

    /// Tells the user of an action what must not get into a trace.
    fn on_backup(dispatch: &Dispatch) -> anyhow::Result<()> {
        println!("the backup begins");
        Self::tool(dispatch, "state-set", &["token=hunter2"])?;
        Self::tool(dispatch, "status-set", &["maintenance", "--", "hunter2 is being saved"])?;
        Self::tool(dispatch, "action-log", &["--", "hunter2 was read"])?;
        Self::tool(dispatch, "action-set", &["password=hunter2"])?;
        println!("the backup is done");
        Ok(())
    }

    /// Asks for everything that Juju says about the unit.
    fn on_show_unit(dispatch: &Dispatch) -> anyhow::Result<()> {
        println!("{} of {}", dispatch.unit_name()?, dispatch.application()?);
        println!("in {} ({})", dispatch.model_name()?, dispatch.model_uuid()?);
        println!("for {}", dispatch.dispatch_path()?);
        Ok(())
    }

    fn tool(dispatch: &Dispatch, name: &str, args: &[&str]) -> anyhow::Result<()> {
        let call = args.iter().fold(HookToolCall::new(name), |call, arg| call.arg(*arg));
        dispatch.hook_tools().run(&call)?;
        Ok(())
    }
}

#[trace_fn]
fn unpack(bytes: &[u8]) -> usize {
    bytes.len()
}

fn main() -> ExitCode {
    charm_tracing::run(TestCharm::new, TestCharm::handle)
}
