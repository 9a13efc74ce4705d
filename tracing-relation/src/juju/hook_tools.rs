//! Calls of hook tools, independent of how they are carried out.

use std::fmt;
use std::time::Duration;

use super::HookToolError;

/// How long the standard output of a tool may be. No databag can hold as much: Juju's own limit for one is smaller by far.
pub(super) const MAX_STDOUT: usize = 16 * 1024 * 1024;

/// The reason why a longer standard output is refused.
pub(super) const TOO_LONG: &str = "more than 16 MiB";

/// How much is kept of a tool's standard error.
pub(super) const MAX_STDERR: usize = 64 * 1024;

/// Carries out hook tool calls: implement it to reach Juju in another way than by its agent.
///
/// Three implementations come with the crate: [`AgentHookTools`](super::AgentHookTools) for a charm,
/// [`ProcessHookTools`](super::ProcessHookTools), and, with the feature `testing`, `testing::Model`, a Juju in memory.
pub trait HookTools: Send + Sync + fmt::Debug {
    /// Runs the tool to its end and returns what it printed.
    ///
    /// # Errors
    ///
    /// Whatever keeps the tool from succeeding: see [`HookToolErrorKind`](super::HookToolErrorKind).
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError>;

    /// Runs a tool of which the caller does not need the answer, such as `juju-log`.
    ///
    /// It may return before the tool has run. Later calls take effect after it, and [`settle`](Self::settle) waits for it. The
    /// default runs the tool to its end.
    ///
    /// # Errors
    ///
    /// The tool cannot be run. How it ended may stay unknown.
    fn send(&self, call: &HookToolCall) -> Result<(), HookToolError> {
        self.run(call).map(drop)
    }

    /// Waits until the tools that were [sent](Self::send) have run, for as long as they may take.
    fn settle(&self) {}
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
    /// A call of `tool` (its name, such as `relation-get`, not a path) without arguments.
    pub fn new(tool: impl Into<String>) -> Self {
        Self { tool: tool.into(), args: Vec::new(), stdin: None, timeout: None, at_most: None }
    }

    /// Adds an argument. No shell is involved, so nothing needs quoting.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets what the tool reads from its standard input, which is empty otherwise.
    ///
    /// Linux limits one argument to 131071 bytes, so longer data has to go this way, with `--file -`.
    pub fn stdin(mut self, stdin: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(stdin.into());
        self
    }

    /// Sets how long the tool may take, instead of what its [`HookTools`] allows.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how long the tool may take at most, whatever [`timeout`](Self::timeout) and its [`HookTools`] allow. Of several,
    /// the least counts.
    pub fn at_most(mut self, limit: Duration) -> Self {
        self.at_most = Some(self.at_most.map_or(limit, |other| other.min(limit)));
        self
    }

    /// The name of the tool.
    #[must_use]
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// The arguments, without the tool's name.
    #[must_use]
    pub fn args(&self) -> &[String] {
        &self.args
    }

    /// What the tool reads from its standard input, if that was set.
    #[must_use]
    pub fn input(&self) -> Option<&[u8]> {
        self.stdin.as_deref()
    }

    /// How long the tool may take, for an implementation of [`HookTools`] that allows this much `usually`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tracing_relation::juju::HookToolCall;
    ///
    /// let minutes = |call: HookToolCall| call.time_allowed(Duration::from_mins(1)).as_secs() / 60;
    /// let call = HookToolCall::new("resource-get").arg("image");
    /// assert_eq!(minutes(call.clone()), 1);
    /// assert_eq!(minutes(call.clone().timeout(Duration::from_mins(10))), 10);
    /// assert_eq!(minutes(call.timeout(Duration::from_mins(10)).at_most(Duration::from_mins(5))), 5);
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

/// What a hook tool that succeeded printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookToolOutput {
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error: warnings, since the tool succeeded.
    pub stderr: Vec<u8>,
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
