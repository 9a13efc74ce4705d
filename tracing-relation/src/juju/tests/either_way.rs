//! Promises that hold whether a hook tool is a process, or the agent is asked over its socket.

use std::error::Error;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use super::*;
use crate::juju::testing::ToolResult;
use crate::juju::{HookToolError, HookToolErrorKind, HookToolOutput};

/// Asks for a tool as a process, and over the socket an agent that runs the same program.
fn both(call: &HookToolCall) -> [Result<HookToolOutput, HookToolError>; 2] {
    let directory = shell();
    let process = AgentHookTools::from_env().without_socket().with_path(directory.path()).run(call);
    let directory = jujus_own();
    let _agent = listen(directory.path(), run_a_shell);
    let over_socket = tools_of(directory.path()).run(call);
    assert!(!directory.path().join("ran").exists(), "a process was started");
    [process, over_socket]
}

fn run_a_shell(request: AgentRequest) -> AgentAnswer {
    if request.args.iter().any(|arg| arg.contains("sleep 60")) {
        return AgentAnswer::Hangs;
    }
    if request.args.iter().any(|arg| arg.contains("cat")) && request.stdin.is_none() {
        return AgentAnswer::NeedsStdin;
    }
    let mut command = Command::new("/bin/sh");
    command.args(&request.args).current_dir(&request.directory).env("PATH", "/usr/bin:/bin");
    let mut child = (command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()))
        .spawn()
        .expect("a shell");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = request.stdin.unwrap_or_default();
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("an end");
    feeder.join().expect("no panic");
    let code = output.status.code().or(output.status.signal().map(|signal| 128 + signal)).expect("an end");
    AgentAnswer::Done(ToolResult { code, stdout: output.stdout, stderr: output.stderr })
}

#[track_caller]
fn succeed(call: &HookToolCall) -> HookToolOutput {
    let [process, over_socket] = both(call).map(|result| result.expect("success"));
    assert!(process.pid.is_some() && over_socket.pid.is_none());
    let process = HookToolOutput { pid: None, ..process };
    assert_eq!(process, over_socket);
    process
}

#[track_caller]
fn fail(call: &HookToolCall) -> HookToolError {
    let [process, over_socket] = both(call).map(|result| result.expect_err("a failure"));
    assert_eq!(
        (process.to_string(), process.kind(), process.code(), process.stderr()),
        (over_socket.to_string(), over_socket.kind(), over_socket.code(), over_socket.stderr())
    );
    assert!((process.code().is_none() || process.pid().is_some()) && over_socket.pid().is_none());
    let causes = [&process, &over_socket].map(|error| error.source().map(ToString::to_string));
    assert_eq!(causes[0], causes[1]);
    process
}

#[test]
fn output_of_a_success_is_returned() {
    let output = succeed(&script("echo out; echo err >&2"));
    assert_eq!(output, HookToolOutput { stdout: b"out\n".to_vec(), stderr: b"err\n".to_vec(), pid: None });
    assert_eq!(succeed(&script("true")), HookToolOutput::default());
}

#[test]
fn arguments_reach_the_tool_as_they_are() {
    let call = script("printf '%s|' \"$@\"").arg("zero").arg("a b").arg("$HOME '\"*").arg("").arg("é");
    assert_eq!(succeed(&call).stdout, "a b|$HOME '\"*||é|".as_bytes());
}

#[test]
fn an_argument_with_a_nul_is_refused() {
    let error = fail(&script("true").arg("a\0b"));
    assert_eq!(error.kind(), HookToolErrorKind::Failed);
}

#[test]
fn the_tool_runs_in_the_working_directory() {
    let here = std::env::current_dir().expect("a directory");
    assert_eq!(succeed(&script("pwd -P")).stdout, format!("{}\n", here.display()).as_bytes());
}

#[test]
fn standard_input_is_empty_unless_given() {
    assert_eq!(succeed(&script("cat")).stdout, b"");
    assert_eq!(succeed(&script("cat").stdin("")).stdout, b"");
    assert_eq!(succeed(&script("cat").stdin("given")).stdout, b"given");
}

#[test]
fn input_and_output_larger_than_a_pipe_pass_at_the_same_time() {
    let input = vec![b'x'; 3 * 1024 * 1024 + 1];
    let output = succeed(&script("cat").stdin(input.clone()));
    assert!(output.stdout == input, "{} of {} bytes came back", output.stdout.len(), input.len());
}

#[test]
fn a_tool_may_ignore_its_input() {
    let call = script("exec <&-; echo done").stdin(vec![b'x'; 1024 * 1024]);
    assert_eq!(succeed(&call).stdout, b"done\n");
}

#[test]
fn long_output_is_read_and_longer_output_refused() {
    let bytes = |count: usize| script(&format!("head -c {count} /dev/zero"));
    assert_eq!(succeed(&bytes(16 * 1024 * 1024)).stdout.len(), 16 * 1024 * 1024);
    for too_many in [16 * 1024 * 1024 + 1, 40_000_000] {
        let error = fail(&bytes(too_many));
        assert_eq!(error.kind(), HookToolErrorKind::InvalidOutput);
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("more than 16 MiB"));
    }
}

#[test]
fn long_standard_error_is_cut() {
    let output = succeed(&script("head -c 1000000 /dev/zero >&2; echo done"));
    assert_eq!((output.stdout.as_slice(), output.stderr.len()), (&b"done\n"[..], 64 * 1024));
}

#[test]
fn exit_codes_are_told_apart() {
    let refused = fail(&script("echo 'ERROR no relation id specified' >&2; exit 2"));
    assert_eq!((refused.kind(), refused.code()), (HookToolErrorKind::Usage, Some(2)));
    assert_eq!(refused.stderr(), "ERROR no relation id specified\n");
    let failed = fail(&script("echo out; echo 'ERROR permission denied' >&2; exit 1"));
    assert_eq!((failed.kind(), failed.code()), (HookToolErrorKind::PermissionDenied, Some(1)));
    for code in [3, 126, 255] {
        let odd = fail(&script(&format!("exit {code}")));
        assert_eq!((odd.kind(), odd.code()), (HookToolErrorKind::Failed, Some(code)));
    }
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
fn a_tool_that_takes_too_long_is_given_up() {
    let before = Instant::now();
    let call = script("exec sleep 60").timeout(Duration::from_millis(300));
    assert_eq!(fail(&call).kind(), HookToolErrorKind::TimedOut);
    assert_eq!(fail(&call.timeout(Duration::ZERO)).kind(), HookToolErrorKind::TimedOut);
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
}
