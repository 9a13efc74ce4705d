//! The journal of a dispatch is there as long as its trace is nowhere else, and no longer.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::recorder::{JournalFile, JournalStatus};

/// A journal in memory.
#[derive(Debug)]
struct Journal {
    exists: Arc<AtomicBool>,
    /// The path still leads to it.
    within_reach: bool,
}

impl JournalFile for Journal {
    fn append(&mut self, _: &[u8]) -> io::Result<()> {
        panic!("the dispatch is over")
    }

    fn status(&self) -> JournalStatus {
        match (self.within_reach, self.exists.load(Ordering::SeqCst)) {
            (false, _) => JournalStatus::OutOfReach,
            (true, true) => JournalStatus::Exists,
            (true, false) => JournalStatus::Gone,
        }
    }

    fn remove(&mut self) {
        self.exists.store(false, Ordering::SeqCst);
    }
}

/// A unit whose dispatch has written a journal, and a queue that cannot be used if `refused`.
struct Journaled {
    unit: Unit,
    journal: Arc<AtomicBool>,
}

impl Journaled {
    fn new(refused: bool) -> Self {
        let unit = Unit::new();
        if refused {
            std::os::unix::fs::symlink("/", &unit.path).unwrap();
        }
        Self { unit, journal: Arc::new(AtomicBool::new(true)) }
    }

    fn deliver(&self, within_reach: bool, destination: Option<&Destination>) -> DeliveryReport {
        let journal = Journal { exists: Arc::clone(&self.journal), within_reach };
        let request = &b"a"[..];
        let trace = Trace { journal: Some(Box::new(journal)), ..trace(request) };
        self.unit.deliver(trace, destination)
    }

    /// A backend that notes for each request whether the journal was there.
    fn backend(&self, reply: Reply) -> (Server, Arc<AtomicBool>) {
        let (journal, was_there) = (Arc::clone(&self.journal), Arc::new(AtomicBool::new(false)));
        let noted = Arc::clone(&was_there);
        let server = Server::scripted(move |_, _| {
            noted.store(journal.load(Ordering::SeqCst), Ordering::SeqCst);
            reply.clone()
        });
        (server, was_there)
    }

    fn is_there(&self) -> bool {
        self.journal.load(Ordering::SeqCst)
    }
}

#[test]
fn of_a_stored_trace_is_removed_before_anything_is_sent() {
    for reply in [Reply::OK, Reply::status(503)] {
        let journaled = Journaled::new(false);
        let (server, was_there) = journaled.backend(reply);
        let report = journaled.deliver(true, Some(&server.destination()));
        assert!(!report.lost && report.arrives, "{report:?}");
        assert_eq!(server.texts(), ["a"]);
        assert!(!was_there.load(Ordering::SeqCst) && !journaled.is_there());
    }
}

#[test]
fn of_a_trace_that_cannot_be_stored_is_removed_once_the_backend_is_done_with_it() {
    for (reply, delivered, refused) in [(Reply::OK, 1, 0), (Reply::status(400), 0, 1)] {
        let journaled = Journaled::new(true);
        let (server, was_there) = journaled.backend(reply);
        let report = journaled.deliver(true, Some(&server.destination()));
        assert_eq!(
            (report.delivered, report.refused, report.lost),
            (delivered, refused, false),
            "{report:?}"
        );
        assert!(was_there.load(Ordering::SeqCst) && !journaled.is_there());
        assert_eq!((report.waiting, report.arrives), (0, delivered == 1), "{report:?}");
    }
}

#[test]
fn of_a_trace_that_is_neither_stored_nor_taken_stays_and_the_trace_is_not_lost() {
    let journaled = Journaled::new(true);
    let (server, _) = journaled.backend(Reply::status(503));
    for destination in [Some(server.destination()), None] {
        let report = journaled.deliver(true, destination.as_ref());
        assert_eq!((report.delivered, report.waiting), (0, 1), "{report:?}");
        assert!(report.buffered && !report.arrives && !report.lost, "{report:?}");
        assert!(journaled.is_there());
    }
    assert_eq!(server.texts(), ["a"]);
}

/// The next dispatch finds the journal, and would send the trace once more.
#[test]
fn that_cannot_be_reached_any_more_keeps_the_trace_from_being_sent() {
    let journaled = Journaled::new(true);
    let (server, _) = journaled.backend(Reply::OK);
    let report = journaled.deliver(false, Some(&server.destination()));
    assert_eq!((report.delivered, report.waiting), (0, 1), "{report:?}");
    assert!(report.buffered && !report.arrives && !report.lost, "{report:?}");
    assert!(server.texts().is_empty() && journaled.is_there());
}

#[test]
fn that_is_gone_with_the_directory_does_not_keep_the_trace_from_being_sent() {
    let journaled = Journaled::new(true);
    let (server, _) = journaled.backend(Reply::OK);
    journaled.journal.store(false, Ordering::SeqCst);
    let report = journaled.deliver(true, Some(&server.destination()));
    assert_eq!((report.delivered, report.lost), (1, false), "{report:?}");
    assert_eq!(server.texts(), ["a"]);
}
