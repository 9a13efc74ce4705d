//! What came of a dispatch.

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
    /// What it wrote on standard output.
    pub stdout: String,
    /// What it wrote on standard error.
    pub stderr: String,
    /// From before the process was started until it had ended.
    pub wall: Duration,
    /// The `juju-log` lines of this dispatch, in order.
    pub log: Vec<LogLine>,
    /// The hook tools of this dispatch, in order: each its name and its arguments.
    pub calls: Vec<Vec<String>>,
    /// What the `action-*` tools told the user, if this was an action.
    pub action: Option<ActionOutcome>,
    /// The `JUJU_CONTEXT_ID` of this dispatch. No other has it.
    pub context_id: String,
}

impl Outcome {
    /// Whether the exit code is 0. If it is not, Juju dropped what the charm had written to databags.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// The exit code; None if the process was killed.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
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
