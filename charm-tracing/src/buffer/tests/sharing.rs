use std::collections::HashSet;

use super::super::Backoff;
use super::super::BufferError;
use super::*;

#[test]
fn many_appending_at_once_lose_nothing() {
    let fixture = Fixture::roomy();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let buffer = fixture.reopened();
            scope.spawn(move || {
                for number in 0..25 {
                    append(&buffer, &format!("{writer}:{number}"));
                }
            });
        }
    });
    let drained = drain(&fixture.buffer);
    assert_eq!(drained.len(), 200);
    assert_eq!(drained.iter().collect::<HashSet<_>>().len(), 200);
}

#[test]
fn appending_and_draining_at_once_delivers_each_once() {
    // Few and large enough that the file is rewritten and emptied all the time.
    let fixture = Fixture::roomy();
    let drained = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let buffer = fixture.reopened();
                scope.spawn(move || {
                    for number in 0..40 {
                        append(&buffer, &format!("{writer}:{number:05000}"));
                    }
                })
            })
            .collect();
        let mut drained = Vec::new();
        while !writers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            drained.extend(drain_some(&fixture.buffer));
        }
        drained.extend(drain_some(&fixture.buffer));
        drained
    });
    assert_eq!(drained.len(), 120);
    assert_eq!(drained.iter().collect::<HashSet<_>>().len(), 120);
}

fn drain_some(buffer: &Buffer) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(record) = buffer.oldest().unwrap() {
        assert!(buffer.acknowledge(&record).unwrap());
        texts.push(text(&record));
    }
    texts
}

#[test]
fn lock_is_waited_for_only_so_long() {
    let fixture = Fixture::roomy();
    append(&fixture.buffer, "a");
    let holder = std::fs::File::open(fixture.path()).unwrap();
    holder.lock().unwrap();
    let lock_wait = Duration::from_secs(2);
    let hasty = Buffer::new(BufferConfig { lock_wait, ..config(fixture.directory.path(), 10, 1000) });
    let error = hasty.oldest().unwrap_err();
    assert!(matches!(error, BufferError::Busy { .. }), "{error:?}");
    let started = std::time::Instant::now();
    for _ in 0..10 {
        hasty.oldest().unwrap_err();
    }
    assert!(started.elapsed() < lock_wait, "not for as long again in every operation");
    holder.unlock().unwrap();
    assert_eq!(drain(&hasty), ["a"]);
}

#[test]
fn only_one_drains_at_a_time() {
    let fixture = Fixture::roomy();
    let other = fixture.reopened();
    let time = Duration::from_secs(3);
    let lease = fixture.buffer.claim_drain(now(), time).unwrap().unwrap();
    assert!(other.claim_drain(now(), time).unwrap().is_none());
    fixture.buffer.release_drain(lease).unwrap();
    assert!(other.claim_drain(now(), time).unwrap().is_some());
}

#[test]
fn lease_that_is_over_is_taken_and_not_given_back_by_its_former_holder() {
    let fixture = Fixture::roomy();
    let time = Duration::from_secs(3);
    let former = fixture.buffer.claim_drain(now(), time).unwrap().unwrap();
    let later = now() + time;
    let lease = fixture.buffer.claim_drain(later, time).unwrap().unwrap();
    fixture.buffer.release_drain(former).unwrap();
    assert!(fixture.buffer.claim_drain(later, time).unwrap().is_none());
    fixture.buffer.release_drain(lease).unwrap();
}

#[test]
fn lease_without_end_is_over_after_a_minute() {
    let fixture = Fixture::roomy();
    let _lease = fixture.buffer.claim_drain(now(), Duration::MAX).unwrap().unwrap();
    let later = |seconds| now() + Duration::from_secs(seconds);
    assert!(fixture.buffer.claim_drain(later(59), Duration::MAX).unwrap().is_none());
    assert!(fixture.buffer.claim_drain(later(60), Duration::MAX).unwrap().is_some());
}

#[test]
fn lease_of_a_clock_that_was_far_ahead_is_taken() {
    let fixture = Fixture::roomy();
    let ahead = now() + Duration::from_hours(24);
    assert!(fixture.buffer.claim_drain(ahead, Duration::from_secs(3)).unwrap().is_some());
    assert!(fixture.buffer.claim_drain(now(), Duration::from_secs(3)).unwrap().is_some());
}

#[test]
fn lease_of_a_dead_process_is_taken() {
    let fixture = Fixture::roomy();
    let lease = fixture.buffer.claim_drain(now(), Duration::from_secs(30)).unwrap().unwrap();
    drop(lease);
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let mut bytes = std::fs::read(fixture.path()).unwrap();
    bytes[80..84].copy_from_slice(&child.id().to_le_bytes());
    let crc = crc32fast::hash(&bytes[24..124]);
    bytes[124..128].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(fixture.path(), bytes).unwrap();
    assert!(fixture.buffer.claim_drain(now(), Duration::from_secs(3)).unwrap().is_some());
}

#[test]
fn backoff_is_remembered_even_when_the_queue_runs_empty() {
    let fixture = Fixture::roomy();
    let backoff = Backoff { failures: 3, destination: 77, not_before: 123_456 };
    append(&fixture.buffer, "a");
    fixture.buffer.set_backoff(backoff).unwrap();
    assert_eq!(drain(&fixture.buffer), ["a"]);
    assert_eq!(fixture.reopened().backoff().unwrap(), backoff);
}
