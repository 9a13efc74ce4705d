//! Forked children that use hook tools as their parent does.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{self, Command};
use std::time::Duration;
use std::{fs, thread};

use charm_tracing::juju::{Dispatch, HookToolCall, HookToolErrorKind};

use crate::{read, store_and_read, system, wait_until};

/// Children use hook tools and end in each way that there is; the parent uses them between, while and after.
pub(crate) fn fork(dispatch: &Dispatch) {
    let ends: [fn() -> i32; 3] = [
        || 0,
        || process::exit(0),
        || {
            let error = Command::new("/bin/sh").args(["-c", "exit 0"]).exec();
            panic!("cannot execute: {error}")
        },
    ];
    store_and_read(dispatch, "parent");
    for (number, end) in ends.into_iter().enumerate() {
        let value = format!("child {number}");
        let child = system::fork(|| {
            assert_eq!(read(dispatch).expect("state-get"), "parent");
            store_and_read(dispatch, &value);
            dispatch.juju_log_without_waiting(charm_tracing::juju::LogLevel::Info, &value);
            end()
        });
        // Neither waits for the other, and neither gets the other's answers.
        for round in 0..10 {
            let error = crate::fail(dispatch);
            assert_eq!(error.kind(), HookToolErrorKind::NotFound, "{round}: {error}");
        }
        assert_eq!(system::wait(child, 0).expect("a child"), (child, 0));
        assert_eq!(read(dispatch).expect("state-get"), value);
        store_and_read(dispatch, "parent");
    }
}

/// Both processes go on to the end of the charm. The parent waits for the child first.
pub(crate) fn fork_and_go_on(dispatch: &Dispatch) {
    store_and_read(dispatch, "parent");
    let (is_child, child) = system::is_child();
    if is_child {
        store_and_read(dispatch, "child");
        return;
    }
    // Until all that the child drops is dropped.
    assert_eq!(system::wait(child, 0).expect("a child"), (child, 0));
    assert_eq!(read(dispatch).expect("state-get"), "child");
    store_and_read(dispatch, "parent");
}

/// Forks while a thread waits for the answer of `status-get`, which hangs.
pub(crate) fn fork_during_a_call(dispatch: &Dispatch) {
    store_and_read(dispatch, "parent");
    thread::scope(|scope| {
        let call = HookToolCall::new("status-get").timeout(Duration::from_millis(1500));
        let slow = scope.spawn(move || dispatch.hook_tools().run(&call).expect_err("it hangs"));
        // Most of these are in the middle of the call.
        for round in 0..5 {
            thread::sleep(Duration::from_millis(50));
            let value = format!("child {round}");
            let child = system::fork(|| {
                store_and_read(dispatch, &value);
                dispatch.flush_log();
                0
            });
            assert_eq!(system::wait(child, 0).expect("a child"), (child, 0));
        }
        assert!(!slow.is_finished(), "the children were quicker");
        assert_eq!(slow.join().expect("no panic").kind(), HookToolErrorKind::TimedOut);
    });
    assert_eq!(read(dispatch).expect("state-get"), "child 4");
}

/// Leaves a process in a session of its own, which uses hook tools while the charm handles its event.
pub(crate) fn become_a_daemon(dispatch: &Dispatch) {
    store_and_read(dispatch, "parent");
    let child = system::fork(|| {
        system::new_session();
        system::fork(|| {
            store_and_read(dispatch, "daemon");
            fs::write("daemon", "").expect("the charm directory");
            // Its hook tools outlive nobody: it does not touch what the charm has.
            0
        });
        0
    });
    assert_eq!(system::wait(child, 0).expect("a child"), (child, 0));
    let error = crate::fail(dispatch);
    assert_eq!(error.kind(), HookToolErrorKind::NotFound, "{error}");
    wait_until("the daemon has used its hook tools", || Path::new("daemon").exists());
    assert_eq!(read(dispatch).expect("state-get"), "daemon");
    store_and_read(dispatch, "parent");
}
