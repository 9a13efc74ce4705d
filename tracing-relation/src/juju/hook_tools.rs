//! Calls of hook tools, independent of the way to run them.
//!
//! # Time limits
//!
//! A tool that takes longer fails with the kind [`TimedOut`](super::HookToolErrorKind::TimedOut). The shortest limit counts,
//! but that of `resource-get` replaces the first one.
//!
//! | tool | limit | constant |
//! |---|---|---|
//! | each tool | 60 s | `DEFAULT_TIMEOUT` in `agent/agent_tools.rs` |
//! | `resource-get` | 10 min | `DOWNLOAD` in `tools/resource.rs` |
//! | tools of a relation's side that only waits, such as the requirer of `tracing` | 10 s | `PATIENCE` in `endpoint.rs` |
//! | lines of `juju-log` that are not waited for: all of tracing together, and each of the charm's logger | 1 s | `PATIENCE` in `juju_log.rs` |
//! | a tool that a method of `Dispatch` runs after one took too long, until one answers; not `juju-log` | 1 s, or what that one took | `SHORT_PATIENCE` in `reads.rs` |

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use super::HookToolError;

/// The largest standard output of a tool, in bytes. It is enough for any databag, because Juju's own limit for one is much
/// smaller.
pub(super) const MAX_STDOUT: usize = 16 * 1024 * 1024;

/// Returns the error of a longer standard output.
pub(super) fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "more than 16 MiB")
}

/// The number of bytes that are kept of a tool's standard error.
pub(super) const MAX_STDERR: usize = 64 * 1024;

/// Returns the time at which a tool has taken too long. A year stands for a time that is too far in the future for `Instant`.
pub(super) fn deadline(allowed: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(allowed).unwrap_or(now + A_YEAR)
}

const A_YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A way to run hook tool calls. Implement it to reach Juju in another way than through its agent.
///
/// The crate has two implementations: [`AgentHookTools`](super::AgentHookTools) for a charm, and, with the feature
/// `testing`, `testing::Model`, an in-memory Juju.
pub trait HookTools: Send + Sync + fmt::Debug {
    /// Runs the tool to its end and returns its output.
    ///
    /// # Errors
    ///
    /// The tool fails, for one of the reasons in [`HookToolErrorKind`](super::HookToolErrorKind).
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError>;

    /// Runs a tool without waiting for its answer, such as `juju-log`.
    ///
    /// It may return before the tool has run, but later calls take effect after it, and [`flush`](Self::flush) waits for
    /// it. The default implementation runs the tool to its end.
    ///
    /// # Errors
    ///
    /// The tool cannot be run. Its result may stay unknown.
    fn send(&self, call: &HookToolCall) -> Result<(), HookToolError> {
        self.run(call).map(drop)
    }

    /// Waits until the tools that were [sent](Self::send) have run, at most as long as their time limits.
    fn flush(&self) {}
}

/// One command line of a hook tool.
///
/// ```
/// use tracing_relation::juju::HookToolCall;
///
/// let call = HookToolCall::new("relation-set").arg("--app").arg("--file=-").stdin(r#"{"a": "b"}"#);
/// assert_eq!(call.tool(), "relation-set");
/// assert_eq!(call.args(), ["--app", "--file=-"]);
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct HookToolCall {
    tool: String,
    args: Vec<String>,
    stdin: Option<Vec<u8>>,
    timeout: Option<Duration>,
    at_most: Option<Duration>,
}

impl HookToolCall {
    /// Creates a call without arguments. `tool` is its name, such as `relation-get`, not a path.
    pub fn new(tool: impl Into<String>) -> Self {
        Self { tool: tool.into(), args: Vec::new(), stdin: None, timeout: None, at_most: None }
    }

    /// Adds an argument. It needs no quotes, because no shell is involved.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets the standard input of the tool, which is empty by default.
    ///
    /// Linux limits one argument to 131071 bytes, so longer data must be sent this way, with `--file -`.
    pub fn stdin(mut self, stdin: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(stdin.into());
        self
    }

    /// Sets the time limit of the tool, which replaces that of its [`HookTools`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Limits the time of the tool further, in addition to [`timeout`](Self::timeout) and its [`HookTools`]. The shortest
    /// limit counts.
    pub fn at_most(mut self, limit: Duration) -> Self {
        self.at_most = Some(self.at_most.map_or(limit, |other| other.min(limit)));
        self
    }

    /// Returns the name of the tool.
    #[must_use]
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// Returns the arguments, without the tool's name.
    #[must_use]
    pub fn args(&self) -> &[String] {
        &self.args
    }

    /// Returns the command line, by which answers are kept.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.tool, self.args.join(" "))
    }

    /// Returns the standard input; `None` if it was not set.
    #[must_use]
    pub fn input(&self) -> Option<&[u8]> {
        self.stdin.as_deref()
    }

    /// Returns the time limit of the tool, for an implementation of [`HookTools`] whose default limit is `usually`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tracing_relation::juju::HookToolCall;
    ///
    /// let minutes = |call: HookToolCall| call.time_allowed(Duration::from_secs(60)).as_secs() / 60;
    /// let call = HookToolCall::new("resource-get").arg("image");
    /// assert_eq!(minutes(call.clone()), 1);
    /// assert_eq!(minutes(call.clone().timeout(Duration::from_secs(600))), 10);
    /// assert_eq!(minutes(call.timeout(Duration::from_secs(600)).at_most(Duration::from_secs(300))), 5);
    /// ```
    #[must_use]
    pub fn time_allowed(&self, usually: Duration) -> Duration {
        let allowed = self.timeout.unwrap_or(usually);
        self.at_most.map_or(allowed, |limit| allowed.min(limit))
    }
}

/// Leaves out the content of the standard input, which may be a secret.
impl fmt::Debug for HookToolCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookToolCall")
            .field("tool", &self.tool)
            .field("args", &self.args)
            .field("stdin_bytes", &self.stdin.as_ref().map(Vec::len))
            .field("timeout", &self.timeout)
            .field("at_most", &self.at_most)
            .finish()
    }
}

/// The output of a hook tool that succeeded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookToolOutput {
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error. It contains only warnings, because the tool succeeded.
    pub stderr: Vec<u8>,
    /// The id of its process, which has ended; `None` if the unit agent ran it.
    pub pid: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::juju::HookToolErrorKind;

    #[derive(Debug)]
    struct Refusing;

    impl HookTools for Refusing {
        fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
            Err(HookToolError::from_exit(call.tool(), Some(1), b"ERROR no\n"))
        }
    }

    #[test]
    fn sending_runs_to_the_end_unless_overridden() {
        let error = Refusing.send(&HookToolCall::new("juju-log")).expect_err("it fails");
        assert_eq!(error.kind(), HookToolErrorKind::Failed);
    }

    #[test]
    fn debug_hides_standard_input() {
        let shown = format!("{:?}", HookToolCall::new("secret-add").stdin("hunter2"));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("Some(7)"), "{shown}");
    }
}
