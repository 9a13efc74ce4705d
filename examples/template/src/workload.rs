use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use charm_tracing::{trace_fn, trace_type};

/// The workload, as far as the charm cares: a file with its configuration.
pub struct Workload {
    config: PathBuf,
}

#[trace_type(skip(new))]
impl Workload {
    pub fn new(config: PathBuf) -> Self {
        Self { config }
    }

    pub fn configure(&self, greeting: &str) -> anyhow::Result<()> {
        fs::write(&self.config, render(greeting)?)
            .with_context(|| format!("cannot write {}", self.config.display()))
    }
}

#[trace_fn]
fn render(greeting: &str) -> anyhow::Result<String> {
    anyhow::ensure!(
        !greeting.contains('\n'),
        "the greeting has more than one line"
    );
    Ok(format!("greeting = {greeting}\n"))
}

#[cfg(test)]
mod tests {
    use charm_tracing::testing::Recording;

    use super::*;

    // Each test that calls traced code records, so that no span gets into the recording of another thread.
    #[test]
    fn a_greeting_is_one_line_of_the_configuration() {
        let recording = Recording::start();

        assert_eq!(render("hello").expect("one line"), "greeting = hello\n");
        assert!(render("good\nmorning").is_err());

        recording.spans().assert_tree(
            "
            function call: render
            function call: render [error: the greeting has more than one line]
            ",
        );
    }
}
