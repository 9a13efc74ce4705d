//! A charm whose trace has all that it does: what it logs, spans of the crate `tracing`, a process and the spans of that, a
//! request, and hook tools.

mod check;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use charm_tracing::juju::{Dispatch, StatusValue};
use charm_tracing::process::CommandExt as _;
use charm_tracing::relation::{ReceiverProtocol, TracingEndpointRequirer, charm_tracing_config};
use charm_tracing::{TracingLayer, current_span, trace_charm, trace_fn, with_current_context};
use tokio::process::Command;
use tokio::task::spawn_blocking;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

struct EverythingCharm {
    endpoint: Option<String>,
    config: PathBuf,
}

// The exporter prints the spans to standard output, which Juju logs at DEBUG. That is for development.
#[trace_charm(
    tracing_endpoint = "endpoint",
    log = "info",
    span_exporters = [opentelemetry_stdout::SpanExporter::default]
)]
impl EverythingCharm {
    fn new(dispatch: &Dispatch) -> anyhow::Result<Self> {
        let tracing = TracingEndpointRequirer::new(dispatch, "tracing", &[ReceiverProtocol::OtlpHttp])?;
        let endpoint = charm_tracing_config(&tracing, None)?.endpoint;
        Ok(Self { endpoint, config: dispatch.charm_dir().join("workload.conf") })
    }

    async fn handle(&mut self, dispatch: &Dispatch) -> anyhow::Result<()> {
        match dispatch.event() {
            "config_changed" => self.on_config_changed(dispatch).await,
            _ => Ok(()),
        }
    }

    async fn on_config_changed(&self, dispatch: &Dispatch) -> anyhow::Result<()> {
        let greeting: Option<String> = dispatch.config_get_option("greeting")?;
        let health_url: Option<String> = dispatch.config_get_option("health-url")?;
        fs::write(&self.config, render(&greeting.unwrap_or_default()))?;
        log::info!(file = "workload.conf"; "the configuration is written");

        // Both at once. The task is a child of this method.
        let health = tokio::spawn(with_current_context(health(health_url.unwrap_or_default())));
        // This program, which continues the trace: see `check.rs`.
        let mut check = Command::new(dispatch.charm_dir().join("dispatch"));
        let checked = check.arg(check::ARGUMENT).arg(&self.config).traced().status().await?;
        anyhow::ensure!(checked.success(), "the workload cannot read its configuration");
        anyhow::ensure!(health.await?? == 200, "the workload is not healthy");
        dispatch.status_set(&StatusValue::Active, "")?;
        Ok(())
    }
}

/// Returns the workload's configuration. It is traced as a library would be that knows only the crate `tracing`.
#[tracing::instrument]
fn render(greeting: &str) -> String {
    tracing::info!(characters = greeting.len(), "rendering");
    format!("greeting = {greeting:?}\n")
}

/// Returns the status code of the workload's answer.
#[trace_fn(attributes(url.full = url))]
async fn health(url: String) -> anyhow::Result<u16> {
    let mut request = ureq::get(&url);
    if let Some(span) = current_span() {
        request = request.header("traceparent", span.traceparent());
    }
    // `ureq` waits for the answer, so it gets a thread.
    Ok(spawn_blocking(move || request.call()).await??.status().as_u16())
}

/// Runs the handler. The tasks run on the same thread.
fn block_on<F: Future>(handled: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("the limits of the process are far away").block_on(handled)
}

fn main() -> ExitCode {
    tracing_subscriber::registry().with(TracingLayer::new().with_filter(LevelFilter::INFO)).init();
    let mut arguments = env::args_os().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(first), Some(file)) if first == check::ARGUMENT => check::main(file.as_ref()),
        _ => charm_tracing::run_async(block_on, EverythingCharm::new, EverythingCharm::handle),
    }
}
