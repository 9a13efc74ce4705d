//! The outcome of a dispatch.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use tracing_relation::juju::testing::{ActionOutcome, LogLine, Status};

/// The outcome of a dispatch: how it ended, and all that Juju saw of it. `Display` shows it for a failed assertion:
/// `assert!(outcome.success(), "{outcome}")`.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The unit that it was a dispatch of.
    pub unit: String,
    /// The hook or action, such as `tracing-relation-changed`.
    pub event: String,
    /// The end of the process: its exit code, or the signal that killed it.
    pub exit_status: ExitStatus,
    /// The text that it wrote on standard output.
    pub stdout: String,
    /// The text that it wrote on standard error.
    pub stderr: String,
    /// The time from before the process was started until it had ended.
    pub duration: Duration,
    /// The status of the unit after the dispatch; `unknown` if the charm never set one.
    pub unit_status: Status,
    /// The status of the application after the dispatch; `unknown` if the charm never set one.
    pub application_status: Status,
    /// The workload's version after the dispatch, if the charm has set one.
    pub workload_version: Option<String>,
    /// The open ports after the dispatch, each as `opened-ports` prints it: `80/tcp`.
    pub opened_ports: Vec<String>,
    /// The `juju-log` lines of this dispatch, in order.
    pub log: Vec<LogLine>,
    /// The hook tools of this dispatch, in order: each its name and its arguments.
    pub calls: Vec<Vec<String>>,
    /// The answer to the user by the `action-*` tools, if this was an action.
    pub action: Option<ActionOutcome>,
    /// The `JUJU_CONTEXT_ID` of this dispatch. No other has it.
    pub context_id: String,
}

impl Outcome {
    /// Returns true if the exit code is 0. If it is not, Juju dropped what the charm had written to databags.
    #[must_use]
    pub fn success(&self) -> bool {
        self.exit_status.success()
    }

    /// Returns the exit code; `None` if the process was killed.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.exit_status.code()
    }

    /// Returns the lines of `juju-log` above DEBUG, as `LEVEL message`.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let told = self.log.iter().filter(|line| line.level != "DEBUG");
        told.map(|line| format!("{} {}", line.level, line.message)).collect()
    }

    /// Returns the id that the dispatch logged for its trace, in hexadecimal; `None` if it logged none.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        self.log.iter().find_map(|line| {
            // In the hook of a relation its id stands before it.
            let (_, id) = line.message.split_once("Starting root trace with id='")?;
            Some(id.strip_suffix("'.")?.to_owned())
        })
    }

    /// Returns the signal that killed the process: 9 if it took too long.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.exit_status.signal()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}: {} after {:?}", self.unit, self.event, self.exit_status, self.duration)?;
        writeln!(f, "  status: {}", self.unit_status)?;
        for LogLine { level, message } in &self.log {
            writeln!(f, "  {level} {message}")?;
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            for line in text.lines() {
                writeln!(f, "  {name}: {line}")?;
            }
        }
        for call in &self.calls {
            writeln!(f, "  called {call:?}")?;
        }
        Ok(())
    }
}
