//! Whatever the charm does with its process, its trace waits where it should, and arrives once.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju, queue};

use crate::unit::{EITHER_WAY, act, assert_succeeded};

/// Runs a dispatch in which the charm does the first, and one in which it does the second and knows of a backend. Asserts that
/// both traces arrive once, also where the first knows of the backend as well. Looks at each unit and what the charm printed
/// between the two dispatches.
#[track_caller]
fn each_trace_arrives_once(acts: [&str; 2], buffer: &str, look: impl Fn(&Juju, &str)) {
    for way in EITHER_WAY {
        for knows_backend in [false, true] {
            let collector = Collector::start();
            let mut juju = way();
            let unit = juju.charm_dir().parent().expect("the unit's directory").to_owned();
            // Whoever is no root any more sees the directory, and may write to it.
            for directory in [unit, juju.charm_dir()] {
                fs::set_permissions(directory, PermissionsExt::from_mode(0o777)).expect("it is ours");
            }
            let [first, second] = acts.map(|name| act(name).env("BUFFER", buffer));
            let with_backend = |event: Event| event.env("TRACE_ENDPOINT", &collector.endpoint());
            let first = if knows_backend { with_backend(first) } else { first };
            let first = juju.dispatch(first);
            assert_succeeded(&juju, &first);
            look(&juju, &first.stdout);
            let second = juju.dispatch(with_backend(second));
            assert_succeeded(&juju, &second);
            let ids = [first, second].map(|outcome| outcome.trace_id().expect("a trace"));
            assert_eq!(collector.trace_ids(), ids, "{acts:?}, {knows_backend}");
            collector.trace().check().expect("whole traces");
        }
    }
}

fn waiting(juju: &Juju, buffer: &str) -> usize {
    queue::waiting(&juju.charm_dir().join(buffer))
}

/// Asserts that nothing of the queue is there.
fn assert_nothing_in(directory: &Path) {
    assert_eq!(fs::read_dir(directory).expect("the charm has made it").count(), 0);
}

#[test]
fn a_charm_may_wait_for_sigterm() {
    each_trace_arrives_once(["wait-for-sigterm", "nothing"], "buffer", |_, _| {});
}

#[test]
fn a_charm_may_enter_namespaces() {
    each_trace_arrives_once(["change-namespaces", "nothing"], "buffer", |_, printed| {
        assert!(printed == "changed\n" || printed.starts_with("this user cannot"), "{printed}");
    });
}

#[test]
fn the_directories_above_the_queue_are_the_charms_to_make() {
    each_trace_arrives_once(["make-own-directories", "nothing"], "state/traces/buffer", |juju, _| {
        assert!(juju.charm_dir().join("state/traces/buffer").is_dir());
    });
}

#[test]
fn a_charm_may_unmount_the_storage_on_which_the_queue_is() {
    each_trace_arrives_once(["unmount", "nothing"], "storage/buffer", |juju, printed| {
        assert!(printed.is_empty() || printed.starts_with("this user cannot"), "{printed}");
        // What is stored after it is below the storage.
        assert!(juju.charm_dir().join("storage/buffer").is_dir());
    });
}

#[test]
fn a_charm_may_close_the_files_of_the_queue() {
    each_trace_arrives_once(["close-all-descriptors", "nothing"], "buffer", |_, _| {});
}

#[test]
fn a_charm_may_move_to_another_directory() {
    each_trace_arrives_once(["change-directory", "nothing"], "buffer", |juju, _| {
        assert_nothing_in(&juju.charm_dir().join("elsewhere"));
    });
}

/// The journal is where the trace is then, so the next dispatch finds it.
#[test]
fn a_charm_may_change_its_root() {
    each_trace_arrives_once(["hide-in-another-root", "nothing"], "buffer", |juju, printed| match printed {
        "changed\n" => assert_nothing_in(&juju.charm_dir().join("empty")),
        cannot => assert_eq!(cannot, "this user cannot\n"),
    });
}

#[test]
fn a_charm_may_become_another_user() {
    each_trace_arrives_once(["drop-privileges", "nothing"], "buffer", |_, _| {});
}

#[test]
fn a_charm_whose_files_nobody_may_read_reads_them_itself() {
    each_trace_arrives_once(["forbid-everything"; 2], "buffer", |juju, _| {
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        let buffer = juju.charm_dir().join("buffer");
        assert_eq!(mode(&buffer), 0o700);
        for trace in queue::traces(&buffer) {
            assert_eq!(mode(&trace.path), 0o600);
        }
    });
}

#[test]
fn both_processes_may_finish_after_a_fork() {
    each_trace_arrives_once(["fork-and-go-on", "nothing"], "buffer", |_, _| {});
}

/// The session is that of the process that has ended, so its trace is one that was interrupted.
#[test]
fn a_charm_may_go_on_in_the_background() {
    each_trace_arrives_once(["daemonize", "nothing"], "buffer", |juju, _| {
        let buffer = juju.charm_dir().join("buffer");
        assert_eq!((queue::waiting(&buffer), queue::journals(&buffer).len()), (0, 1));
    });
}

#[test]
fn without_locks_each_trace_arrives_once() {
    for error in [libc::ENOLCK, libc::EOPNOTSUPP, libc::ENOSYS, libc::EINVAL] {
        for way in EITHER_WAY {
            let (collector, mut juju) = (Collector::start(), way());
            let event = || {
                let event = act("trace").env("BUFFER", "buffer");
                event.env("LOCKS_FAIL", &error.to_string())
            };
            let mut ids = Vec::new();
            for waiting_then in 1..=3 {
                let outcome = juju.dispatch(event());
                assert_succeeded(&juju, &outcome);
                ids.push(outcome.trace_id().expect("a trace"));
                assert_eq!(waiting(&juju, "buffer"), waiting_then);
            }
            let outcome = juju.dispatch(event().env("TRACE_ENDPOINT", &collector.endpoint()));
            assert_succeeded(&juju, &outcome);
            ids.push(outcome.trace_id().expect("a trace"));
            assert_eq!(collector.trace_ids(), ids);
        }
    }
}
