//! The files of the charm are its own, and few are not.

use std::fs;

use crate::unit::{EITHER_WAY, act, succeed};

#[test]
fn a_charm_may_close_all_files_and_open_its_own() {
    for way in EITHER_WAY {
        for event in [act("close-all-descriptors"), act("close-all-descriptors").env("BUFFER", "buffer")] {
            let mut juju = way();
            succeed(&mut juju, event);
            for number in 0..5 {
                let content =
                    fs::read_to_string(juju.charm_dir().join(format!("own-{number}"))).expect("written");
                assert_eq!(content, format!("file {number}\nstill file {number}\n"));
            }
        }
    }
}

#[test]
fn a_socket_of_the_charm_with_the_number_of_the_connection_is_left_alone() {
    for way in EITHER_WAY {
        succeed(&mut way(), act("replace-connection"));
    }
}

#[test]
fn programs_that_the_charm_executes_inherit_no_file() {
    for (way, count) in EITHER_WAY.into_iter().zip([2, 1]) {
        let printed = succeed(&mut way(), act("execute").env("BUFFER", "1"));
        let (open, inherited): (Vec<_>, Vec<_>) =
            printed.lines().partition(|line| line.starts_with("open: "));
        assert_eq!(open.len(), count, "{printed}");
        for file in open {
            let file = file.trim_start_matches("open: ");
            assert!(!inherited.iter().any(|line| line.contains(file)), "{printed}");
        }
    }
}

#[test]
fn there_are_no_threads_no_children_and_few_files() {
    for (way, sockets) in EITHER_WAY.into_iter().zip([1, 0]) {
        for (buffer, locks) in [(false, 0), (true, 1)] {
            let event = act("look-at-itself");
            let event = if buffer { event.env("BUFFER", "1") } else { event };
            let printed = succeed(&mut way(), event);
            let of_kind = |kind: &str| printed.lines().filter(|line| line.contains(kind)).count();
            assert_eq!((of_kind("socket:"), of_kind("/.charm_tracing_lock")), (sockets, locks), "{printed}");
            let all = sockets + locks;
            assert_eq!((printed.lines().count(), of_kind(" close-on-exec")), (all, all), "{printed}");
        }
    }
}
