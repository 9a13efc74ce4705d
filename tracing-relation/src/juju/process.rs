//! Runs hook tools as Juju provides them: one short process per call.
//!
//! A call must never hang a hook, and must cost little more than the process itself. So there is no shell and no helper
//! thread, and every wait has a time limit. When a call returns, its process has ended.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::running;
use super::{HookToolCall, HookToolError, HookToolErrorKind, HookToolOutput, HookTools};

const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);

/// Hook tools that are run as processes, even if Juju's agent could be called directly as
/// [`AgentHookTools`](super::AgentHookTools) does.
///
/// Tools are searched in the directories of `PATH` at the time of creation. They inherit the environment and the working
/// directory of the process. A standard output of more than 16 MiB is an error
/// ([`InvalidOutput`](HookToolErrorKind::InvalidOutput)). The first 64 KiB of standard error are kept.
#[derive(Clone, Debug)]
pub struct ProcessHookTools {
    directories: Vec<PathBuf>,
    timeout: Duration,
}

impl ProcessHookTools {
    /// Creates hook tools for the `PATH` of this process, with a time limit of 60 s for each tool.
    ///
    /// Juju itself has no time limit: a tool that waits for a lost controller never ends.
    #[must_use]
    pub fn new() -> Self {
        let tools = Self { directories: Vec::new(), timeout: DEFAULT_TIMEOUT };
        tools.with_path(env::var_os("PATH").unwrap_or_default())
    }

    /// Searches tools in these directories instead. They are separated by colons, as in `PATH`.
    #[must_use]
    pub fn with_path(self, path: impl AsRef<OsStr>) -> Self {
        Self { directories: env::split_paths(&path).filter(|dir| dir.is_absolute()).collect(), ..self }
    }

    /// Sets the time limit of each tool, unless the call has its own.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns the program of a tool; `None` if no directory has one.
    pub(super) fn find(&self, tool: &str) -> Option<PathBuf> {
        if tool.contains('/') {
            return None;
        }
        let runs = |path: &PathBuf| {
            path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        };
        self.directories.iter().map(|directory| directory.join(tool)).find(runs)
    }
}

impl Default for ProcessHookTools {
    fn default() -> Self {
        Self::new()
    }
}

impl HookTools for ProcessHookTools {
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        let tool = call.tool();
        let program = self.find(tool).ok_or_else(|| {
            let source = io::Error::new(io::ErrorKind::NotFound, "no such program in PATH");
            HookToolError::new(HookToolErrorKind::NotInHookContext, tool, Some(source.into()))
        })?;
        let mut command = Command::new(program);
        command.args(call.args());
        running::run(command, tool, call.input().unwrap_or_default(), call.time_allowed(self.timeout))
    }
}
