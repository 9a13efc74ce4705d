use rustix::io::Errno;

use super::super::disk::Fault;
use super::super::file_system::Locking;
use super::*;

fn stored(queue: &Queue, all: &[(&str, bool)]) -> Vec<String> {
    for (text, idle) in all {
        store_at(queue, text, *idle, now()).unwrap();
    }
    texts(queue)
}

#[test]
fn idle_traces_make_room_first_then_the_oldest() {
    let queue = limited(&disk_with_queue(), 3, 1000);
    assert_eq!(stored(&queue, &[("a", false), ("b", true), ("c", false), ("d", false)]), ["a", "c", "d"]);
    assert_eq!(stored(&queue, &[("e", false)]), ["c", "d", "e"]);
    let idle = store_at(&queue, "f", true, now()).unwrap();
    assert_eq!(idle.dropped.names, [idle.name]);
    assert_eq!(idle.waiting.unwrap().len(), 3);
    assert_eq!(texts(&queue), ["c", "d", "e"]);
}

#[test]
fn as_many_traces_make_room_as_there_are_too_many_bytes() {
    let queue = limited(&disk_with_queue(), 100, 10);
    let all = [("aaaa", false), ("bbb", false), ("ccc", false)];
    assert_eq!(stored(&queue, &all), ["aaaa", "bbb", "ccc"]);
    assert_eq!(stored(&queue, &[("ddddd", false)]), ["ccc", "ddddd"]);
    assert_eq!(stored(&queue, &[("eeeeeeeeee", false)]), ["eeeeeeeeee"]);
    let error = store_at(&queue, "fffffffffff", false, now()).unwrap_err();
    assert!(matches!(error, QueueError::TooLarge { size: 11, limit: 10 }), "{error}");
    assert_eq!(texts(&queue), ["eeeeeeeeee"]);
}

#[test]
fn traces_about_to_be_sent_are_beyond_the_limits() {
    let queue = limited(&disk_with_queue(), 1, 4);
    for text in ["a", "bb", "cccc"] {
        let new = NewTrace { trace_id: [1; 16], idle: false, request: text.as_bytes() };
        queue.store(&new, now(), None).unwrap();
    }
    assert_eq!(texts(&queue), ["a", "bb", "cccc"]);
    let mut dropped = Dropped::default();
    assert_eq!(queue.trim(&mut dropped).unwrap().len(), 1);
    assert_eq!((dropped.names.len(), texts(&queue)), (2, vec!["cccc".to_owned()]));
}

#[test]
fn nothing_is_dropped_on_a_full_disk_if_there_would_not_be_room_enough() {
    let disk = disk_with_queue();
    let queue = unlimited(&disk);
    stored(&queue, &[("a1", false), ("b2", false)]);
    disk.set_capacity(disk.used());
    let error = store_at(&queue, &"c".repeat(3 * 4096), false, now()).unwrap_err();
    assert!(error.is_full(), "{error}");
    assert_eq!(texts(&queue), ["a1", "b2"]);
    assert_eq!(queue.state().unwrap(), State::default());
}

#[test]
fn oldest_traces_make_room_on_a_full_disk() {
    let disk = disk_with_queue();
    let queue = unlimited(&disk);
    stored(&queue, &[("a1", false), ("b2", true), ("c3", false), ("d4", false)]);
    disk.set_capacity(disk.used());
    let new = store_at(&queue, "e56", false, now()).unwrap();
    let dropped: Vec<_> = new.dropped.names.iter().map(|name| name.trace_id()[0]).collect();
    assert_eq!((&*dropped, texts(&queue)), (&b"ba"[..], ["c3", "d4", "e56"].map(str::to_owned).to_vec()));
    assert_eq!(half_made(&disk), 0);
}

#[test]
fn idle_trace_pushes_no_other_off_a_full_disk() {
    let disk = disk_with_queue();
    let queue = unlimited(&disk);
    stored(&queue, &[("a", false), ("b", false)]);
    disk.set_capacity(disk.used());
    assert!(store_at(&queue, "c", true, now()).unwrap_err().is_full());
    assert_eq!(texts(&queue), ["a", "b"]);
}

/// Another program may take all the space that is freed.
#[test]
fn disk_that_stays_full_costs_no_more_traces_than_the_new_one_is_large() {
    let disk = disk_with_queue();
    let queue = unlimited(&disk);
    let large = "x".repeat(8192);
    for _ in 0..20 {
        store(&queue, &large);
    }
    disk.set_capacity(0);
    assert!(store_at(&queue, "new", false, now()).unwrap_err().is_full());
    assert_eq!(texts(&queue).len(), 20 - 9);
}

#[test]
fn traces_that_made_room_are_counted_whichever_step_fails_then() {
    let mut failed = 0;
    for changes in 0..12 {
        let disk = disk_with_queue();
        let queue = unlimited(&disk);
        for text in ["a", "b", "c"] {
            store(&queue, &text.repeat(1000));
        }
        disk.set_capacity(disk.used());
        disk.fail_after(changes, Fault::Refused(Errno::ACCESS));
        let (mut dropped, request) = (Dropped::default(), "d".repeat(2500));
        let new = NewTrace { trace_id: [b'd'; 16], idle: false, request: request.as_bytes() };
        failed += usize::from(queue.store(&new, now(), Some(&mut dropped)).is_err());
        let left = queue.waiting().unwrap().into_iter().filter(|name| name.trace_id()[0] != b'd').count();
        assert_eq!(left, 3 - dropped.names.len(), "after {changes} changes");
    }
    assert!(failed > 5, "{failed}");
}

#[test]
fn trace_that_cannot_be_removed_keeps_no_other_from_being_dropped() {
    let disk = disk_with_queue();
    let queue = limited(&disk, 2, 1000);
    assert_eq!(stored(&queue, &[("a", false), ("b", false)]), ["a", "b"]);
    disk.pin(&disk.paths()[1]);
    assert_eq!(stored(&queue, &[("c", false), ("d", false), ("e", false)]), ["a", "d", "e"]);
    disk.set_capacity(disk.used());
    assert_eq!(stored(&queue, &[("f", false)]), ["a", "e", "f"]);
}

#[test]
fn trace_is_stored_even_if_others_cannot_be_removed() {
    let disk = disk_with_queue();
    let queue = limited(&disk, 1, 1000);
    store(&queue, "a");
    disk.fail_after(3, Fault::Refused(Errno::ACCESS));
    let new = store_at(&queue, "b", false, now()).unwrap();
    assert_eq!((new.dropped.names, new.waiting), (vec![], None));
    assert!(!disk.has_fault_to_come());
    assert_eq!(stored(&queue, &[("c", false)]), ["c"]);
}

#[test]
fn clock_that_was_set_changes_no_order_and_costs_nothing() {
    let days = |days: u64| Duration::from_hours(24 * days);
    let at =
        [SystemTime::UNIX_EPOCH, now(), now() + days(15), now(), now() - days(2000), SystemTime::UNIX_EPOCH];
    for is_end_known in [false, true] {
        let disk = disk_with_queue();
        let mut last_end = SystemTime::UNIX_EPOCH;
        for (at, text) in at.into_iter().zip(["z", "y", "x", "w", "v", "u"]) {
            // Each dispatch is another process.
            let mut queue = unlimited(&disk.process());
            queue.last_end = is_end_known.then_some(last_end);
            store_at(&queue, text, false, at).unwrap();
            last_end = last_end.max(at);
        }
        assert_eq!(texts(&unlimited(&disk)), ["z", "y", "x", "w", "v", "u"]);
    }
}

#[test]
fn one_process_sends_at_a_time() {
    let disk = disk_with_queue();
    let [first, second] = [disk.process(), disk.process()];
    let lock = |process| unlimited(process).lock_sending().unwrap();
    let turn = lock(&first);
    assert!(matches!((&turn, lock(&second)), (Locking::Taken(_), Locking::Held)));
    drop(turn);
    let turn = lock(&second);
    assert!(matches!((&turn, lock(&first)), (Locking::Taken(_), Locking::Held)));
    second.die();
    assert!(matches!(lock(&first), Locking::Taken(_)));
}

#[test]
fn without_locks_all_send_and_none_writes_a_journal() {
    let disk = disk_with_queue().without_locks();
    for process in [disk.process(), disk.process()] {
        let queue = unlimited(&process);
        assert!(matches!(queue.lock_sending().unwrap(), Locking::Impossible));
        assert!(queue.lock_unit(Path::new("/charm")).is_none());
    }
}
