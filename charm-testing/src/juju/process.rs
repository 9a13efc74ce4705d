//! Runs the charm's process, with an eye on the clock.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

/// The end of a process, and its output.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) duration: Duration,
}

/// Runs a command with empty standard input, and kills it and its children when the time is up.
///
/// Output goes to files without a name in `directory` instead of pipes: whatever the charm leaves running in the background can
/// neither block on them nor hold up the end of the dispatch.
pub(super) fn run(command: &mut Command, limit: Duration, directory: &Path) -> io::Result<Finished> {
    let (stdout, stderr) = (tempfile::tempfile_in(directory)?, tempfile::tempfile_in(directory)?);
    command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?).process_group(0);

    let start = Instant::now();
    let mut child = spawn(command)?;
    let in_time = ends_within(&child, limit);
    if !matches!(in_time, Ok(true)) {
        // The process may have ended this very moment; its id stays its own until it is waited for below.
        _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        // It may have left its group.
        _ = child.kill();
    }
    let status = child.wait()?;
    let duration = start.elapsed();
    in_time?;
    Ok(Finished { status, stdout: content(&stdout)?, stderr: content(&stderr)?, duration })
}

/// Waits until the process has ended, or the time is up. Returns true if it has ended.
fn ends_within(child: &Child, limit: Duration) -> io::Result<bool> {
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let start = Instant::now();
    loop {
        let left = Timespec::try_from(limit.saturating_sub(start.elapsed())).ok();
        match poll(&mut [PollFd::new(&process, PollFlags::IN)], left.as_ref()) {
            Err(Errno::INTR) => {}
            ended => return Ok(ended? > 0),
        }
    }
}

/// Tries again while the file is "busy": another thread that starts a process at this moment holds a copy of every
/// open file for an instant, including one through which the charm was written just now.
pub(super) fn spawn(command: &mut Command) -> io::Result<Child> {
    const ATTEMPTS: usize = 200;
    for _ in 1..ATTEMPTS {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
    command.spawn()
}

/// Returns the content of a file so far, without moving the position that it shares with those who write it.
fn content(file: &File) -> io::Result<Vec<u8>> {
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}
