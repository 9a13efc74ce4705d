use std::time::Duration;

use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// An exporter, and the runtime on which it waits.
#[derive(Debug)]
struct OnTokio<E> {
    exporter: E,
    runtime: tokio::runtime::Runtime,
}

impl<E: SpanExporter> SpanExporter for OnTokio<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.runtime.block_on(self.exporter.export(batch))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

fn otlp(endpoint: &str) -> anyhow::Result<OnTokio<opentelemetry_otlp::SpanExporter>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // The exporter starts a task when it is made.
    let inside = runtime.enter();
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(Duration::from_secs(1))
        .build()?;
    drop(inside);
    Ok(OnTokio { exporter, runtime })
}
