//! A process that forks without executing another program while its spans are written down, as daemons do.

use std::fs;
use std::time::{Duration, Instant};

use charm_tracing::juju::Dispatch;
use charm_tracing::{Config, Session, trace_fn};

#[expect(unsafe_code, reason = "so is forking")]
mod process {
    unsafe extern "C" {
        fn fork() -> i32;
        fn _exit(code: i32) -> !;
        fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
        fn kill(pid: i32, signal: i32) -> i32;
    }

    /// Runs this in a process of its own.
    pub(super) fn child(run: impl FnOnce()) -> i32 {
        match unsafe { fork() } {
            0 => {
                run();
                unsafe { _exit(0) }
            }
            pid => pid,
        }
    }

    pub(super) fn has_ended(pid: i32) -> bool {
        const WNOHANG: i32 = 1;
        unsafe { waitpid(pid, std::ptr::null_mut(), WNOHANG) == pid }
    }

    pub(super) fn end(pid: i32) {
        unsafe { kill(pid, 9) };
    }
}

#[trace_fn]
fn call() {}

fn calls(count: usize) {
    for _ in 0..count {
        call();
    }
}

/// Whatever the thread that writes did in that moment, the child goes on and finishes, and takes nothing from its parent.
#[test]
fn a_process_that_is_forked_off_finishes_and_leaves_its_parents_flight_alone() {
    let directory = std::env::temp_dir().join(format!("charm-tracing-fork-{}", std::process::id()));
    fs::create_dir(&directory).unwrap();
    let flight = directory.join("buffer.flight");
    let dispatch = Dispatch::from_vars([
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_DISPATCH_PATH", "hooks/start"),
        ("JUJU_MODEL_NAME", "testing"),
        ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
    ]);
    let mut session = Some(Session::start(dispatch, Config::new().buffer_path(directory.join("buffer"))));
    let mut children = Vec::new();
    for _ in 0..40 {
        calls(300);
        children.push(process::child(|| {
            calls(100);
            session.take().map(|session| session.finish(None));
        }));
    }
    let started = Instant::now();
    let mut waiting = children.clone();
    while !waiting.is_empty() && started.elapsed() < Duration::from_secs(20) {
        waiting.retain(|child| !process::has_ended(*child));
        std::thread::sleep(Duration::from_millis(5));
    }
    waiting.iter().for_each(|child| process::end(*child));
    let written = fs::read(&flight).unwrap();
    drop(session);
    fs::remove_dir_all(&directory).unwrap();
    assert!(waiting.is_empty(), "{} of {} children hang", waiting.len(), children.len());
    assert!(written.starts_with(b"ct-flight"), "the flight was emptied");
    assert!(written.len() > 40 * 300 * 50, "{} bytes", written.len());
}
