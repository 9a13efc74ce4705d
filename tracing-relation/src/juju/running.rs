//! A hook tool's process while it runs.
//!
//! One thread polls the three pipes, and the process itself, with a deadline. The pipes stay in blocking mode: once `poll`
//! reports one as ready, neither reading it nor writing at most [`PIPE_BUF`] bytes to it blocks.
//!
//! A child that still runs when nobody waits for it any longer is kept on a list, and reaped by a later call.

use std::io::{self, BufRead, Cursor, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{HookToolError, HookToolErrorKind, HookToolOutput, StartedTool};

/// More than any databag can hold: Juju's own limit for one is smaller by far.
const MAX_STDOUT: usize = 16 * 1024 * 1024;

/// Of a longer standard error the beginning is kept and the rest thrown away.
const MAX_STDERR: usize = 64 * 1024;

/// What a pipe that `poll` reports as writable takes without blocking, on Linux.
const PIPE_BUF: usize = 4096;

/// How long `poll` waits before it is checked whether the tool has ended where the kernel does not tell: the ends of its
/// pipes do, unless it left a process of its own behind.
const CHECK_EXIT_EVERY: Duration = Duration::from_millis(50);

/// How often a pipe is read at most when the tool has ended: then it holds 1 MiB at most, and what a process that was left
/// behind goes on printing is nobody's concern.
const LAST_READS: usize = 64;

/// How long a killed process may take to be gone before it is left to a later call.
const KILL_GRACE: Duration = Duration::from_millis(100);

/// A started tool, and what it printed so far.
#[derive(Debug)]
pub(super) struct Running {
    tool: String,
    child: Option<Child>,
    /// Ready when the tool has ended. None before Linux 5.3, or where a sandbox refuses it.
    end: Option<OwnedFd>,
    /// The pipe, and what is still to be written to it.
    stdin: Option<(ChildStdin, Cursor<Vec<u8>>)>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    printed: HookToolOutput,
    unreaped: Unreaped,
}

impl Running {
    /// Takes over a tool that was started, and what to write to its standard input.
    pub(super) fn new(tool: &str, mut child: Child, input: &[u8], unreaped: Unreaped) -> Self {
        Self {
            tool: tool.to_owned(),
            stdin: child.stdin.take().map(|pipe| (pipe, Cursor::new(input.to_vec()))),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            printed: HookToolOutput::default(),
            end: pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).ok(),
            child: Some(child),
            unreaped,
        }
    }

    /// Waits for the tool and returns what it printed; kills it when the time is over.
    pub(super) fn finish(mut self, at_most: Duration) -> Result<HookToolOutput, HookToolError> {
        // Without a deadline if that would lie beyond the end of time.
        let deadline = Instant::now().checked_add(at_most);
        match self.exchange(deadline) {
            Ok(Some(status)) if status.success() => Ok(std::mem::take(&mut self.printed)),
            Ok(Some(status)) => Err(HookToolError::from_exit(
                std::mem::take(&mut self.tool),
                status.code(),
                &self.printed.stderr,
            )),
            Ok(None) => {
                self.kill();
                let late = io::Error::new(io::ErrorKind::TimedOut, format!("not done after {at_most:?}"));
                Err(self.error(HookToolErrorKind::TimedOut, late))
            }
            Err(source) => {
                self.kill();
                let kind = match source.kind() {
                    io::ErrorKind::FileTooLarge => HookToolErrorKind::InvalidOutput,
                    _ => HookToolErrorKind::Failed,
                };
                Err(self.error(kind, source))
            }
        }
    }

    /// Feeds the tool and takes what it prints until it has ended, and tells how; `None` if the time is over first.
    fn exchange(&mut self, deadline: Option<Instant>) -> io::Result<Option<ExitStatus>> {
        let mut pause = Duration::from_micros(50);
        loop {
            let left = time_left(deadline);
            let patience = if self.end.is_some() || self.stdout.is_some() || self.stderr.is_some() {
                CHECK_EXIT_EVERY
            } else {
                // Nothing tells any more, and the end is near.
                pause = (pause * 2).min(Duration::from_millis(5));
                pause
            };
            if self.exchange_once(left.min(patience))? && !left.is_zero() {
                continue;
            }
            if let Some(status) = self.try_wait()? {
                for _ in 0..LAST_READS {
                    if !self.exchange_once(Duration::ZERO)? {
                        break;
                    }
                }
                return Ok(Some(status));
            }
            if left.is_zero() {
                return Ok(None);
            }
        }
    }

    /// Serves the pipes that are ready within the time; tells whether one was.
    fn exchange_once(&mut self, at_most: Duration) -> io::Result<bool> {
        let [stdin, stdout, stderr] = self.ready(at_most)?;
        if stdin && let Some((pipe, rest)) = &mut self.stdin {
            let chunk = rest.fill_buf()?;
            let written = match pipe.write(&chunk[..chunk.len().min(PIPE_BUF)]) {
                // A tool need not read its input to the end.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => chunk.len(),
                written => written?,
            };
            rest.consume(written);
            if rest.fill_buf()?.is_empty() {
                self.stdin = None;
            }
        }
        if stdout && let Some(pipe) = &mut self.stdout {
            match take(pipe, &mut self.printed.stdout)? {
                0 => self.stdout = None,
                _ if self.printed.stdout.len() > MAX_STDOUT => {
                    return Err(io::Error::new(io::ErrorKind::FileTooLarge, "more than 16 MiB"));
                }
                _ => {}
            }
        }
        if stderr && let Some(pipe) = &mut self.stderr {
            if take(pipe, &mut self.printed.stderr)? == 0 {
                self.stderr = None;
            }
            self.printed.stderr.truncate(MAX_STDERR);
        }
        Ok(stdin || stdout || stderr)
    }

    /// Which of standard input, output and error can be served without blocking.
    fn ready(&self, at_most: Duration) -> io::Result<[bool; 3]> {
        let pipes = [
            self.stdin.as_ref().map(|(pipe, _)| (pipe.as_fd(), PollFlags::OUT)),
            self.stdout.as_ref().map(|pipe| (pipe.as_fd(), PollFlags::IN)),
            self.stderr.as_ref().map(|pipe| (pipe.as_fd(), PollFlags::IN)),
        ];
        let end = self.end.as_ref().map(|end| (end.as_fd(), PollFlags::IN));
        let mut polled: Vec<PollFd<'_>> = (pipes.iter().flatten().chain(&end))
            .map(|(file, flags)| PollFd::from_borrowed_fd(*file, *flags))
            .collect();
        let at_most = Timespec { tv_sec: 0, tv_nsec: at_most.subsec_nanos().into() };
        match poll(&mut polled, Some(&at_most)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok([false; 3]),
            Err(errno) => return Err(errno.into()),
        }
        let mut events = polled.iter().map(|pipe| !pipe.revents().is_empty());
        Ok(pipes.map(|pipe| pipe.is_some() && events.next().unwrap_or(false)))
    }

    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.as_mut().map_or(Ok(None), Child::try_wait)
    }

    fn error(&self, kind: HookToolErrorKind, source: io::Error) -> HookToolError {
        HookToolError::new(kind, self.tool.as_str(), Some(source.into()))
    }

    fn kill(&mut self) {
        if let Some(child) = &mut self.child
            && child.kill().is_ok()
        {
            (self.stdin, self.stdout, self.stderr) = (None, None, None);
            // Whoever is not gone by then waits in the kernel, and is left to a later call by `drop`.
            let _ = self.exchange(Instant::now().checked_add(KILL_GRACE));
        }
    }
}

impl StartedTool for Running {
    fn is_over(&mut self) -> bool {
        // What goes wrong here does so again when the tool is waited for, which tells.
        self.exchange_once(Duration::ZERO).is_err() || !matches!(self.try_wait(), Ok(None))
    }

    fn wait(self: Box<Self>, at_most: Duration) -> Result<(), HookToolError> {
        self.finish(at_most).map(drop)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take()
            && matches!(child.try_wait(), Ok(None))
        {
            self.unreaped.add(child);
        }
    }
}

/// Children that nobody waits for, until they can be reaped.
#[derive(Clone, Debug, Default)]
pub(super) struct Unreaped(Arc<Mutex<Vec<Child>>>);

impl Unreaped {
    fn add(&self, child: Child) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(child);
    }

    pub(super) fn reap(&self) {
        let mut children = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }
}

fn time_left(deadline: Option<Instant>) -> Duration {
    deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()))
}

/// Reads once, and appends what came. 0 is the end.
fn take(pipe: &mut impl Read, printed: &mut Vec<u8>) -> io::Result<usize> {
    let mut chunk = [0; 16 * 1024];
    let count = pipe.read(&mut chunk)?;
    printed.extend_from_slice(&chunk[..count]);
    Ok(count)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn an_end_that_the_kernel_does_not_tell_is_found() {
        for script in ["exec >&- 2>&-; sleep 0.05; exit 3", "sleep 10 & exit 3", "exit 3"] {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let child = command.spawn().expect("it starts");
            let mut running = Running::new("a-tool", child, b"", Unreaped::default());
            running.end = None;
            let error = running.finish(Duration::from_secs(5)).expect_err("it ends with 3");
            assert_eq!(error.code(), Some(3), "{script}: {error}");
        }
    }
}
