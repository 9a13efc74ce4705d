//! Children: the charm's own, and none else.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use charm_tracing::juju::{Dispatch, HookToolErrorKind, LogLevel};

use crate::{system, wait_until};

/// Waits for any child, and gets the one that it has started.
pub(crate) fn wait_for_child(dispatch: &Dispatch) {
    for _ in 0..3 {
        let child = system::fork(|| {
            thread::sleep(Duration::from_millis(5));
            7
        });
        // Its result depends on what is wrong with the tool.
        let _ = dispatch.juju_log(LogLevel::Info, "a line of the charm");
        dispatch.juju_log_without_waiting(LogLevel::Info, "another one");
        assert_eq!(system::wait(-1, 0).expect("a child"), (child, 7));
        assert!(system::has_no_child());
    }
    have_none(dispatch);
}

/// Waits for all children, of which there is none.
pub(crate) fn have_none(dispatch: &Dispatch) {
    let _ = dispatch.juju_log(LogLevel::Info, "a line of the charm");
    dispatch.juju_log_without_waiting(LogLevel::Info, "another one");
    let started = Instant::now();
    let nobody = system::wait(-1, 0).expect_err("no child");
    assert_eq!(nobody.raw_os_error(), Some(libc::ECHILD));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(children(), "");
}

/// The children that run, or have ended and were not waited for.
pub(crate) fn children() -> String {
    let threads = fs::read_dir("/proc/self/task").expect("Linux");
    threads
        .map(|thread| fs::read_to_string(thread.expect("an entry").path().join("children")).unwrap())
        .collect()
}

/// Lets the system forget each child when it ends, for all of the handler.
pub(crate) fn ignore(dispatch: &Dispatch) {
    system::ignore_children(true);
    for round in 0..5 {
        match dispatch.state_set([("key", round.to_string())]) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), HookToolErrorKind::AnswerLost, "{error}"),
        }
        match crate::read(dispatch) {
            Ok(value) => assert_eq!(value, round.to_string()),
            Err(error) => assert_eq!(error.kind(), HookToolErrorKind::AnswerLost, "{error}"),
        }
        // An exit code that says no is lost, too, and never taken for success.
        let error = crate::fail(dispatch);
        let known = [HookToolErrorKind::AnswerLost, HookToolErrorKind::NotFound];
        assert!(known.contains(&error.kind()), "{error}");
        assert!(system::has_no_child());
    }
}

/// Does the same while a tool hangs, which has written its number into the file `tool`.
pub(crate) fn ignore_while_a_tool_hangs(dispatch: &Dispatch) {
    system::ignore_children(true);
    let error = dispatch.is_leader().expect_err("it hangs");
    assert_eq!(error.kind(), HookToolErrorKind::TimedOut, "{error}");
    let pid = fs::read_to_string("tool").expect("it was started").trim().parse().expect("a number");
    wait_until("the tool is gone", || !system::exists(pid));
    assert!(system::has_no_child());
}

/// Has a thread that waits for all children, as a charm that is an `init` for its workload.
pub(crate) fn reap_all(dispatch: &Dispatch) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let reaper = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                // An error says that there is no child.
                let _ = system::wait(-1, libc::WNOHANG);
                thread::yield_now();
            }
        });
        for round in 0..10 {
            match dispatch.state_set([("key", round.to_string())]) {
                Ok(()) => {}
                Err(error) => assert_eq!(error.kind(), HookToolErrorKind::AnswerLost, "{error}"),
            }
        }
        // What failed is never said to have succeeded.
        for _ in 0..10 {
            let _ = crate::fail(dispatch);
        }
        stop.store(true, Ordering::Relaxed);
        reaper.join().expect("no panic");
    });
    assert!(system::has_no_child());
}
