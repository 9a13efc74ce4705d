//! A library that charms use: it knows nothing of Juju, and its spans are part of the trace of the charm that calls it.
//!
//! It depends on `charm-tracing` with `default-features = false`, so a program that is no charm builds nothing for sessions and
//! delivery, and traces nothing.

use std::fs;
use std::io;
use std::path::PathBuf;

use charm_tracing::opentelemetry::KeyValue;
use charm_tracing::{current_span, trace_fn, trace_type};

/// The configuration file of a workload.
#[derive(Debug)]
pub struct ConfigFile {
    path: PathBuf,
}

#[trace_type(skip(new))]
impl ConfigFile {
    /// Names the file; it need not exist.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Writes the settings, and returns true if they were others before.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn update(&self, settings: &[(&str, &str)]) -> io::Result<bool> {
        let text = render(settings);
        let is_changed = fs::read_to_string(&self.path).ok().as_deref() != Some(&text);
        if let Some(span) = current_span() {
            span.set_attribute(KeyValue::new("config.changed", is_changed));
        }
        if is_changed {
            fs::write(&self.path, text)?;
        }
        Ok(is_changed)
    }
}

#[trace_fn]
fn render(settings: &[(&str, &str)]) -> String {
    let lines: Vec<_> = settings.iter().map(|(key, value)| format!("{key} = {value:?}\n")).collect();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use charm_tracing::testing::Recording;

    use super::*;

    #[test]
    fn settings_are_written_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let recording = Recording::start();
        let file = ConfigFile::new(directory.path().join("workload.conf"));
        assert!(file.update(&[("port", "80")]).expect("a place to write"));
        assert!(!file.update(&[("port", "80")]).expect("a place to write"));
        assert!(ConfigFile::new(directory.path().join("missing/workload.conf")).update(&[]).is_err());
        assert_eq!(
            recording.tree(),
            "\
method call: ConfigFile.update
  function call: render
method call: ConfigFile.update
  function call: render
method call: ConfigFile.update [error: No such file or directory (os error 2)]
  function call: render
"
        );
    }
}
