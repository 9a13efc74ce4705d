//! Journals of dispatches that were killed.

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanId, TraceFlags, TraceId};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use rustix::io::Errno;

use super::super::disk::Fault;
use super::super::journal_file::{Recovered, UnitLock};
use super::*;
use crate::otlp::journal_format::Records;
use crate::recorder::{
    Details, JournalFile as _, JournalFormat as _, JournalStatus, Record, TraceContext, own_scope,
};

const UNIT: &str = "app/0";

fn try_to_lock(queue: &Queue) -> Option<UnitLock> {
    queue.lock_unit(Path::new("/charm"))
}

fn lock(queue: &Queue) -> UnitLock {
    try_to_lock(queue).expect("nobody else has it")
}

/// Encodes the journal of a dispatch whose root has this id and has not ended.
fn records(trace_id: u8, root: u8) -> Vec<u8> {
    let trace = TraceContext { id: TraceId::from_bytes([trace_id; 16]), flags: TraceFlags::SAMPLED };
    let mut out = Vec::new();
    let mut records = Records::begin(&mut out, &[KeyValue::new("juju_unit", UNIT)], &own_scope(), trace);
    let details = Some(Box::new(Details::named("root", Vec::new())));
    let span_id = SpanId::from_bytes([root; 8]);
    records.write(
        &mut out,
        &Record { site: None, span_id, parent: SpanId::INVALID, start: 5, end: 0, details },
        false,
    );
    out
}

/// Lets a dispatch write its journal, and kills it.
fn kill(disk: &Disk, trace_id: u8, root: u8) {
    kill_beside(disk, 0, trace_id, root);
}

/// Lets a dispatch write its journal beside as many others that are left, and kills it.
fn kill_beside(disk: &Disk, number: u32, trace_id: u8, root: u8) {
    let process = disk.process();
    let queue = unlimited(&process);
    let mut journal = queue.journal(lock(&queue), UNIT, number);
    let records = records(trace_id, root);
    let (head, rest) = records.split_at(10);
    journal.append(head).unwrap();
    journal.append(rest).unwrap();
    process.die();
}

fn recover_with(queue: &mut Queue, unit: &str) -> Result<Recovered, QueueError> {
    let lock = lock(queue);
    queue.recover(&lock, unit, now())
}

fn recover(disk: &Disk) -> u32 {
    recover_with(&mut unlimited(disk), UNIT).unwrap().traces
}

/// Reads the ids of the roots that wait, oldest first.
#[track_caller]
fn roots(disk: &Disk) -> Vec<u8> {
    let queue = unlimited(disk);
    let root = |name: TraceName| {
        let request = queue.read(name, &mut 0).unwrap().unwrap();
        let request = ExportTraceServiceRequest::decode(&*request).unwrap();
        let span = &request.resource_spans[0].scope_spans[0].spans[0];
        assert_eq!((&*span.trace_id, &*span.name), (&name.trace_id()[..], "root"));
        span.span_id[0]
    };
    queue.waiting().unwrap().into_iter().map(root).collect()
}

#[test]
fn killed_dispatch_leaves_its_trace_whenever_the_next_ones_are_killed() {
    let disk = disk_with_queue();
    kill(&disk, 1, 11);
    kill_beside(&disk, 1, 2, 22);
    disk.record_moments();
    assert_eq!(recover(&disk), 2);
    assert_eq!((recover(&disk), roots(&disk)), (0, vec![22, 11]));
    assert_eq!(names(&disk).len(), 2);
    let moments = disk.take_moments();
    assert!(moments.len() > 7, "{}", moments.len());
    for left in moments {
        recover(&left);
        left.age();
        assert_eq!(roots(&left), [22, 11]);
        assert_eq!(names(&left).len(), 2);
    }
}

#[test]
fn trace_of_the_dispatch_that_recovers_waits_after_those_it_has_recovered() {
    let disk = disk_with_queue();
    for trace_id in [1, 2, 3] {
        kill(&disk, trace_id, 11);
        let mut queue = unlimited(&disk);
        assert_eq!(recover_with(&mut queue, UNIT).unwrap().traces, 1);
        // The same millisecond, and a lower trace id.
        let own =
            queue.store(&NewTrace { trace_id: [0; 16], idle: false, request: &[trace_id] }, now(), None);
        assert_eq!(queue.waiting().unwrap().last(), Some(&own.unwrap()));
    }
}

#[test]
fn torn_journal_leaves_what_is_whole_of_it() {
    let disk = disk_with_queue();
    kill(&disk, 1, 11);
    let path = format!("{PATH}/app-0.journal");
    disk.put_file(&path, &[&disk.get(&path).unwrap()[..], b"\x12\x40half"].concat());
    kill_beside(&disk, 1, 2, 22);
    disk.put_file(format!("{PATH}/app-0.1.journal"), &records(2, 22)[..20]);
    assert_eq!((recover(&disk), roots(&disk)), (1, vec![11]));
    assert_eq!(names(&disk).len(), 2, "a trace and the state");
    let losses = unlimited(&disk).state().unwrap().losses;
    assert_eq!(losses, Losses { lost_traces: 1, ..Losses::default() }, "nothing of the second is whole");
}

#[test]
fn dispatches_that_are_always_killed_keep_to_the_limits() {
    let disk = disk_with_queue();
    let mut queue = limited(&disk, 3, u64::MAX);
    for number in 1..9 {
        kill(&disk, number, number + 10);
        assert_eq!(recover_with(&mut queue, UNIT).unwrap().traces, 1);
        assert!(queue.waiting().unwrap().len() <= 4);
    }
    assert_eq!(roots(&disk), [15, 16, 17, 18]);
    assert_eq!(queue.state().unwrap().losses.dropped_traces, 4);
    // One more is left when a dispatch is killed while it sends, until the next one has stored or sent its own.
    queue.store(&NewTrace { trace_id: [9; 16], idle: false, request: b"a" }, now(), None).unwrap();
    assert_eq!(queue.waiting().unwrap().len(), 5);
    store(&queue, "b");
    assert_eq!(queue.waiting().unwrap().len(), 3);
}

#[test]
fn recovery_drops_no_trace_that_can_be_sent() {
    let disk = disk_with_queue();
    let mut queue = limited(&disk, 3, u64::MAX);
    for text in ["a", "b", "c"] {
        store(&queue, text);
    }
    kill(&disk, 1, 11);
    let Recovered { traces, dropped, .. } = recover_with(&mut queue, UNIT).unwrap();
    assert_eq!((traces, dropped, queue.waiting().unwrap().len()), (1, 0, 4));
}

#[test]
fn journal_whose_trace_waits_is_removed_but_not_one_of_another_root() {
    let disk = disk_with_queue();
    let records = records(1, 11);
    kill(&disk, 1, 11);
    assert_eq!(recover(&disk), 1);
    kill(&disk, 1, 11);
    assert_eq!((recover(&disk), roots(&disk), names(&disk).len()), (0, vec![11], 1));
    // Dispatches below the same parent have its trace id.
    kill(&disk, 1, 12);
    assert_ne!(disk.get(format!("{PATH}/{}", names(&disk)[1])).unwrap(), records);
    assert_eq!((recover(&disk), roots(&disk), names(&disk).len()), (1, vec![11, 12], 2));
}

#[test]
fn journals_of_other_units_are_left_alone() {
    let disk = disk_with_queue();
    kill(&disk, 1, 11);
    let mut queue = unlimited(&disk);
    for unit in ["app/1", "app/00", "other/0"] {
        assert_eq!(recover_with(&mut queue, unit).unwrap().traces, 0);
    }
    assert_eq!((roots(&disk), names(&disk).len()), (vec![], 1));
    assert_eq!(recover(&disk), 1);
}

#[test]
fn dispatch_beside_another_one_writes_no_journal() {
    let disk = disk_with_queue();
    let [first, second] = [disk.process(), disk.process()].map(|process| unlimited(&process));
    let held = lock(&first);
    assert!(try_to_lock(&second).is_none());
    let mut journal = first.journal(held, UNIT, 0);
    assert!(journal.status() == JournalStatus::NotBegun && names(&disk).is_empty());
    journal.append(b"records").unwrap();
    assert_eq!(journal.status(), JournalStatus::Exists);
    journal.remove();
    assert!(journal.status() == JournalStatus::NotBegun && names(&disk).is_empty());
    drop(journal);
    assert!(try_to_lock(&second).is_some());
}

#[test]
fn journal_that_cannot_be_stored_now_is_kept_and_one_that_never_can_is_counted() {
    let disk = disk_with_queue();
    kill(&disk, 1, 11);
    disk.fail_after(2, Fault::Refused(Errno::IO));
    assert_eq!((recover(&disk), roots(&disk)), (0, vec![]));
    let mut small = limited(&disk, 9, 20);
    assert_eq!(recover_with(&mut small, UNIT).unwrap().traces, 0);
    assert_eq!((names(&disk).len() - half_made(&disk), disk.get("/charm/queue/state").is_some()), (1, true));
    assert_eq!(small.state().unwrap().losses, Losses { lost_traces: 1, ..Losses::default() });
}

#[test]
fn journal_that_the_next_dispatch_looks_for_stays_as_long_as_another_one() {
    let disk = disk_with_queue();
    kill(&disk, 1, 11);
    kill_beside(&disk, 1, 2, 22);
    let recover = || recover_with(&mut unlimited(&disk), UNIT).unwrap();
    disk.fail_after(0, Fault::Refused(Errno::IO));
    assert_eq!(recover(), Recovered { traces: 0, dropped: 0, next_journal: 2 });
    assert_eq!(names(&disk), ["app-0.1.journal", "app-0.journal"]);
    kill_beside(&disk, 2, 3, 33);
    assert_eq!(recover(), Recovered { traces: 3, dropped: 0, next_journal: 0 });
    assert_eq!(roots(&disk), [33, 22, 11]);
}

#[test]
fn end_of_the_last_dispatch_is_known_and_never_set_back() {
    let disk = disk_with_queue();
    let queue = unlimited(&disk);
    let end = |lock| queue.journal(lock, UNIT, 0).remove();
    disk.age();
    end(lock(&queue));
    let last_end = || lock(&queue).0.modified();
    let last = last_end();
    assert!(last > SystemTime::now() - Duration::from_mins(1), "{last:?}");
    let ahead = SystemTime::now() + Duration::from_hours(1);
    disk.touch("/charm/.charm_tracing_lock", ahead);
    end(lock(&queue));
    assert_eq!(last_end(), ahead);
}
