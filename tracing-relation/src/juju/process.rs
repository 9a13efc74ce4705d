//! Hook tools as Juju ships them: one short process per call.
//!
//! A call must never hang a hook, whatever the tool does, and must cost little more than the process itself: there is
//! neither a shell nor a helper thread, and every wait has an end. When a call returns, its process has ended.

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

/// Runs hook tools as processes, even where Juju's agent could be asked directly as
/// [`AgentHookTools`](super::AgentHookTools) does.
///
/// Tools are looked for in the directories of `PATH`, as it was when this was made, and inherit the environment and
/// working directory of the process. Standard output beyond 16 MiB is refused as
/// [`InvalidOutput`](HookToolErrorKind::InvalidOutput); of standard error the first 64 KiB are kept.
#[derive(Clone, Debug)]
pub struct ProcessHookTools {
    directories: Vec<PathBuf>,
    timeout: Duration,
}

impl ProcessHookTools {
    /// Hook tools of the `PATH` of this process, each of which may take 60 s.
    ///
    /// Juju has no time limit of its own: a tool that waits for a lost controller waits for ever.
    #[must_use]
    pub fn new() -> Self {
        let tools = Self { directories: Vec::new(), timeout: DEFAULT_TIMEOUT };
        tools.with_path(env::var_os("PATH").unwrap_or_default())
    }

    /// Looks for tools in these directories instead, separated by colons as in `PATH`.
    #[must_use]
    pub fn with_path(self, path: impl AsRef<OsStr>) -> Self {
        Self { directories: env::split_paths(&path).filter(|dir| dir.is_absolute()).collect(), ..self }
    }

    /// Allows each tool this much time, unless the call says otherwise.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The program that a call of this tool runs.
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
