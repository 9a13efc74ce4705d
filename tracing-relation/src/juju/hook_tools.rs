//! Calls of hook tools, independent of how they are carried out.

use std::fmt;
use std::time::Duration;

use super::HookToolError;

/// Carries out hook tool calls: implement it to reach Juju in another way than by starting processes.
///
/// Two implementations come with the crate: [`ProcessHookTools`](super::ProcessHookTools) for a charm, and, with the
/// feature `testing`, `testing::Model`, a Juju in memory.
pub trait HookTools: Send + Sync + fmt::Debug {
    /// Runs the tool to its end and returns what it printed.
    ///
    /// # Errors
    ///
    /// Whatever keeps the tool from succeeding: see [`HookToolErrorKind`](super::HookToolErrorKind).
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError>;

    /// Starts the tool and returns at once, for a call that may run while the charm works, such as `juju-log`.
    ///
    /// The default runs the tool to its end.
    ///
    /// # Errors
    ///
    /// The tool cannot be started. How it ended is what [`PendingCall::wait`] tells.
    fn start(&self, call: &HookToolCall) -> Result<PendingCall, HookToolError> {
        Ok(PendingCall::finished(self.run(call).map(drop)))
    }
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

/// A hook tool that was started, for an implementation of [`HookTools`]: what a [`PendingCall`] asks.
///
/// If nobody waits for the tool, this is dropped with the call; that must not block.
pub trait StartedTool: Send {
    /// Whether the tool has ended. Does not block.
    fn is_over(&mut self) -> bool;

    /// Waits until the tool has ended, for `at_most` this long, and kills one that takes longer.
    ///
    /// # Errors
    ///
    /// As for [`PendingCall::wait`].
    fn wait(self: Box<Self>, at_most: Duration) -> Result<(), HookToolError>;
}

/// A hook tool that was started and may still run. Dropping it leaves the tool to itself.
///
/// ```
/// use std::time::Duration;
/// use tracing_relation::juju::PendingCall;
///
/// let mut pending = PendingCall::finished(Ok(()));
/// assert!(pending.is_over());
/// assert!(pending.wait(Duration::ZERO).is_ok());
/// ```
#[must_use = "a tool that nobody waits for may outlive the hook, where Juju refuses it"]
pub struct PendingCall {
    tool: Box<dyn StartedTool>,
}

impl PendingCall {
    /// A call that is over already.
    pub fn finished(result: Result<(), HookToolError>) -> Self {
        Self::watched(Finished(result))
    }

    /// A call of which only `wait` can learn the end, within the time it is given: until then it is not over.
    ///
    /// What `wait` owns is dropped with the call if nobody waits for it; that must not block.
    pub fn new(wait: impl FnOnce(Duration) -> Result<(), HookToolError> + Send + 'static) -> Self {
        Self::watched(Unwatched(wait))
    }

    /// A call of a tool that can be asked whether it has ended.
    pub fn watched(tool: impl StartedTool + 'static) -> Self {
        Self { tool: Box::new(tool) }
    }

    /// Whether the tool has ended, so that [`wait`](Self::wait) tells at once how. Does not block.
    ///
    /// A tool that prints a lot may only come to its end while this is asked again and again, or it is waited for.
    pub fn is_over(&mut self) -> bool {
        self.tool.is_over()
    }

    /// Waits until the tool has ended. One that takes longer than `at_most` is killed.
    ///
    /// # Errors
    ///
    /// The tool failed, or was killed ([`TimedOut`](super::HookToolErrorKind::TimedOut)).
    pub fn wait(self, at_most: Duration) -> Result<(), HookToolError> {
        self.tool.wait(at_most)
    }
}

struct Finished(Result<(), HookToolError>);

impl StartedTool for Finished {
    fn is_over(&mut self) -> bool {
        true
    }

    fn wait(self: Box<Self>, _: Duration) -> Result<(), HookToolError> {
        self.0
    }
}

struct Unwatched<W>(W);

impl<W: FnOnce(Duration) -> Result<(), HookToolError> + Send> StartedTool for Unwatched<W> {
    fn is_over(&mut self) -> bool {
        false
    }

    fn wait(self: Box<Self>, at_most: Duration) -> Result<(), HookToolError> {
        (self.0)(at_most)
    }
}

impl fmt::Debug for PendingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingCall").finish_non_exhaustive()
    }
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
    fn start_runs_to_the_end_unless_overridden() {
        let mut pending = Refusing.start(&HookToolCall::new("juju-log")).expect("it starts");
        assert!(pending.is_over());
        let error = pending.wait(Duration::ZERO).expect_err("it failed");
        assert_eq!(error.kind(), HookToolErrorKind::Failed);
    }

    #[test]
    fn a_call_that_can_only_be_waited_for_is_not_over() {
        let mut pending = PendingCall::new(|_| Ok(()));
        assert!(!pending.is_over());
        assert!(pending.wait(Duration::ZERO).is_ok());
    }

    #[test]
    fn debug_hides_standard_input() {
        let shown = format!("{:?}", HookToolCall::new("secret-add").stdin("hunter2"));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("Some(7)"), "{shown}");
    }
}
