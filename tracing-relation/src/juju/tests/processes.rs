//! Hook tools as processes.

use super::*;
use crate::juju::{HookToolError, HookToolErrorKind};

fn tools() -> (tempfile::TempDir, AgentHookTools) {
    let directory = shell();
    let tools = AgentHookTools::from_env().without_socket().with_path(directory.path());
    (directory, tools)
}

#[track_caller]
fn fail(call: &HookToolCall) -> HookToolError {
    let (_directory, tools) = tools();
    tools.run(call).expect_err("a failure")
}

fn exists(pid: &str) -> bool {
    fs::exists(format!("/proc/{}", pid.trim())).unwrap_or(false)
}

/// Returns true if the process is there, and not only its remains.
fn is_alive(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.trim())).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z') && !line.contains('X'))
}

#[test]
fn a_signal_is_no_exit_code() {
    let killed = fail(&script("kill -9 $$"));
    assert_eq!((killed.kind(), killed.code()), (HookToolErrorKind::Failed, None));
}

#[test]
fn files_that_cannot_be_executed_are_passed_over() {
    let (directory, _) = tools();
    let first = tempfile::tempdir().expect("a directory");
    fs::write(first.path().join("a-tool"), "not a program").expect("written");
    let path = std::env::join_paths([first.path(), directory.path()]).expect("a path");
    let tools = AgentHookTools::from_env().without_socket().with_path(path);
    assert_eq!(run(&tools, &script("echo second")), "second\n");
}

#[test]
fn a_tool_that_hangs_is_killed_and_reaped_with_all_that_it_has_started() {
    let (directory, tools) = tools();
    let pids = directory.path().join("pids");
    let hang = script(&format!("sleep 60 & echo $$ $! > {}; wait", pids.display()));
    let before = Instant::now();
    let error = tools.run(&hang.timeout(Duration::from_millis(300))).expect_err("it takes too long");
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
    assert_eq!(error.kind(), HookToolErrorKind::TimedOut);
    let pids = fs::read_to_string(pids).expect("it had started");
    let (tool, sleeper) = pids.trim().split_once(' ').expect("two process ids");
    assert!(!exists(tool), "process {tool} is still there");
    // Whoever inherits it reaps it.
    wait_until("what the tool has started is gone", || !is_alive(sleeper));
}

#[test]
fn a_tool_that_closes_its_output_and_hangs_is_killed_too() {
    let error = fail(&script("exec >&- 2>&-; sleep 60").timeout(Duration::from_millis(100)));
    assert_eq!(error.kind(), HookToolErrorKind::TimedOut);
}

#[test]
fn a_tool_that_never_stops_printing_is_killed_too() {
    let before = Instant::now();
    let error = fail(&script("exec cat /dev/zero >&2").timeout(Duration::from_millis(100)));
    assert_eq!(error.kind(), HookToolErrorKind::TimedOut);
    let error = fail(&script("exec cat /dev/zero"));
    assert_eq!(error.kind(), HookToolErrorKind::InvalidOutput);
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
}

#[test]
fn a_process_left_behind_by_a_tool_that_succeeds_is_not_waited_for() {
    let (_directory, tools) = tools();
    let before = Instant::now();
    let sleeper = run(&tools, &script("sleep 60 & echo $!"));
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
    assert!(is_alive(&sleeper), "{sleeper:?} was meant to run on");
    run(&tools, &script(&format!("kill {sleeper}")));
}

#[test]
fn a_tool_that_is_sent_has_ended() {
    let (directory, tools) = tools();
    let pid = directory.path().join("pid");
    tools.send(&script(&format!("sleep 0.1; echo $$ > {}", pid.display()))).expect("success");
    let pid = fs::read_to_string(pid).expect("a process id");
    assert!(!exists(&pid), "process {pid} is still there");
}
