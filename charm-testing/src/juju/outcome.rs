//! The outcome of a dispatch.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use super::{ActionOutcome, LogLine};

/// How a dispatch ended and what the charm did that Juju can see. `Display` shows all of it, for a failed assertion.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The unit that it was a dispatch of.
    pub unit: String,
    /// The hook or action, such as `tracing-relation-changed`.
    pub event: String,
    /// How the process ended.
    pub status: ExitStatus,
    /// The text that it wrote on standard output.
    pub stdout: String,
    /// The text that it wrote on standard error.
    pub stderr: String,
    /// From before the process was started until it had ended.
    pub wall: Duration,
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
        self.status.success()
    }

    /// The exit code; None if the process was killed.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The lines of `juju-log` above DEBUG, as `LEVEL message`.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let told = self.log.iter().filter(|line| line.level != "DEBUG");
        told.map(|line| format!("{} {}", line.level, line.message)).collect()
    }

    /// The id that the dispatch logged for its trace, in hexadecimal; None if it logged none.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        self.log.iter().find_map(|line| {
            // In the hook of a relation its id stands before it.
            let (_, id) = line.message.split_once("Starting root trace with id='")?;
            Some(id.strip_suffix("'.")?.to_owned())
        })
    }

    /// The signal that killed the process: 9 if it took too long.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}: {} after {:?}", self.unit, self.event, self.status, self.wall)?;
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
