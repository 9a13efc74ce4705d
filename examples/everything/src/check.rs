//! The process that the charm runs. It is a traced program of its own, which happens to be in the same file.

use std::path::Path;
use std::process::ExitCode;

use charm_tracing::juju::Dispatch;
use charm_tracing::{Config, Session, trace_fn};

/// The argument with which the program does this instead of handling an event.
pub(crate) const ARGUMENT: &str = "check";

/// Checks a configuration, in the trace of the process that has started this one.
pub(crate) fn main(file: &Path) -> ExitCode {
    // Its root is a child of the span in `TRACEPARENT`.
    let session = Session::start(Dispatch::from_env(), Config::new());
    let checked = check(file);
    // What was recorded waits in the charm's queue. The charm sends it with its own trace.
    session.finish(None);
    if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[trace_fn]
fn check(file: &Path) -> anyhow::Result<()> {
    let config = std::fs::read_to_string(file)?;
    anyhow::ensure!(config.starts_with("greeting = "), "there is no greeting");
    Ok(())
}
