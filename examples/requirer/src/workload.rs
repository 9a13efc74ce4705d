//! An example of a charm library: a type that knows nothing of the charm, and is traced with it.
#![expect(unreachable_pub, reason = "a library's type is public, here it stands in the charm's own crate")]

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use charm_tracing::opentelemetry::KeyValue;
use charm_tracing::{current_span, trace_fn, trace_type};

/// The workload, as far as its charm cares: a configuration file.
pub struct Workload {
    config: PathBuf,
}

#[trace_type(skip(new))]
impl Workload {
    pub fn new(config: PathBuf) -> Self {
        Self { config }
    }

    pub fn install(&self) -> anyhow::Result<()> {
        fs::write(&self.config, "").with_context(|| format!("cannot create {}", self.config.display()))
    }

    /// Writes the configuration; whether that changed anything.
    pub fn configure(&self, greeting: &str) -> anyhow::Result<bool> {
        let rendered = render(greeting);
        let changed = fs::read_to_string(&self.config).ok().as_deref() != Some(&rendered);
        if let Some(span) = current_span() {
            span.set_attribute(KeyValue::new("workload.changed", changed));
        }
        if changed {
            fs::write(&self.config, rendered)
                .with_context(|| format!("cannot write {}", self.config.display()))?;
        }
        Ok(changed)
    }

    pub fn check(&self) -> anyhow::Result<()> {
        let config = fs::read_to_string(&self.config).context("the workload is not installed")?;
        anyhow::ensure!(config.starts_with("greeting = "), "the workload is not configured");
        Ok(())
    }
}

#[trace_fn]
fn render(greeting: &str) -> String {
    format!("greeting = {greeting:?}\n")
}
