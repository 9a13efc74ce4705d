//! The charm as a deployed unit: see its source, `src/bin/process-charm`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use charm_testing::{Event, Juju, Outcome};

const CHARM: &str = env!("CARGO_BIN_EXE_process-charm");

/// How a charm reaches its hook tools.
pub(crate) type Way = fn() -> Juju;

/// Over the agent's socket, and as processes.
pub(crate) const EITHER_WAY: [Way; 2] = [over_the_socket, as_processes];

pub(crate) fn over_the_socket() -> Juju {
    Juju::new(CHARM)
}

pub(crate) fn as_processes() -> Juju {
    over_the_socket().over_processes()
}

/// An event in which the charm does this.
pub(crate) fn act(name: &str) -> Event {
    Event::hook("start").env("ACT", name).killed_after(Duration::from_secs(40))
}

/// Starts a unit whose hook tools are processes, with the charm's program in place of this one. It runs the script of
/// [`act_with_script`].
pub(crate) fn with_shadowed_tool(tool: &str) -> Juju {
    let juju = as_processes();
    let link = juju.charm_dir().with_file_name("tools").join(tool);
    // The first dispatch links those that are not there.
    symlink(CHARM, link).expect("tools can be linked");
    juju
}

/// An event in which the charm does this, and the shadowed tool is this shell script.
pub(crate) fn act_with_script(name: &str, script: &str) -> Event {
    act(name).env("SHADOWED_BY", script)
}

/// Dispatches an event, and asserts that the hook succeeds and leaves no process. Returns what the charm printed.
#[track_caller]
pub(crate) fn succeed(juju: &mut Juju, event: Event) -> String {
    let outcome = juju.dispatch(event);
    assert_succeeded(juju, &outcome);
    outcome.stdout
}

#[track_caller]
pub(crate) fn assert_succeeded(juju: &Juju, outcome: &Outcome) {
    assert!(outcome.success(), "{outcome}");
    assert_eq!(outcome.stderr, "", "{outcome}");
    assert_nothing_runs_in(&juju.charm_dir());
}

/// Asserts that soon no process is in the directory: a killed one that nobody waits for is gone when the system gets to it.
#[track_caller]
fn assert_nothing_runs_in(directory: &Path) {
    const LONGEST: Duration = Duration::from_secs(10);
    let started = Instant::now();
    loop {
        let mut processes =
            fs::read_dir("/proc").expect("Linux").map(|entry| entry.expect("an entry").path());
        let left = processes.find(|path| fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd == directory));
        let Some(left) = left else { return };
        let status = fs::read_to_string(left.join("status"));
        assert!(started.elapsed() < LONGEST, "a process is left: {status:?}");
        thread::sleep(Duration::from_millis(5));
    }
}
