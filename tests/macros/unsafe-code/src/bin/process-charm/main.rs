//! A charm that does with its process what a charm may do, and asserts that nothing of tracing is in its way.
//!
//! `ACT` names what the handler does; an assertion that fails makes the hook fail. `BUFFER` is where traces wait, below the
//! charm directory; without it they do not. `LOCKS_FAIL` is the number of the error that every lock of a file ends with, and
//! `TOOL_MILLISECONDS` is how long each hook tool may take. With `SHADOWED_BY`, the program is that shell script under the name of a
//! hook tool.
#![expect(clippy::print_stdout, reason = "the descriptors are what tests look at")]

mod agent;
mod children;
mod descriptors;
mod forks;
mod logger;
mod process_ids;
mod queue;
mod system;

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use charm_tracing::juju::{Dispatch, HookToolCall, HookToolError};
use charm_tracing::{Config, Destination, Session};

/// How long a test waits for what happens at once unless the machine is busy.
const LONGEST: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    if let Ok(script) = env::var("SHADOWED_BY")
        && !env::args().next().is_some_and(|name| name.ends_with("/dispatch"))
    {
        let error = Command::new("/bin/sh").args(["-c", &script]).exec();
        panic!("cannot be a script: {error}");
    }
    let act = env::var("ACT").unwrap_or_default();
    if act == "print-descriptors" {
        descriptors::of_this_process().iter().for_each(|descriptor| println!("{descriptor}"));
        return ExitCode::SUCCESS;
    }
    descriptors::begin();
    let dispatch = tests::impatient(&Dispatch::from_env());
    if act == "log-by-juju" {
        logger::install(&dispatch);
    }
    let config = Config::new().charm_type("ProcessCharm");
    let config = match dispatch.var("BUFFER") {
        Some(path) => config.buffer_path(dispatch.charm_dir().join(path)),
        None => config.buffer_max_events(0),
    };
    queue::prepare(&act);
    let destination = dispatch.var("TRACE_ENDPOINT").map(|endpoint| Destination::new(endpoint, None));
    let mut session = Session::start(dispatch, config);
    let dispatch = session.dispatch().clone();
    let mut after: Option<Box<dyn FnOnce()>> = None;
    session.event(|| match act.as_str() {
        "wait-for-child" => children::wait_for_child(&dispatch),
        "have-none" => children::have_none(&dispatch),
        "ignore-children" => children::ignore(&dispatch),
        "ignore-children-while-a-tool-hangs" => children::ignore_while_a_tool_hangs(&dispatch),
        "reap-all-children" => children::reap_all(&dispatch),
        "give-a-tools-number-to-another-child" => process_ids::give_to_another_child(&dispatch),
        "close-all-descriptors" => descriptors::close_all(&dispatch),
        "replace-connection" => after = Some(Box::new(descriptors::replace_connection(&dispatch))),
        "execute" => descriptors::execute(&dispatch),
        "look-at-itself" => descriptors::look_at_itself(&dispatch),
        "fork" => forks::fork(&dispatch),
        "fork-and-go-on" => forks::fork_and_go_on(&dispatch),
        "fork-during-a-call" => forks::fork_during_a_call(&dispatch),
        "become-a-daemon" => forks::become_a_daemon(&dispatch),
        "lose-an-answer" => agent::lose_an_answer(&dispatch),
        "outlive-the-agent" => agent::outlive(&dispatch),
        "drop-privileges" => agent::after(&dispatch, system::become_nobody),
        "change-root" => agent::after(&dispatch, system::change_root),
        "leave-the-network" => agent::after(&dispatch, system::leave_the_network),
        "log-by-juju" => logger::log(&dispatch),
        "wait-for-sigterm" => queue::wait_for_sigterm(),
        "change-namespaces" => queue::change_namespaces(),
        "make-own-directories" => queue::make_own_directories(),
        "unmount" => queue::unmount(),
        "change-directory" => queue::change_directory(),
        "hide-in-another-root" => queue::hide_in_another_root(),
        "daemonize" => queue::daemonize(),
        "trace" | "forbid-everything" => queue::steps(100),
        "nothing" => {}
        _ => panic!("there is no {act:?}"),
    });
    session.finish(destination);
    drop(dispatch);
    if let Some(check) = after {
        check();
    }
    ExitCode::SUCCESS
}

/// Stores a value and reads it again, with two hook tools.
fn store_and_read(dispatch: &Dispatch, value: &str) {
    dispatch.state_set([("key", value)]).expect("state-set");
    assert_eq!(read(dispatch).expect("state-get"), value);
}

fn read(dispatch: &Dispatch) -> Result<String, HookToolError> {
    dispatch.state_get_value("key").map(|value| value.expect("it was stored"))
}

/// Runs a hook tool that always fails: Juju holds no such value.
fn fail(dispatch: &Dispatch) -> HookToolError {
    let call = HookToolCall::new("state-get").arg("--strict").arg("missing");
    dispatch.hook_tools().run(&call).expect_err("a failure")
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LONGEST, "not within {LONGEST:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
