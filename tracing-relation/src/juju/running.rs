//! Runs the process of a hook tool from its start to its end.
//!
//! A call must never hang a hook, and must cost little more than the process itself. So there is no shell and no helper
//! thread, and every wait has a time limit. When a call returns, its process has ended.
//!
//! One thread polls the three pipes, and the process itself, with a deadline. The pipes stay in blocking mode: if `poll`
//! reports a pipe as ready, reading it, or writing at most [`PIPE_BUF`] bytes to it, does not block.
//!
//! The tool leads its own process group, so that the processes that it started are killed with it. A process is killed by
//! its number only if the system has just confirmed that it is still our child. If the charm waits for it first, or ignores
//! SIGCHLD, the number may belong to another process, even to another child. So the pidfd is used for this check if there
//! is one.

use std::io::{self, BufRead, Cursor, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid,
};

use super::hook_tools::{MAX_STDERR, MAX_STDOUT, deadline, too_long};
use super::{HookToolError, HookToolErrorKind, HookToolOutput};

/// The number of bytes that a pipe accepts without blocking if `poll` reports it as writable on Linux.
const PIPE_BUF: usize = 4096;

/// The interval of checks whether the tool has ended, if the kernel has no pidfd.
const CHECK_EVERY: Duration = Duration::from_millis(1);

/// The number of reads of a pipe after the tool has ended. At that time the pipe holds 1 MiB at most, and later output of a
/// process that was left behind does not count.
const LAST_READS: usize = 64;

/// The time limit for a killed process to end. It needs some processor time for that, which it gets late on a busy machine,
/// or in a container with limited processor time. A process that takes longer waits in the kernel.
const KILL_GRACE: Duration = Duration::from_secs(2);

/// Runs a command to its end, kills it after `at_most`, and returns its output.
pub(super) fn run(
    mut command: Command,
    tool: &str,
    input: &[u8],
    at_most: Duration,
) -> Result<HookToolOutput, HookToolError> {
    command
        .stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let child = command.spawn().map_err(|source| {
        let is_missing = source.kind() == io::ErrorKind::NotFound;
        let kind = if is_missing { HookToolErrorKind::NotInHookContext } else { HookToolErrorKind::Failed };
        HookToolError::new(kind, tool, Some(source.into()))
    })?;
    let pid = child.id();
    let mut running = Running::new(child, input);
    let result = match running.exchange(deadline(at_most)) {
        Ok(status) if status.success() => Ok(running.printed),
        Ok(status) => Err(HookToolError::from_exit(tool, status.code(), &running.printed.stderr)),
        Err(source) if Errno::from_io_error(&source) == Some(Errno::CHILD) => {
            let source = "another part of this process has waited for it".into();
            Err(HookToolError::new(HookToolErrorKind::AnswerLost, tool, Some(source)))
        }
        Err(source) => {
            running.kill();
            Err(HookToolError::without_answer(tool, at_most, HookToolErrorKind::Failed, source))
        }
    };
    result.map_err(|error| error.with_pid(pid))
}

/// A process, and its output so far.
#[derive(Debug)]
struct Running {
    child: Child,
    /// The pidfd, which is ready when the process has ended; `None` before Linux 5.3, or if a sandbox refuses it.
    end: Option<OwnedFd>,
    /// The pipe, and the input that is not written yet.
    stdin: Option<(ChildStdin, Cursor<Vec<u8>>)>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    printed: HookToolOutput,
}

impl Running {
    fn new(mut child: Child, input: &[u8]) -> Self {
        Self {
            stdin: child.stdin.take().map(|pipe| (pipe, Cursor::new(input.to_vec()))),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            printed: HookToolOutput { pid: Some(child.id()), ..HookToolOutput::default() },
            end: pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).ok(),
            child,
        }
    }

    /// Writes the input and reads the output until the process has ended, or the deadline is reached.
    fn exchange(&mut self, deadline: Instant) -> io::Result<ExitStatus> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            self.serve_pipes(if self.end.is_some() { left } else { left.min(CHECK_EVERY) })?;
            match self.end()? {
                None if left.is_zero() => return Err(io::ErrorKind::TimedOut.into()),
                None => {}
                Some(status) => {
                    for _ in 0..LAST_READS {
                        if !self.serve_pipes(Duration::ZERO)? {
                            break;
                        }
                    }
                    return Ok(status);
                }
            }
        }
    }

    /// Serves the pipes that are ready within the time. Returns true if one was.
    fn serve_pipes(&mut self, at_most: Duration) -> io::Result<bool> {
        let [stdin, stdout, stderr] = self.ready(at_most)?;
        if let (true, Some((pipe, rest))) = (stdin, &mut self.stdin) {
            let chunk = rest.fill_buf()?;
            let written = match pipe.write(&chunk[..chunk.len().min(PIPE_BUF)]) {
                // A tool may end without reading all of its input.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => chunk.len(),
                written => written?,
            };
            rest.consume(written);
            if rest.fill_buf()?.is_empty() {
                self.stdin = None;
            }
        }
        if let (true, Some(pipe)) = (stdout, &mut self.stdout) {
            match take(pipe, &mut self.printed.stdout)? {
                0 => self.stdout = None,
                _ if self.printed.stdout.len() > MAX_STDOUT => return Err(too_long()),
                _ => {}
            }
        }
        if let (true, Some(pipe)) = (stderr, &mut self.stderr) {
            if take(pipe, &mut self.printed.stderr)? == 0 {
                self.stderr = None;
            }
            self.printed.stderr.truncate(MAX_STDERR);
        }
        Ok(stdin || stdout || stderr)
    }

    /// Returns which of standard input, output and error are ready.
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
        match poll(&mut polled, Timespec::try_from(at_most).ok().as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok([false; 3]),
            Err(errno) => return Err(errno.into()),
        }
        let mut events = polled.iter().map(|pipe| !pipe.revents().is_empty());
        Ok(pipes.map(|pipe| pipe.is_some() && events.next().unwrap_or(false)))
    }

    /// Returns how the process has ended; `None` if it runs. The error is ECHILD if another part of this process has waited
    /// for it and got its exit status.
    fn end(&mut self) -> io::Result<Option<ExitStatus>> {
        if let Some(pidfd) = &self.end {
            // The process stays a child, so the number with which `try_wait` waits for it is still its own.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            match waitid(WaitId::PidFd(pidfd.as_fd()), options) {
                Ok(None) => return Ok(None),
                // Linux 5.3 has pidfds, but cannot wait for them.
                Ok(Some(_)) | Err(Errno::INVAL) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        self.child.try_wait()
    }

    /// Kills the process and the others in its group, and waits until it has ended.
    fn kill(&mut self) {
        if self.end().is_ok_and(|end| end.is_none())
            && kill_process_group(Pid::from_child(&self.child), Signal::KILL).is_ok()
        {
            (self.stdin, self.stdout, self.stderr) = (None, None, None);
            let _ = self.exchange(deadline(KILL_GRACE));
        }
    }
}

/// Reads once, and appends the bytes. Returns 0 at the end.
fn take(pipe: &mut impl Read, printed: &mut Vec<u8>) -> io::Result<usize> {
    let mut chunk = [0; 16 * 1024];
    let count = pipe.read(&mut chunk)?;
    printed.extend_from_slice(&chunk[..count]);
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_the_kernel_does_not_tell_is_found() {
        for script in ["exec >&- 2>&-; sleep 0.05; exit 3", "sleep 10 & exit 3", "exit 3"] {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut running = Running::new(command.spawn().expect("it starts"), b"");
            running.end = None;
            let end = running.exchange(deadline(Duration::from_secs(5))).expect("an end");
            assert_eq!(end.code(), Some(3), "{script}: {end:?}");
        }
    }
}
