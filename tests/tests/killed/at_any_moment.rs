//! Kills at random moments, while the machine is busy with others of them.

use std::collections::hash_map::RandomState;
use std::env;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use tests::collector::Collector;

use crate::charm::{Trace, Unit, kill_after};

/// `KILLS` in the environment sets another number.
const KILLS: u32 = 500;
const WORK: [&str; 5] = ["seldom", "often", "in-bursts", "deep", "on-threads"];
/// How long a dispatch works, if it is not killed before; some are killed while they end.
const TIME: Duration = Duration::from_millis(220);
/// What had ended for so long arrives.
const LATE: u64 = 100_000_000;
const STEP: &str = "function call: step";

#[test]
fn whatever_ended_100_ms_before_arrives_once_with_its_root() {
    let kills: u32 = env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let (number, interrupted) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let number = number.fetch_add(1, Ordering::Relaxed)
                    && number < kills
                {
                    if one(number) {
                        interrupted.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let interrupted = interrupted.into_inner();
    assert!(interrupted > kills / 2, "{interrupted} of {kills} were killed while they worked");
}

/// Kills one dispatch; says whether it had something to tell.
fn one(number: u32) -> bool {
    let work = WORK[number as usize % WORK.len()];
    let (unit, collector) = (Unit::new(), Collector::start());
    let mut child = unit.dispatch(work, TIME).spawn().unwrap();
    let micros = RandomState::new().hash_one(number) % 240_000;
    let killed_at = kill_after(&mut child, Duration::from_micros(micros));
    let steps = unit.steps();
    let traces = unit.recover(&collector);
    let about = format!("{work}, killed after {micros} us");
    let ([] | [_], [_own]) = traces.split_at(traces.len() - 1) else { panic!("{about}: {traces:?}") };
    let left = (traces.len() == 2).then(|| &traces[0]);
    let arrived = left.map_or(0, |left| left.count(STEP));
    // One may have ended, and not have been noted.
    let threads = if work == "on-threads" { 3 } else { 1 };
    assert!(arrived <= steps.len() + threads, "{about}: {arrived} of {}", steps.len());
    let expected = match killed_at {
        Some(at) => steps.iter().filter(|ended| **ended + LATE <= at).count(),
        None => steps.len(),
    };
    assert!(arrived >= expected, "{about}: {arrived} of {expected}");
    assert!(killed_at.is_some() || left.is_some_and(|left| !left.was_interrupted()), "{about}");
    left.is_some_and(Trace::was_interrupted)
}
