//! Runs the charm's processes in spans.
//!
//! A [`Command`] is traced if the charm says so, and is left alone otherwise:
//!
//! ```
//! use std::process::Command;
//!
//! use charm_tracing::process::CommandExt as _;
//!
//! let status = Command::new("true").traced().status()?;
//! assert!(status.success());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The span is named after the executable. Its kind is client, and its attributes are those of OpenTelemetry's semantic conventions:
//! `process.executable.name`, `process.pid` (not with [`output`](Traced::output), which does not tell it), `process.exit.code`,
//! and `error.type` if the process did not succeed. Arguments are recorded only if [`Traced::with_arguments`] asks for them, because
//! they may be secret.
//!
//! The process gets the variables `TRACEPARENT` and, if the trace has a state, `TRACESTATE`. So a traced program, such as a charm, a
//! script with `otel-cli` or a program with OpenTelemetry's SDK, continues the trace. The variables stay in the `Command`, and are set
//! anew each time it is run traced. While nothing records, a traced command is run as any other.

use std::io;
use std::ops::{Deref, DerefMut};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output};

use opentelemetry::{Array, KeyValue, StringValue, Value};

use crate::span::probe::{Returned, Standard as _};
use crate::span::{OpenSpan, StatusOnly, current_span};
use crate::trace_context;

/// An extension of [`Command`] that runs it in a span.
pub trait CommandExt {
    /// Returns the command, to run it in a span of its own.
    fn traced(&mut self) -> Traced<'_>;
}

impl CommandExt for Command {
    fn traced(&mut self) -> Traced<'_> {
        Traced { command: self, has_arguments: false }
    }
}

/// A command that is run in a span; made by [`CommandExt::traced`].
#[derive(Debug)]
#[must_use = "the command is not run yet"]
pub struct Traced<'a> {
    command: &'a mut Command,
    has_arguments: bool,
}

impl Traced<'_> {
    /// Records the program and its arguments as `process.command_args`. Only for commands whose arguments are never secret.
    pub fn with_arguments(mut self) -> Self {
        self.has_arguments = true;
        self
    }

    /// Runs the command and waits for it, like [`Command::status`].
    ///
    /// # Errors
    ///
    /// As of [`Command::status`].
    pub fn status(self) -> io::Result<ExitStatus> {
        let mut child = self.spawn()?;
        child.wait()
    }

    /// Runs the command, waits for it and returns its output, like [`Command::output`].
    ///
    /// # Errors
    ///
    /// As of [`Command::output`].
    pub fn output(mut self) -> io::Result<Output> {
        let span = self.open();
        let output = self.command.output();
        end(span, &output, |output| output.status);
        output
    }

    /// Starts the command, like [`Command::spawn`]. The span ends when the process was waited for, or when the [`TracedChild`] is
    /// dropped.
    ///
    /// # Errors
    ///
    /// As of [`Command::spawn`].
    pub fn spawn(mut self) -> io::Result<TracedChild> {
        let span = self.open();
        let child = self.command.spawn();
        let Ok(child) = child else {
            end(span, &child, |_| ExitStatus::default());
            return child.map(|child| TracedChild { child, span: None });
        };
        if let Some(span) = &span {
            span.describe(KeyValue::new("process.pid", i64::from(child.id())));
        }
        Ok(TracedChild { child, span })
    }

    /// Opens the span, and gives its context to the process. `None` if the process has no span.
    fn open(&mut self) -> Option<OpenSpan> {
        let program = self.command.get_program();
        let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
        let mut attributes = vec![KeyValue::new("process.executable.name", name.clone())];
        if self.has_arguments {
            let all = [program].into_iter().chain(self.command.get_args());
            let all = all.map(|argument| StringValue::from(argument.to_string_lossy().into_owned()));
            attributes
                .push(KeyValue::new("process.command_args", Value::Array(Array::String(all.collect()))));
        }
        let (span, context) = match OpenSpan::start_client(name, attributes) {
            Some((span, context)) => (Some(span), context),
            // The span may be missing because the quota is used up. The process still belongs to the trace.
            None => (None, current_span()?.span_context()),
        };
        self.command.env("TRACEPARENT", trace_context::traceparent(&context));
        match context.trace_state().header() {
            state if state.is_empty() => self.command.env_remove("TRACESTATE"),
            state => self.command.env("TRACESTATE", state),
        };
        span
    }
}

/// A process with its span, which ends when the process was waited for; made by [`Traced::spawn`]. It derefs to its [`Child`].
///
/// If it is dropped before, the span ends as well, without an exit code, and the process goes on, as that of a [`Child`] does.
#[derive(Debug)]
pub struct TracedChild {
    child: Child,
    /// `None` if nothing records, and after the process has ended.
    span: Option<OpenSpan>,
}

impl TracedChild {
    /// Waits for the process, like [`Child::wait`].
    ///
    /// # Errors
    ///
    /// As of [`Child::wait`].
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait();
        end(self.span.take(), &status, |status| *status);
        status
    }

    /// Returns the exit status if the process has ended, like [`Child::try_wait`].
    ///
    /// # Errors
    ///
    /// As of [`Child::try_wait`].
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait();
        if let Ok(Some(status)) = &status {
            end(self.span.take(), &Ok(*status), |status| *status);
        }
        status
    }

    /// Waits for the process and returns its output, like [`Child::wait_with_output`].
    ///
    /// # Errors
    ///
    /// As of [`Child::wait_with_output`].
    pub fn wait_with_output(self) -> io::Result<Output> {
        let output = self.child.wait_with_output();
        end(self.span, &output, |output| output.status);
        output
    }
}

impl Deref for TracedChild {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.child
    }
}

impl DerefMut for TracedChild {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.child
    }
}

/// Ends a span with the exit status of its process, or with the error that there is in its place.
fn end<T>(span: Option<OpenSpan>, ended: &io::Result<T>, status: impl FnOnce(&T) -> ExitStatus) {
    let Some(span) = span else { return };
    if let Some(failure) = (&&&&&Returned(ended)).__failure() {
        span.failed(failure);
    }
    let Ok(ended) = ended else { return };
    let status = status(ended);
    if let Some(code) = status.code() {
        span.describe(KeyValue::new("process.exit.code", i64::from(code)));
    }
    if !status.success() {
        let signal = || format!("signal {}", status.signal().unwrap_or_default());
        let error_type = status.code().map_or_else(signal, |code| code.to_string());
        span.fail(StatusOnly { error_type: error_type.into(), description: status.to_string() });
    }
}
