//! A charm's process is its own: what it forks, waits for and sees there is not disturbed by hook tools.
//!
//! The charm is this test's own program, started by the simulated Juju: see `as_charm`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use charm_tracing::juju::{Dispatch, HookToolErrorKind};
use charm_tracing::{Config, Session, trace_fn};
use tests::juju::{Deployment, Event, SimulatedJuju, ToolFault};

#[expect(unsafe_code, reason = "so is forking")]
mod process {
    pub(super) const SIGCHLD: i32 = 17;
    const SIG_IGN: usize = 1;

    unsafe extern "C" {
        fn fork() -> i32;
        fn _exit(code: i32) -> !;
        fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
        fn signal(signal: i32, handler: usize) -> usize;
        fn close(file: i32) -> i32;
    }

    /// Runs this in a process of its own, which exits with what it returns.
    pub(super) fn child(run: impl FnOnce() -> i32) -> i32 {
        match unsafe { fork() } {
            0 => {
                let code = run();
                unsafe { _exit(code) }
            }
            pid => pid,
        }
    }

    /// The process that has ended and its exit code; -1 if there is none.
    pub(super) fn wait() -> (i32, i32) {
        let mut status = 0;
        let pid = unsafe { waitpid(-1, &raw mut status, 0) };
        (pid, status >> 8)
    }

    pub(super) fn ignore(signal_number: i32) {
        unsafe { signal(signal_number, SIG_IGN) };
    }

    pub(super) fn close_from(first: i32) {
        for file in first..64 {
            unsafe { close(file) };
        }
    }
}

/// Over the agent's socket, and as processes.
fn either_way(check: impl Fn(&mut SimulatedJuju, bool)) {
    let charm = std::env::current_exe().unwrap();
    let script =
        format!("#!/bin/sh\nexec {} --ignored --exact as_charm --nocapture >out 2>&1\n", charm.display());
    let tool = Path::new(&charm).ancestors().nth(2).unwrap().join("hook-tool");
    for as_processes in [false, true] {
        let deployment = Deployment::of_script(&script, &tool);
        let deployment = if as_processes { deployment.tools_as_processes() } else { deployment };
        check(&mut deployment.start(), as_processes);
    }
}

fn dispatch(juju: &mut SimulatedJuju, work: &str) {
    let outcome = juju.dispatch(Event::hook("start").env("WORK", work));
    let said = std::fs::read_to_string(juju.charm_dir().join("out")).unwrap_or_default();
    assert!(outcome.success() && said.contains("1 passed"), "{work}: {outcome}\n{said}");
}

#[test]
#[ignore = "the simulated Juju starts it as the charm"]
fn as_charm() {
    let work = std::env::var("WORK").unwrap();
    let before = open_files();
    let buffer = if work == "closes" { Config::new().buffer_max_events(0) } else { Config::new() };
    let mut session = Session::start(Dispatch::from_env(), buffer);
    let dispatch = session.dispatch().clone();
    session.event(|| match work.as_str() {
        "waits" => waits(),
        "looks" => looks(&before),
        "forks" => forks(&dispatch),
        "ignores" => ignores(&dispatch),
        "closes" => closes(&dispatch),
        other => panic!("{other} is no work"),
    });
    session.finish(None);
}

#[trace_fn]
fn leads(dispatch: &Dispatch) -> bool {
    dispatch.config_get_option::<bool>("lead").unwrap().unwrap()
}

/// Whoever waits for any child gets its own, and no other.
fn waits() {
    assert_eq!(process::wait().0, -1, "there is no child");
    let child = process::child(|| 7);
    assert_eq!(process::wait(), (child, 7));
    assert_eq!(process::wait().0, -1, "there is no other");
}

fn open_files() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    // Not the directory that is just read.
    let stay = |path: &std::path::PathBuf| {
        std::fs::read_link(path).is_ok_and(|target| !target.starts_with("/proc/"))
    };
    entries.filter(stay).map(|path| path.file_name().unwrap().to_str().unwrap().parse().unwrap()).collect()
}

fn looks(before: &[i32]) {
    let children = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    assert_eq!(children, "");
    let mut open = open_files();
    open.retain(|file| !before.contains(file));
    assert!(open.len() <= 2, "{open:?}");
    for file in open {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{file}")).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
        assert_ne!(i64::from_str_radix(flags, 8).unwrap() & 0o2_000_000, 0, "{file} is not close-on-exec");
    }
}

/// A forked child asks by itself, and its parent goes on as before.
fn forks(dispatch: &Dispatch) {
    assert!(leads(dispatch));
    let child = process::child(|| if leads(dispatch) { 7 } else { 8 });
    assert!(leads(dispatch));
    assert_eq!(process::wait(), (child, 7));
    assert!(leads(dispatch));
}

/// Who ignores the end of children cannot be told how a tool's process ended, but nothing hangs or is killed for it.
fn ignores(dispatch: &Dispatch) {
    process::ignore(process::SIGCHLD);
    match dispatch.config_get_option::<bool>("lead") {
        Ok(answer) => assert_eq!(answer, Some(true)),
        Err(error) => assert_eq!(error.kind(), HookToolErrorKind::AnswerLost),
    }
    let hanging = dispatch.clone().with_patience(Duration::from_millis(200)).status_get().unwrap_err();
    assert_eq!(hanging.kind(), HookToolErrorKind::TimedOut);
    assert!(Command::new("true").spawn().is_ok());
}

/// Whoever closes all files gets their numbers for its own, and nobody else writes to those.
fn closes(dispatch: &Dispatch) {
    assert!(leads(dispatch));
    process::close_from(3);
    let files: Vec<_> =
        (0..8).map(|number| std::fs::File::create(format!("own-{number}")).unwrap()).collect();
    assert!(leads(dispatch));
    drop(files);
    for number in 0..8 {
        assert_eq!(std::fs::read(format!("own-{number}")).unwrap(), b"", "own-{number}");
    }
}

fn prepared(juju: &mut SimulatedJuju) {
    juju.model().set_config("lead", true.into());
}

#[test]
fn whoever_waits_for_any_child_gets_its_own() {
    either_way(|juju, _| dispatch(juju, "waits"));
}

#[test]
fn a_log_that_is_slow_leaves_no_child_to_be_waited_for() {
    either_way(|juju, _| {
        juju.break_tool("juju-log", ToolFault::Hangs);
        dispatch(juju, "waits");
    });
}

#[test]
fn the_handler_sees_no_child_and_two_descriptors_at_most() {
    either_way(|juju, _| {
        for _ in 0..3 {
            dispatch(juju, "looks");
        }
    });
}

#[test]
fn a_forked_child_does_not_use_its_parents_connection() {
    either_way(|juju, _| {
        prepared(juju);
        dispatch(juju, "forks");
    });
}

#[test]
fn ignored_children_are_neither_waited_for_nor_killed() {
    either_way(|juju, _| {
        prepared(juju);
        juju.break_tool("status-get", ToolFault::Hangs);
        dispatch(juju, "ignores");
    });
}

#[test]
fn files_that_got_the_numbers_of_closed_ones_are_left_alone() {
    either_way(|juju, _| {
        prepared(juju);
        dispatch(juju, "closes");
    });
}
