//! The hook tools, as the charm starts them: one program under many names.
//!
//! A charm that asks the agent over its socket starts it only where the tools are not [Juju's
//! own](super::Deployment::tools_as_processes).

use std::env;
use std::path::Path;
use std::process::ExitCode;

use tracing_relation::juju::testing::run_hook_tool;

/// The names that the simulated Juju puts on `PATH`.
pub(super) const NAMES: &[&str] = &[
    "action-fail",
    "action-get",
    "action-log",
    "action-set",
    "application-version-set",
    "close-port",
    "config-get",
    "goal-state",
    "is-leader",
    "juju-log",
    "network-get",
    "open-port",
    "opened-ports",
    "relation-get",
    "relation-ids",
    "relation-list",
    "relation-set",
    "resource-get",
    "secret-get",
    "secret-info-get",
    "state-delete",
    "state-get",
    "state-set",
    "status-get",
    "status-set",
];

/// Returns true if this process was started under the name of a hook tool.
///
/// A program that is also something else, such as a demo in one file, asks this first and leaves the rest to [`main`].
#[must_use]
pub fn is_asked_for() -> bool {
    name().is_some_and(|name| NAMES.iter().any(|known| name == *known))
}

/// Runs the hook tool that this process was started as.
#[must_use]
pub fn main() -> ExitCode {
    run_hook_tool(&name().unwrap_or_default(), env::args().skip(1).collect())
}

fn name() -> Option<String> {
    let started_as = env::args_os().next()?;
    Some(Path::new(&started_as).file_name()?.to_string_lossy().into_owned())
}
