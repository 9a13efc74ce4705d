//! Hook tools as Juju ships them: one short process per call.
//!
//! A call must never hang a hook, whatever the tool does, and must cost little more than the process itself: there is
//! neither a shell nor a helper thread, and every wait has an end.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::running::{Running, Unreaped};
use super::{HookToolCall, HookToolError, HookToolErrorKind, HookToolOutput, HookTools, PendingCall};

const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);

/// Runs hook tools as processes: what a charm uses, unless it says otherwise.
///
/// Tools are looked for in the directories of `PATH`, as it was when this was made, and inherit the environment and
/// working directory of the process. Standard output beyond 16 MiB is refused as
/// [`InvalidOutput`](HookToolErrorKind::InvalidOutput); of standard error the first 64 KiB are kept.
#[derive(Clone, Debug)]
pub struct ProcessHookTools {
    directories: Vec<PathBuf>,
    timeout: Duration,
    unreaped: Unreaped,
}

impl ProcessHookTools {
    /// Hook tools of the `PATH` of this process, each of which may take 60 s.
    ///
    /// Juju has no time limit of its own: a tool that waits for a lost controller waits for ever.
    #[must_use]
    pub fn new() -> Self {
        let tools = Self { directories: Vec::new(), timeout: DEFAULT_TIMEOUT, unreaped: Unreaped::default() };
        tools.with_path(env::var_os("PATH").unwrap_or_default())
    }

    /// Looks for tools in these directories instead, separated by colons as in `PATH`.
    #[must_use]
    pub fn with_path(self, path: impl AsRef<OsStr>) -> Self {
        Self { directories: env::split_paths(&path).filter(|dir| dir.is_absolute()).collect(), ..self }
    }

    /// Allows each tool this much time, unless the call says otherwise.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    fn spawn(&self, call: &HookToolCall, stdout: Stdio) -> Result<Running, HookToolError> {
        self.unreaped.reap();
        let tool = call.tool();
        let path = self.find(tool).ok_or_else(|| {
            let source = io::Error::new(io::ErrorKind::NotFound, "no such program in PATH");
            HookToolError::new(HookToolErrorKind::NotInHookContext, tool, Some(source.into()))
        })?;
        let input = call.input().filter(|input| !input.is_empty());
        let child = Command::new(path)
            .args(call.args())
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| {
                let kind = match source.kind() {
                    io::ErrorKind::NotFound => HookToolErrorKind::NotInHookContext,
                    _ => HookToolErrorKind::Failed,
                };
                HookToolError::new(kind, tool, Some(source.into()))
            })?;
        Ok(Running::new(tool, child, input.unwrap_or_default(), self.unreaped.clone()))
    }

    fn find(&self, tool: &str) -> Option<PathBuf> {
        if tool.contains('/') {
            return None;
        }
        let runs = |path: &PathBuf| {
            path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        };
        self.directories.iter().map(|directory| directory.join(tool)).find(runs)
    }
}

impl Default for ProcessHookTools {
    fn default() -> Self {
        Self::new()
    }
}

impl HookTools for ProcessHookTools {
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        self.spawn(call, Stdio::piped())?.finish(call.time_allowed(self.timeout))
    }

    /// A call with standard input is run to its end all the same: nobody would be there to feed it.
    fn start(&self, call: &HookToolCall) -> Result<PendingCall, HookToolError> {
        if call.input().is_some_and(|input| !input.is_empty()) {
            return Ok(PendingCall::finished(self.run(call).map(drop)));
        }
        Ok(PendingCall::watched(self.spawn(call, Stdio::null())?))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::fs;
    use std::time::Instant;

    use super::*;

    /// The shell under the name of a hook tool: a script without a file, which another test's fork could hold open for
    /// writing just when this one executes it.
    fn shell() -> (tempfile::TempDir, ProcessHookTools) {
        let directory = tempfile::tempdir().expect("a directory");
        std::os::unix::fs::symlink("/bin/sh", directory.path().join("a-tool")).expect("a link");
        let tools = ProcessHookTools::new().with_path(directory.path());
        (directory, tools)
    }

    fn script(script: &str) -> HookToolCall {
        HookToolCall::new("a-tool").arg("-c").arg(script)
    }

    #[track_caller]
    fn fail(call: &HookToolCall) -> HookToolError {
        let (_directory, tools) = shell();
        tools.run(call).expect_err("the tool fails")
    }

    /// Whether a process with this id exists and is not a zombie.
    fn is_alive(pid: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|state| !state.is_empty() && !state.starts_with('Z'))
    }

    fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while !holds() {
            assert!(Instant::now() < end, "not in time: {what}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn exists(pid: &str) -> bool {
        fs::exists(format!("/proc/{}", pid.trim())).unwrap_or(false)
    }

    #[test]
    fn output_of_a_success_is_returned() {
        let (_directory, tools) = shell();
        let output = tools.run(&script("echo out; echo err >&2")).expect("success");
        assert_eq!(output, HookToolOutput { stdout: b"out\n".to_vec(), stderr: b"err\n".to_vec() });
    }

    #[test]
    fn arguments_reach_the_tool_as_they_are() {
        let (_directory, tools) = shell();
        let call = script("printf '%s|' \"$@\"").arg("zero").arg("a b").arg("$HOME '\"*").arg("");
        assert_eq!(tools.run(&call).expect("success").stdout, b"a b|$HOME '\"*||");
    }

    #[test]
    fn standard_input_is_empty_unless_given() {
        let (_directory, tools) = shell();
        assert_eq!(tools.run(&script("cat")).expect("success").stdout, b"");
        assert_eq!(tools.run(&script("cat").stdin("given")).expect("success").stdout, b"given");
    }

    #[test]
    fn input_and_output_larger_than_a_pipe_pass_at_the_same_time() {
        let (_directory, tools) = shell();
        let input = vec![b'x'; 3 * 1024 * 1024 + 1];
        let output = tools.run(&script("cat").stdin(input.clone())).expect("success");
        assert!(output.stdout == input, "{} of {} bytes came back", output.stdout.len(), input.len());
    }

    #[test]
    fn a_tool_may_ignore_its_input() {
        let (_directory, tools) = shell();
        let call = script("exec <&-; echo done").stdin(vec![b'x'; 1024 * 1024]);
        assert_eq!(tools.run(&call).expect("success").stdout, b"done\n");
    }

    #[test]
    fn long_output_is_read_and_endless_output_refused() {
        let (_directory, tools) = shell();
        let ten_mib = 10 * 1024 * 1024;
        let output = tools.run(&script(&format!("head -c {ten_mib} /dev/zero"))).expect("success");
        assert_eq!(output.stdout.len(), ten_mib);

        let error = tools.run(&script("exec cat /dev/zero")).expect_err("refused");
        assert_eq!(error.kind(), HookToolErrorKind::InvalidOutput);
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("more than 16 MiB"));
    }

    #[test]
    fn long_standard_error_is_cut_and_does_not_block_the_tool() {
        let (_directory, tools) = shell();
        let output = tools.run(&script("head -c 1000000 /dev/zero >&2; echo done")).expect("success");
        assert_eq!((output.stdout.as_slice(), output.stderr.len()), (&b"done\n"[..], 64 * 1024));
    }

    #[test]
    fn exit_codes_and_signals_are_told_apart() {
        let refused = fail(&script("echo 'ERROR no relation id specified' >&2; exit 2"));
        assert_eq!((refused.kind(), refused.code()), (HookToolErrorKind::Usage, Some(2)));
        assert_eq!(refused.stderr(), "ERROR no relation id specified\n");
        let failed = fail(&script("echo 'ERROR permission denied' >&2; exit 1"));
        assert_eq!((failed.kind(), failed.code()), (HookToolErrorKind::PermissionDenied, Some(1)));
        let panicked = fail(&script("exit 3"));
        assert_eq!((panicked.kind(), panicked.code()), (HookToolErrorKind::Failed, Some(3)));
        let killed = fail(&script("kill -9 $$"));
        assert_eq!((killed.kind(), killed.code()), (HookToolErrorKind::Failed, None));
    }

    #[test]
    fn garbage_on_standard_error_is_kept_readable() {
        let error = fail(&script("printf '\\377\\376 relation not found' >&2; exit 2"));
        assert_eq!(error.kind(), HookToolErrorKind::RelationGone);
        assert!(error.stderr().starts_with('\u{fffd}'), "{error}");
    }

    #[test]
    fn a_missing_tool_means_no_hook() {
        for name in ["relation-get", "/bin/sh", "../bin/sh", ""] {
            let error = fail(&HookToolCall::new(name));
            assert_eq!(error.kind(), HookToolErrorKind::NotInHookContext, "{name:?}");
        }
    }

    #[test]
    fn files_that_cannot_be_executed_are_passed_over() {
        let (directory, _) = shell();
        let first = tempfile::tempdir().expect("a directory");
        fs::write(first.path().join("a-tool"), "not a program").expect("written");
        let path = env::join_paths([first.path(), directory.path()]).expect("a path");
        let tools = ProcessHookTools::new().with_path(path);
        assert_eq!(tools.run(&script("echo second")).expect("success").stdout, b"second\n");
    }

    #[test]
    fn a_tool_that_hangs_is_killed_and_reaped() {
        let (directory, tools) = shell();
        let pid = directory.path().join("pid");
        let hang = script(&format!("echo $$ > {}; exec sleep 60", pid.display()));
        let before = Instant::now();
        let error = tools.run(&hang.timeout(Duration::from_millis(300))).expect_err("it takes too long");
        assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
        assert_eq!(error.kind(), HookToolErrorKind::TimedOut);
        let pid = fs::read_to_string(pid).expect("it had started");
        assert!(!exists(&pid), "process {pid} is still there");
    }

    #[test]
    fn a_tool_that_closes_its_output_and_hangs_is_killed_too() {
        let error = fail(&script("exec >&- 2>&-; sleep 60").timeout(Duration::from_millis(100)));
        assert_eq!(error.kind(), HookToolErrorKind::TimedOut);
    }

    #[test]
    fn a_tool_that_never_stops_complaining_is_killed_too() {
        let before = Instant::now();
        let error = fail(&script("exec cat /dev/zero >&2").timeout(Duration::from_millis(100)));
        assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
        assert_eq!(error.kind(), HookToolErrorKind::TimedOut);
    }

    #[test]
    fn a_process_left_behind_by_a_tool_is_not_waited_for() {
        let (_directory, tools) = shell();
        let before = Instant::now();
        let output = tools.run(&script("sleep 60 & echo $!")).expect("success");
        assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
        let sleeper = String::from_utf8(output.stdout).expect("a process id");
        assert!(is_alive(&sleeper), "{sleeper:?} was meant to run on");
        let kill = HookToolCall::new("a-tool").arg("-c").arg(format!("kill {sleeper}"));
        tools.run(&kill).expect("the sleeper is cleaned up");
    }

    #[test]
    fn a_started_tool_does_not_hold_up_its_caller() {
        let (directory, tools) = shell();
        let marker = directory.path().join("marker");
        let wait = format!("while [ ! -e {0} ]; do sleep 0.01; done; exit 2", marker.display());
        let pending = tools.start(&script(&wait)).expect("it starts");
        fs::write(&marker, "").expect("written");
        let error = pending.wait(Duration::from_secs(30)).expect_err("it ends with 2");
        assert_eq!(error.code(), Some(2));
    }

    #[test]
    fn a_started_tool_tells_when_it_has_ended() {
        let (directory, tools) = shell();
        let marker = directory.path().join("marker");
        let wait = format!("while [ ! -e {0} ]; do sleep 0.01; done; exit 2", marker.display());
        let mut pending = tools.start(&script(&wait)).expect("it starts");
        assert!(!pending.is_over());
        fs::write(&marker, "").expect("written");
        wait_until("it has ended", || pending.is_over());
        assert!(pending.is_over(), "it stays so");
        let error = pending.wait(Duration::ZERO).expect_err("it ends with 2");
        assert_eq!((error.kind(), error.code()), (HookToolErrorKind::Usage, Some(2)));
    }

    #[test]
    fn a_started_tool_may_print_more_than_a_pipe_holds() {
        let (_directory, tools) = shell();
        let loud = script("head -c 1000000 /dev/zero >&2; head -c 1000000 /dev/zero; exit 2");
        let waited_for = tools.start(&loud).expect("it starts").wait(Duration::from_secs(30));
        let mut asked = tools.start(&loud).expect("it starts");
        wait_until("it has ended", || asked.is_over());
        for ended in [waited_for, asked.wait(Duration::ZERO)] {
            let error = ended.expect_err("it ends with 2");
            assert_eq!((error.code(), error.stderr().len()), (Some(2), 64 * 1024));
        }
    }

    #[test]
    fn a_started_tool_that_has_ended_is_not_held_up_by_what_it_leaves_behind() {
        let (directory, tools) = shell();
        let pid = directory.path().join("pid");
        let leave = script(&format!("sleep 60 & echo $! > {}", pid.display()));
        let mut pending = tools.start(&leave).expect("it starts");
        wait_until("it has ended", || pending.is_over());
        assert!(pending.wait(Duration::ZERO).is_ok());
        let sleeper = fs::read_to_string(pid).expect("a process id");
        assert!(is_alive(&sleeper), "{sleeper:?} was meant to run on");
        tools.run(&script(&format!("kill {sleeper}"))).expect("the sleeper is cleaned up");
    }

    #[test]
    fn a_started_tool_that_takes_too_long_is_killed() {
        let (_directory, tools) = shell();
        let pending = tools.start(&script("exec sleep 60")).expect("it starts");
        let error = pending.wait(Duration::ZERO).expect_err("it is not done");
        assert_eq!(error.kind(), HookToolErrorKind::TimedOut);
    }

    #[test]
    fn a_started_tool_gets_all_of_its_input() {
        let (directory, tools) = shell();
        let copy = directory.path().join("copy");
        let input = vec![b'x'; 1024 * 1024];
        drop(
            tools
                .start(&script(&format!("cat > {}", copy.display())).stdin(input.clone()))
                .expect("it starts"),
        );
        assert!(fs::read(copy).expect("a copy") == input);
    }

    #[test]
    fn a_dropped_call_ends_by_itself_and_is_reaped_by_a_later_one() {
        let (directory, tools) = shell();
        let marker = directory.path().join("marker");
        let pid = directory.path().join("pid");
        let wait =
            format!("while [ ! -e {} ]; do sleep 0.01; done; echo $$ > {}", marker.display(), pid.display());
        drop(tools.start(&script(&wait)).expect("it starts"));
        fs::write(&marker, "").expect("written");
        let end = Instant::now() + Duration::from_secs(30);
        let ended = |pid: &str| !pid.is_empty() && !exists(pid);
        while !ended(&fs::read_to_string(&pid).unwrap_or_default()) {
            assert!(Instant::now() < end, "it was not reaped");
            tools.run(&script(":")).expect("success");
        }
    }
}
