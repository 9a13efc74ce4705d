//! Numbers of processes, which the system uses again.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use charm_tracing::juju::{Dispatch, HookToolCall, HookToolErrorKind};

use crate::{descriptors, system, wait_until};

static IS_HELD: AtomicBool = AtomicBool::new(false);
static GOES_ON: AtomicBool = AtomicBool::new(false);

/// Stops the thread that is interrupted, until it may go on.
extern "C" fn hold(_: libc::c_int) {
    IS_HELD.store(true, Ordering::SeqCst);
    while !GOES_ON.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Waits for a tool's process before the thread that runs the tool does, and starts another child of the same number, which
/// must live. The tool writes the file `started`, and ends when there is a file `ends`.
///
/// Only root may choose the number of a process. Prints whether that worked.
pub(crate) fn give_to_another_child(dispatch: &Dispatch) {
    // In a namespace of their own the numbers are ours alone. The charm itself stays where it is.
    let outer = system::fork(|| {
        if system::unshare(libc::CLONE_NEWPID).is_err() {
            return 3;
        }
        let init = system::fork(|| if takes_the_number_of_a_tool(dispatch) { 0 } else { 3 });
        system::wait(init, 0).expect("a child").1
    });
    match system::wait(outer, 0).expect("a child").1 {
        0 => println!("another child had the number of the tool"),
        3 => println!("this user cannot choose the number of a process"),
        code => panic!("exit code {code}"),
    }
}

fn takes_the_number_of_a_tool(dispatch: &Dispatch) -> bool {
    let runs_the_tool = system::thread();
    system::hold_when_interrupted(hold);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            wait_until("the tool has started", || Path::new("started").exists());
            // Before that, a process that gets the number would be taken for the tool. A tool does not end so early.
            wait_until("there is a pidfd", descriptors::has_pidfd);
            system::interrupt(runs_the_tool);
            wait_until("the thread that runs the tool is held", || IS_HELD.load(Ordering::SeqCst));
            fs::write("ends", "").expect("the charm directory");
            let (tool, _) = system::wait(-1, 0).expect("the tool");
            let child = system::start_with_number(tool);
            if let Ok(child) = child {
                assert_eq!(child, tool);
                wait_until("the child leads a group, as a tool does", || system::group_of(child) == child);
            }
            GOES_ON.store(true, Ordering::SeqCst);
            child.ok()
        });
        let call = HookToolCall::new("is-leader").timeout(Duration::from_secs(5));
        let error = dispatch.hook_tools().run(&call).expect_err("its end is not known");
        let Some(child) = other.join().expect("no panic") else { return false };
        assert_eq!(error.kind(), HookToolErrorKind::AnswerLost, "{error}");
        assert_eq!(
            system::wait(child, libc::WNOHANG).expect("nobody has waited for it").0,
            0,
            "it was killed"
        );
        system::kill(child);
        system::wait(child, 0).expect("it ends");
        true
    })
}
