//! A queue that cannot be used, or not all of it.

use std::os::unix::fs::{chown, symlink};

use super::*;

/// Checks that the trace of a dispatch is sent from memory, and why it is.
fn is_sent_from_memory(unit: &Unit, what: &str) {
    let server = Server::always(Reply::OK);
    let report = unit.dispatch("a", Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (1, 0), "{report:?}");
    assert!(!report.buffered && !report.lost && report.arrives, "{report:?}");
    let expected = format!("cannot keep traces in {}: it is {what}", unit.path.display());
    assert_eq!(problem(&report), expected);
    assert!(report.problem.is_some_and(|problem| problem.is_refused_queue()));
    assert_eq!(server.texts(), ["a"]);

    let report = unit.dispatch("b", None);
    assert!(report.lost && !report.buffered && !report.arrives, "{report:?}");
}

#[test]
fn symbolic_link_in_place_of_the_directory_is_refused_and_the_trace_sent_directly() {
    let (unit, elsewhere) = (Unit::new(), tempfile::tempdir().unwrap());
    symlink(elsewhere.path(), &unit.path).unwrap();
    is_sent_from_memory(&unit, "a symbolic link");
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn directory_of_another_user_is_refused_and_the_trace_sent_directly() {
    let unit = Unit::new();
    std::fs::create_dir(&unit.path).unwrap();
    if chown(&unit.path, Some(12_345), None).is_err() {
        return eprintln!("not run: only root can give a directory away");
    }
    is_sent_from_memory(&unit, "another user's");
    assert_eq!(std::fs::read_dir(&unit.path).unwrap().count(), 0);
}

/// A charm whose user has changed finds such files.
#[test]
fn file_that_cannot_be_read_does_not_hold_up_the_others() {
    let (unit, server) = (Unit::new(), Server::always(Reply::OK));
    unit.store(&["a"]);
    let file = unit.path.join(format!("{:016}-{:032x}-{:08x}.otlp", 1, 2, 3));
    // No file of the queue is so large, so it is not read.
    std::fs::File::create(&file).unwrap().set_len(65 << 20).unwrap();
    let report = unit.dispatch("b", Some(&server.destination()));
    assert_eq!(report.delivered, 2, "{report:?}");
    assert!(problem(&report).starts_with(&format!("cannot read {}: ", file.display())), "{report:?}");
    assert_eq!(server.texts(), ["a", "b"]);
    assert_eq!((report.lost, report.waiting), (false, 1), "{report:?}");
}

#[test]
fn other_traces_are_counted_when_one_is_too_large_to_wait() {
    let unit = Unit::with_limits(10, 1000);
    unit.store(&["a", "b"]);
    let report = unit.dispatch(&"x".repeat(2000), None);
    assert_eq!((report.lost, report.waiting), (true, 2), "{report:?}");
}
