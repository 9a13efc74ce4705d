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
//! script with `otel-cli` or a program with OpenTelemetry's SDK, continues the trace. The variables stay in the `Command`, and each
//! traced run sets them again. While nothing records, and where the charm suppresses telemetry, a traced command is run as any other.
//!
//! With the feature `tokio`, a `tokio::process::Command` has the same method, and what it returns is awaited.

#[cfg(feature = "tokio")]
mod awaited;

use std::io;
use std::ops::{Deref, DerefMut};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output};

use opentelemetry::trace::{SpanKind, TraceContextExt as _};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};

use crate::names;
use crate::recorder::Details;
use crate::span::probe::{Returned, Standard as _};
use crate::span::{OpenSpan, StatusOnly, current_span};
use crate::trace_context;

/// An extension of [`Command`], and of that of tokio, that runs it in a span.
pub trait CommandExt: Sized {
    /// Returns the command, to run it in a span of its own.
    fn traced(&mut self) -> Traced<'_, Self>;
}

impl CommandExt for Command {
    fn traced(&mut self) -> Traced<'_> {
        Traced::new(self)
    }
}

/// A command that is run in a span; made by [`CommandExt::traced`].
#[derive(Debug)]
#[must_use = "the command is not run yet"]
pub struct Traced<'a, C = Command> {
    command: &'a mut C,
    has_arguments: bool,
}

impl<'a, C> Traced<'a, C> {
    fn new(command: &'a mut C) -> Self {
        Self { command, has_arguments: false }
    }

    /// Records the program and its arguments as `process.command_args`. Only for commands whose arguments are never secret.
    pub fn with_arguments(mut self) -> Self {
        self.has_arguments = true;
        self
    }

    /// Starts the command in a span. `std` returns the command that gets the context, `begin` starts it, and `id` returns the id of its
    /// process.
    fn start<P>(
        self,
        std: impl FnOnce(&mut C) -> &mut Command,
        begin: impl FnOnce(&mut C) -> io::Result<P>,
        id: impl FnOnce(&P) -> Option<u32>,
    ) -> io::Result<TracedChild<P>> {
        let span = open(std(self.command), self.has_arguments);
        let started = begin(self.command);
        if let Some(span) = &span {
            note_failure(span, &started);
        }
        let child = started?;
        if let (Some(span), Some(id)) = (&span, id(&child)) {
            span.describe(names::process_id(id));
        }
        Ok(TracedChild { child, span })
    }
}

impl Traced<'_> {
    /// Runs the command and waits for it, like [`Command::status`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Command::status`].
    pub fn status(self) -> io::Result<ExitStatus> {
        let mut child = self.spawn()?;
        child.wait()
    }

    /// Runs the command, waits for it and returns its output, like [`Command::output`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Command::output`].
    pub fn output(self) -> io::Result<Output> {
        let span = open(self.command, self.has_arguments);
        let output = self.command.output();
        end(span, &output, |output| output.status);
        output
    }

    /// Starts the command, like [`Command::spawn`]. The span ends when the process was waited for, or when the [`TracedChild`] is
    /// dropped.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Command::spawn`].
    pub fn spawn(self) -> io::Result<TracedChild> {
        self.start(|command| command, Command::spawn, |child| Some(child.id()))
    }
}

/// A process with its span, which ends when the process was waited for; made by [`Traced::spawn`]. It derefs to its [`Child`].
///
/// If it is dropped before, the span ends as well, without an exit code, and the process goes on, as that of a [`Child`] does.
#[derive(Debug)]
pub struct TracedChild<P = Child> {
    child: P,
    /// `None` if nothing records, and after the process has ended.
    span: Option<OpenSpan>,
}

impl TracedChild {
    /// Waits for the process, like [`Child::wait`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Child::wait`].
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait();
        self.waited(status)
    }

    /// Returns the exit status if the process has ended, like [`Child::try_wait`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Child::try_wait`].
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait();
        self.tried(status)
    }

    /// Waits for the process and returns its output, like [`Child::wait_with_output`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Child::wait_with_output`].
    pub fn wait_with_output(self) -> io::Result<Output> {
        let output = self.child.wait_with_output();
        end(self.span, &output, |output| output.status);
        output
    }
}

impl<P> TracedChild<P> {
    /// Ends the span with what waiting for the process has returned.
    fn waited(&mut self, status: io::Result<ExitStatus>) -> io::Result<ExitStatus> {
        end(self.span.take(), &status, |status| *status);
        status
    }

    /// Ends the span if the process has ended.
    fn tried(&mut self, status: io::Result<Option<ExitStatus>>) -> io::Result<Option<ExitStatus>> {
        if let Ok(Some(status)) = status {
            end(self.span.take(), &Ok(status), |status| *status);
        }
        status
    }
}

impl<P> Deref for TracedChild<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.child
    }
}

impl<P> DerefMut for TracedChild<P> {
    fn deref_mut(&mut self) -> &mut P {
        &mut self.child
    }
}

/// Opens the span of a command, and gives its context to the process. Returns `None` if the process has no span.
fn open(command: &mut Command, has_arguments: bool) -> Option<OpenSpan> {
    let program = command.get_program();
    let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
    let mut attributes = vec![KeyValue::new("process.executable.name", name.clone())];
    if has_arguments {
        let all = [program].into_iter().chain(command.get_args());
        let all = all.map(|argument| StringValue::from(argument.to_string_lossy().into_owned()));
        attributes.push(KeyValue::new("process.command_args", Value::Array(Array::String(all.collect()))));
    }
    let details = Details { kind: Some(SpanKind::Client), ..Details::named(name, attributes) };
    let (span, own) = OpenSpan::start(details).unzip();
    // The span may be missing because the quota is used up. The process still belongs to the trace then, but not where the charm
    // suppresses telemetry.
    let around = || current_span().filter(|_| !Context::map_current(Context::is_telemetry_suppressed));
    let own = own.map(|context| context.span().span_context().clone());
    let context = own.or_else(|| Some(around()?.span_context()))?;
    command.env("TRACEPARENT", trace_context::traceparent(&context));
    match context.trace_state().header() {
        state if state.is_empty() => command.env_remove("TRACESTATE"),
        state => command.env("TRACESTATE", state),
    };
    span
}

/// Ends a span with the exit status of its process, or with the error that there is in its place.
fn end<T>(span: Option<OpenSpan>, ended: &io::Result<T>, status: impl FnOnce(&T) -> ExitStatus) {
    let Some(span) = span else { return };
    note_failure(&span, ended);
    let Ok(ended) = ended else { return };
    let status = status(ended);
    if let Some(code) = status.code() {
        span.describe(names::exit_code(code));
    }
    if !status.success() {
        let signal = || format!("signal {}", status.signal().unwrap_or_default());
        let error_type = status.code().map_or_else(signal, |code| code.to_string());
        span.fail(StatusOnly { error_type: error_type.into(), description: status.to_string() });
    }
}

/// Marks the span as failed if there is an error.
fn note_failure<T>(span: &OpenSpan, result: &io::Result<T>) {
    if let Some(failure) = (&&&&&Returned(result)).__failure() {
        span.failed(failure);
    }
}
