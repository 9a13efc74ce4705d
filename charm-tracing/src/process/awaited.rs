use std::io;
use std::process::{ExitStatus, Output, Stdio};

use tokio::process::{Child, Command};

use super::{CommandExt, Traced, TracedChild, end};
use crate::span::OpenSpan;

impl CommandExt for Command {
    fn traced(&mut self) -> Traced<'_, Self> {
        Traced::new(self)
    }
}

/// Needs the feature `tokio`.
///
/// A future of these methods that is dropped before the process has ended has the status error "cancelled". The process goes on
/// then, or is killed if the command says `kill_on_drop`.
impl Traced<'_, Command> {
    /// Starts the command, and returns a future that waits for it, like [`Command::status`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Command::status`].
    pub fn status(self) -> impl Future<Output = io::Result<ExitStatus>> + use<> {
        let started = self.spawn().map(Awaited::new);
        async move {
            let (mut child, span) = started?;
            // The child may wait for the other end of a pipe that is held here.
            drop((child.stdin.take(), child.stdout.take(), child.stderr.take()));
            span.end(child.wait().await, |status| *status)
        }
    }

    /// Starts the command, and returns a future that waits for its output, like [`Command::output`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Command::output`].
    pub fn output(self) -> impl Future<Output = io::Result<Output>> + use<> {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = self.spawn().map(TracedChild::<Child>::wait_with_output);
        async move { output?.await }
    }

    /// Starts the command, like [`Command::spawn`]. The span ends when the process was waited for, or when the [`TracedChild`] is
    /// dropped.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Command::spawn`].
    pub fn spawn(self) -> io::Result<TracedChild<Child>> {
        self.start(Command::as_std_mut, Command::spawn, Child::id)
    }
}

/// Needs the feature `tokio`.
impl TracedChild<Child> {
    /// Waits for the process, like [`Child::wait`]. The future may be dropped and the process waited for once more.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Child::wait`].
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await;
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

    /// Kills the process and waits for it, like [`Child::kill`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Child::kill`].
    pub async fn kill(&mut self) -> io::Result<()> {
        self.child.start_kill()?;
        self.wait().await.map(drop)
    }

    /// Waits for the process and returns its output, like [`Child::wait_with_output`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Child::wait_with_output`].
    pub fn wait_with_output(self) -> impl Future<Output = io::Result<Output>> + use<> {
        let (child, span) = Awaited::new(self);
        async move { span.end(child.wait_with_output().await, |output| output.status) }
    }
}

/// The span of a process that a future waits for. It is cancelled if this is dropped before it was ended.
struct Awaited(Option<OpenSpan>);

impl Awaited {
    fn new(child: TracedChild<Child>) -> (Child, Self) {
        (child.child, Self(child.span))
    }

    fn end<T>(mut self, ended: io::Result<T>, status: impl FnOnce(&T) -> ExitStatus) -> io::Result<T> {
        end(self.0.take(), &ended, status);
        ended
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if let Some(span) = self.0.take() {
            span.cancelled();
        }
    }
}
