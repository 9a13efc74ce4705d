//! The error of a hook tool, and the only code that reads Juju's error texts.
//!
//! Juju distinguishes failures only by text: the exit code is 2 for a refused command line, and 1 for all others. The texts
//! differ between its versions. They are compared in lower case and by substring, because other lines may stand before the
//! error, and newer versions add text after it.
//!
//! A text counts only with these two exit codes. Anything else that ends a tool (a panic, a signal, a shell that may not
//! execute it: "permission denied") is not Juju's answer.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

/// The error of a hook tool that could not be run, or that failed.
///
/// Decide by its [`kind`](Self::kind), never by the text, because the text differs between the versions of Juju.
///
/// # What it shows
///
/// Errors are written to logs and traces, and a tool may quote its arguments (`ERROR expected "key=value" parameters, got
/// "hunter2"`). So `Display` and `Debug` show the standard error only of tools that only read: `is-leader`, `relation-ids`,
/// `relation-list`, `goal-state`, `opened-ports`, `storage-list`, and those that end in `-get` except `secret-get`,
/// `secret-info-get` and `credential-get`. For all others they show only how the tool failed. [`stderr`](Self::stderr)
/// returns the text, for a caller that knows what was in the arguments.
pub struct HookToolError {
    kind: HookToolErrorKind,
    tool: String,
    code: Option<i32>,
    pid: Option<u32>,
    stderr: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The kind of a hook tool's failure, by which a caller can decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HookToolErrorKind {
    /// The tool does not exist, or it cannot find its hook or reach its agent: Juju did not start the process, or the
    /// process has outlived its hook.
    NotInHookContext,
    /// The relation does not exist (any more), or the unit has no databag in it (yet).
    RelationGone,
    /// Juju refuses an operation that only the leader, or only a unit with a grant, may do. In a relation, only the leader
    /// may write the application's databag, and only the leader among its own units may read it.
    ///
    /// Juju uses the same words for a relation that is gone from the controller but not yet from the unit's agent.
    /// The methods of [`Dispatch`](super::Dispatch) tell the two apart; a plain [`HookTools`](super::HookTools) call cannot.
    PermissionDenied,
    /// The event does not allow the tool. `collect-metrics` and `meter-status-changed`, which ended with Juju 3, allow
    /// nearly none, and the tools of actions work only in actions. A tool that this version of Juju does not have fails in
    /// the same way.
    RestrictedContext,
    /// The secret or the stored value does not exist. Only `secret-get`, `secret-info-get` and `state-get --strict` fail
    /// with this kind.
    NotFound,
    /// Juju refuses the command line (exit code 2).
    Usage,
    /// The tool, or the attempt to run it, failed in another way.
    Failed,
    /// The tool took too long. A process was killed; a request over the agent's socket may still take effect.
    TimedOut,
    /// The tool may have run and written, but its result is unknown: the agent got the request and did not answer, or
    /// another part of the charm's process has waited for the tool's process. Such a call is not repeated.
    AnswerLost,
    /// The tool succeeded, but its output is too long or invalid.
    InvalidOutput,
}

impl HookToolError {
    /// Creates an error with the given cause, for implementations of [`HookTools`](super::HookTools).
    pub fn new(
        kind: HookToolErrorKind,
        tool: impl Into<String>,
        source: Option<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { kind, tool: tool.into(), code: None, pid: None, stderr: String::new(), source }
    }

    /// Creates the error of a tool that failed. Its exit code (`None` for a signal) and its standard error decide the kind.
    pub fn from_exit(tool: impl Into<String>, code: Option<i32>, stderr: &[u8]) -> Self {
        let (tool, stderr) = (tool.into(), String::from_utf8_lossy(stderr).into_owned());
        Self { kind: classify(&tool, code, &stderr), tool, code, pid: None, stderr, source: None }
    }

    /// Returns the kind, by which a caller should decide.
    #[must_use]
    pub fn kind(&self) -> HookToolErrorKind {
        self.kind
    }

    /// Returns the name of the tool.
    #[must_use]
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// Returns the exit code; `None` if the tool was not run to its end, or was ended by a signal.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.code
    }

    /// Returns the id of the tool's process, which has ended; `None` if there was none.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Returns the tool's whole standard error. It may quote the tool's input, including secrets.
    #[must_use]
    pub fn stderr(&self) -> &str {
        &self.stderr
    }

    /// Creates the error of a tool whose answer could not be had. Its kind is `otherwise` if the tool neither timed out nor
    /// printed too much.
    pub(super) fn without_answer(
        tool: &str,
        allowed: Duration,
        otherwise: HookToolErrorKind,
        mut cause: io::Error,
    ) -> Self {
        let kind = match cause.kind() {
            io::ErrorKind::TimedOut => {
                cause = io::Error::new(cause.kind(), format!("not done after {allowed:?}"));
                HookToolErrorKind::TimedOut
            }
            io::ErrorKind::FileTooLarge => HookToolErrorKind::InvalidOutput,
            _ => otherwise,
        };
        Self::new(kind, tool, Some(cause.into()))
    }

    pub(super) fn with_pid(self, pid: u32) -> Self {
        Self { pid: Some(pid), ..self }
    }

    /// Replaces the kind, for a caller that knows more about the failure.
    pub(super) fn with_kind(self, kind: HookToolErrorKind) -> Self {
        Self { kind, ..self }
    }
}

impl fmt::Display for HookToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tool = &self.tool;
        match self.kind {
            HookToolErrorKind::TimedOut => return write!(f, "cannot wait any longer for {tool}"),
            HookToolErrorKind::InvalidOutput => return write!(f, "cannot use the output of {tool}"),
            HookToolErrorKind::AnswerLost => {
                return write!(f, "cannot tell whether {tool} took effect: its answer was lost");
            }
            HookToolErrorKind::NotInHookContext => write!(f, "cannot run {tool} outside of a hook")?,
            _ => write!(f, "cannot run {tool}")?,
        }
        match self.code {
            Some(code) => write!(f, " (exit code {code})")?,
            // An error with a cause was not run to its end.
            None if self.kind == HookToolErrorKind::Failed && self.source.is_none() => {
                f.write_str(" (ended by a signal)")?;
            }
            None => {}
        }
        let why = if only_reads(tool) { self.stderr.trim() } else { self.kind.in_words() };
        if why.is_empty() { Ok(()) } else { write!(f, ": {why}") }
    }
}

impl fmt::Debug for HookToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("HookToolError");
        shown
            .field("kind", &self.kind)
            .field("tool", &self.tool)
            .field("code", &self.code)
            .field("pid", &self.pid);
        if only_reads(&self.tool) {
            shown.field("stderr", &self.stderr);
        } else {
            shown.field("stderr_bytes", &self.stderr.len());
        }
        shown.field("source", &self.source).finish()
    }
}

impl Error for HookToolError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl HookToolErrorKind {
    /// Returns Juju's reason in words, for a text that must not be shown; empty if the kind adds nothing to "cannot run".
    fn in_words(self) -> &'static str {
        match self {
            Self::RelationGone => "relation not found",
            Self::PermissionDenied => "permission denied",
            Self::RestrictedContext => "not possible in this event",
            Self::NotFound => "not found",
            Self::Usage => "its command line is refused",
            _ => "",
        }
    }
}

/// Returns true if the arguments of the tool are only names, so that it cannot quote a secret. An unknown tool may get any
/// arguments.
fn only_reads(tool: &str) -> bool {
    match tool {
        "secret-get" | "secret-info-get" | "credential-get" => false,
        "is-leader" | "relation-ids" | "relation-list" | "goal-state" | "opened-ports" | "storage-list" => {
            true
        }
        _ => tool.ends_with("-get"),
    }
}

fn classify(tool: &str, code: Option<i32>, stderr: &str) -> HookToolErrorKind {
    let text = stderr.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    // A Go program that panics has the exit code 2.
    let gave_up = |line: &str| line.starts_with("panic: ") || line.starts_with("fatal error: ");
    // `JUJU_CONTEXT_ID not set`
    let is_variable_missing = |line: &str| line.contains("juju_") && line.trim_end().ends_with(" not set");
    if !matches!(code, Some(1 | 2)) || text.lines().any(gave_up) {
        HookToolErrorKind::Failed
    } else if says(&[
        "not implemented for restricted context",
        "unknown hook command",
        "unknown action command",
    ]) {
        HookToolErrorKind::RestrictedContext
    } else if says(&["dial unix", "expected context id"]) || text.lines().any(is_variable_missing) {
        // This is tested first, because the text about the agent's socket may also contain "permission denied".
        HookToolErrorKind::NotInHookContext
    } else if says(&["leadership status"]) {
        // The leader is unknown, for any reason in the rest of the text.
        HookToolErrorKind::Failed
    } else if mentions_gone_relation(&text) || says(&["settings not found"]) {
        HookToolErrorKind::RelationGone
    } else if says(&[
        "permission denied",
        "access denied",
        "not the leader",
        "cannot write relation settings",
    ]) {
        HookToolErrorKind::PermissionDenied
    } else if code == Some(1) && LOOKING_UP.contains(&tool) && says(&["not found"]) {
        HookToolErrorKind::NotFound
    } else if code == Some(2) {
        HookToolErrorKind::Usage
    } else {
        HookToolErrorKind::Failed
    }
}

/// The tools that answer "not found" if the requested item does not exist.
const LOOKING_UP: [&str; 3] = ["secret-get", "secret-info-get", "state-get"];

/// Returns true if the text contains `relation not found`, or `relation 42 not found`, the form of `network-get`.
fn mentions_gone_relation(lower_case: &str) -> bool {
    let is_number = |c: char| c.is_ascii_digit() || c == ' ';
    lower_case
        .split("relation ")
        .skip(1)
        .any(|rest| rest.trim_start_matches(is_number).starts_with("not found"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use HookToolErrorKind::{
        Failed, NotFound, NotInHookContext, PermissionDenied, RelationGone, RestrictedContext, Usage,
    };

    /// The texts that Juju's tools write: the versions of Juju, the tool, its exit code, the text, and the expected kind.
    #[rustfmt::skip]
    const WORDINGS: &[(&str, &str, Option<i32>, &str, HookToolErrorKind)] = &[
        // The agent does not have the relation any more.
        ("2.9-4.1", "relation-get", Some(2), "ERROR invalid value \"tracing:3\" for option -r: relation not found\n", RelationGone),
        ("2.9-4.1", "relation-list", Some(2), "ERROR invalid value \"3\" for option -r: relation not found\n", RelationGone),
        ("2.9-4.1", "relation-set", Some(2), "ERROR invalid value \"3\" for option --relation: relation not found\n", RelationGone),
        ("2.9-4.1", "relation-get", Some(2), "WARNING a line before\nERROR invalid value \"3\" for option -r: Relation Not Found\n", RelationGone),
        // The controller does not have the relation any more, and the agent asked it.
        ("4.0-4.1", "relation-get", Some(1), "ERROR relation not found\n", RelationGone),
        ("4.0-4.1", "relation-get", Some(1), "ERROR relation not found (not found)\n", RelationGone),
        ("4.0-4.1", "relation-set", Some(1), "ERROR cannot read relation application settings: relation not found\n", RelationGone),
        ("2.9-3.6", "network-get", Some(1), "ERROR relation 42 not found\n", RelationGone),
        ("2.9-3.6", "network-get", Some(1), "ERROR relation 42 not found (not found)\n", RelationGone),
        // The unit has not entered the relation: a subordinate's, of which the principal unit has no databag yet.
        ("2.9-3.6", "relation-get", Some(1), "ERROR cannot read relation settings: unit \"zk/2\": settings not found\n", RelationGone),
        ("2.9-3.6", "relation-set", Some(1), "ERROR cannot read relation settings: unit \"zk/2\": settings not found\n", RelationGone),
        // The controller does not have the relation any more, but the text is that of a refusal. `Dispatch` knows when it
        // cannot be a refusal. A leader gets a longer text about its application's databag.
        ("2.9-3.6", "relation-get", Some(1), "ERROR permission denied\n", PermissionDenied),
        ("2.9-4.1", "relation-get", Some(1), "ERROR permission denied (unauthorized access)\n", PermissionDenied),
        ("2.9-4.1", "relation-set", Some(1), "ERROR cannot read relation settings: permission denied\n", PermissionDenied),
        ("2.9-4.1", "relation-set", Some(1), "ERROR cannot read relation application settings: permission denied (unauthorized access)\n", PermissionDenied),
        ("4.0-4.1", "network-get", Some(1), "ERROR permission denied (unauthorized access)\n", PermissionDenied),
        // A unit that is not the leader asks for its application's databag. For the last two, the agent takes the unit for
        // the leader, but the controller does not.
        ("2.9-4.1", "relation-get", Some(1), "ERROR permission denied\n", PermissionDenied),
        ("2.9-4.1", "relation-set", Some(1), "ERROR cannot write relation settings\n", PermissionDenied),
        ("2.9-4.1", "relation-get", Some(1), "ERROR permission denied (unauthorized access)\n", PermissionDenied),
        ("2.9-4.1", "relation-set", Some(1), "ERROR cannot read relation application settings: permission denied\n", PermissionDenied),
        // Other operations that only the leader, or only a unit with a grant, may do.
        ("2.9-4.1", "status-set", Some(1), "ERROR setting application status: this unit is not the leader\n", PermissionDenied),
        ("3.1-4.1", "secret-get", Some(1), "ERROR access denied\n", PermissionDenied),
        // The requested item does not exist.
        ("3.0-4.1", "secret-get", Some(1), "ERROR secret \"9m4e2mr0ui3e8a215n4g\" not found\n", NotFound),
        ("3.0-4.1", "secret-get", Some(1), "ERROR consumer label \"db\" not found (not found)\n", NotFound),
        ("3.0-4.1", "secret-info-get", Some(1), "ERROR secret \"db\" not found\n", NotFound),
        ("2.8-4.1", "state-get", Some(1), "ERROR \"key\" not found\n", NotFound),
        // The leader is unknown. This is never a refusal, whatever the reason.
        ("2.9-4.1", "is-leader", Some(1), "ERROR leadership status unknown: connection is shut down\n", Failed),
        ("2.9-4.1", "is-leader", Some(1), "ERROR leadership status unknown: permission denied\n", Failed),
        ("2.9-4.1", "relation-get", Some(1), "ERROR cannot determine leadership status: timed out\n", Failed),
        ("2.9-4.1", "relation-set", Some(1), "ERROR cannot determine leadership status: permission denied\n", Failed),
        // The event does not allow the tool, or this version of Juju does not have it.
        ("2.9-3.6", "relation-get", Some(1), "ERROR not implemented for restricted context\n", RestrictedContext),
        ("2.9-3.6", "relation-ids", Some(1), "ERROR not implemented for restricted context not implemented\n", RestrictedContext),
        ("2.9-3.6", "relation-get", Some(2), "ERROR invalid value \"3\" for option -r: not implemented for restricted context not implemented\n", RestrictedContext),
        ("2.9-3.6", "is-leader", Some(1), "ERROR leadership status unknown: not implemented for restricted context not implemented\n", RestrictedContext),
        ("2.9-4.1", "action-get", Some(1), "ERROR bad request: unknown hook command: action-get\n", RestrictedContext),
        ("4.0-4.1", "action-get", Some(1), "ERROR bad request: unknown action command: action-get\n", RestrictedContext),
        ("2.9-3.0", "secret-get", Some(1), "ERROR bad request: unknown hook command: secret-get\n", RestrictedContext),
        // The process is outside of any hook, or of this one, or the agent cannot be reached.
        ("2.9-4.1", "relation-ids", Some(1), "ERROR JUJU_CONTEXT_ID not set\n", NotInHookContext),
        ("2.9-4.1", "relation-ids", Some(1), "ERROR JUJU_AGENT_SOCKET_ADDRESS not set\n", NotInHookContext),
        ("2.9-4.1", "relation-ids", Some(1), "ERROR JUJU_AGENT_SOCKET_NETWORK not set\n", NotInHookContext),
        ("2.9-4.1", "relation-get", Some(1), "ERROR bad request: expected context id \"a/0-b-1\", got \"a/0-c-2\"\n", NotInHookContext),
        ("2.9-4.1", "is-leader", Some(1), "ERROR dial unix /var/lib/juju/agents/unit-a-0/agent.socket: connect: connection refused\n", NotInHookContext),
        ("2.9-4.1", "is-leader", Some(1), "ERROR dial unix @/var/lib/juju/agents/unit-a-0/agent.socket: connect: connection refused\n", NotInHookContext),
        ("2.9-4.1", "is-leader", Some(1), "ERROR dial unix /var/lib/juju/agents/unit-a-0/agent.socket: connect: no such file or directory\n", NotInHookContext),
        ("2.9-4.1", "is-leader", Some(1), "ERROR dial unix /var/lib/juju/agents/unit-a-0/agent.socket: connect: permission denied\n", NotInHookContext),
        // The command line is wrong.
        ("2.9-4.1", "relation-get", Some(2), "ERROR no relation id specified\n", Usage),
        ("2.9-4.1", "relation-get", Some(2), "ERROR no unit or application specified\n", Usage),
        ("2.9-4.1", "relation-get", Some(2), "ERROR invalid value \"one\" for option -r: invalid relation id\n", Usage),
        ("2.9-4.1", "relation-get", Some(2), "ERROR expected unit name, got application name \"mysql\"\n", Usage),
        ("2.9-4.1", "relation-ids", Some(2), "ERROR option provided but not defined: --all\n", Usage),
        // The agent and the controller are not connected.
        ("2.9-4.1", "relation-get", Some(1), "ERROR connection is shut down\n", Failed),
        ("2.9-4.1", "relation-get", Some(1), "ERROR EOF\n", Failed),
        ("2.9-4.1", "relation-get", Some(1), "ERROR settings for relation 42 of x not found\n", Failed),
        ("2.9-4.1", "relation-get", Some(1), "ERROR relation x not found\n", Failed),
        ("2.9-4.1", "relation-get", Some(1), "", Failed),
        // The tool failed before it got Juju's answer, so its text is not Juju's.
        ("2.9-4.1", "relation-get", Some(3), "Unhandled panic: \nrelation not found\ngoroutine 1 [running]:\n", Failed),
        ("2.9-4.1", "relation-get", Some(2), "panic: runtime error: permission denied\n\ngoroutine 1 [running]:\n", Failed),
        ("2.9-4.1", "relation-get", Some(2), "runtime: out of memory\nfatal error: runtime: out of memory\n", Failed),
        ("2.9-4.1", "relation-get", None, "ERROR permission denied\n", Failed),
        ("a shell", "relation-get", Some(126), "sh: 1: /usr/bin/relation-get: Permission denied\n", Failed),
        ("a shell", "relation-get", Some(127), "sh: 1: relation-get: not found\n", Failed),
    ];

    #[test]
    fn juju_texts_are_told_apart() {
        for (versions, tool, code, stderr, kind) in WORDINGS {
            let error = HookToolError::from_exit(*tool, *code, stderr.as_bytes());
            assert_eq!(error.kind(), *kind, "{tool} of {versions}, exit code {code:?}: {stderr:?}");
        }
    }

    #[test]
    fn a_signal_is_said() {
        let killed = HookToolError::from_exit("relation-get", None, b"");
        assert_eq!(killed.to_string(), "cannot run relation-get (ended by a signal)");
    }

    #[test]
    fn the_message_names_the_tool_and_repeats_jujus_words() {
        let error = HookToolError::from_exit("relation-get", Some(1), b"ERROR permission denied\n");
        assert_eq!(error.to_string(), "cannot run relation-get (exit code 1): ERROR permission denied");
        assert!(format!("{error:?}").contains("stderr: \"ERROR permission denied\\n\""), "{error:?}");
    }

    #[test]
    fn what_a_charm_wrote_is_not_shown() {
        let tools = [
            "relation-set",
            "state-set",
            "state-delete",
            "action-set",
            "action-fail",
            "action-log",
            "status-set",
            "application-version-set",
            "juju-log",
            "secret-add",
            "secret-set",
            "secret-get",
            "secret-info-get",
            "secret-grant",
            "credential-get",
            "a-tool-of-tomorrow",
        ];
        let stderr = "ERROR expected \"key=value\" parameters, got \"hunter2\"\n";
        for tool in tools {
            let error = HookToolError::from_exit(tool, Some(2), stderr.as_bytes());
            assert_eq!(
                error.to_string(),
                format!("cannot run {tool} (exit code 2): its command line is refused")
            );
            assert!(!format!("{error:?} {error:#?}").contains("hunter2"), "{error:?}");
            assert_eq!(error.stderr(), stderr);
        }
    }

    #[test]
    fn what_is_not_shown_is_said_by_its_kind() {
        let cases = [
            ("ERROR permission denied: hunter2\n", "cannot run state-set (exit code 1): permission denied"),
            ("ERROR relation not found: hunter2\n", "cannot run state-set (exit code 1): relation not found"),
            (
                "ERROR not implemented for restricted context\n",
                "cannot run state-set (exit code 1): not possible in this event",
            ),
            ("ERROR JUJU_CONTEXT_ID not set\n", "cannot run state-set outside of a hook (exit code 1)"),
            ("ERROR hunter2\n", "cannot run state-set (exit code 1)"),
        ];
        for (stderr, message) in cases {
            assert_eq!(
                HookToolError::from_exit("state-set", Some(1), stderr.as_bytes()).to_string(),
                message
            );
        }
    }

    #[test]
    fn the_cause_is_the_source_and_not_in_the_message() {
        let cause = io::Error::other("the cause");
        let error = HookToolError::new(Failed, "is-leader", Some(cause.into()));
        assert_eq!(error.to_string(), "cannot run is-leader");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("the cause"));
    }
}
