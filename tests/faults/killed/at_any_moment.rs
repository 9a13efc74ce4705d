//! Kills at random moments, while the machine is busy with others of them.

use std::collections::hash_map::RandomState;
use std::env;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use charm_testing::collector::Collector;

use crate::charm::{DispatchTrace, Unit, kill_after};

/// `KILLS` in the environment sets another number.
const KILLS: u32 = 500;
const WORK: [&str; 5] = ["seldom", "often", "in-bursts", "deep", "on-threads"];
/// How long a dispatch works, if it is not killed before; some are killed while they end.
const TIME: Duration = Duration::from_millis(220);
/// A kill costs at most so many spans of a burst.
const MOST_MISSING: usize = 63;
/// A span that ended so many nanoseconds before another one began arrives.
const PAUSE: u64 = 1_000_000;
const STEP: &str = "function call: step";

#[test]
fn at_most_63_spans_of_the_last_burst_are_missing_and_each_trace_arrives_once() {
    let kills: u32 = env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let [number, interrupted] = [(); 2].map(|()| AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let number = number.fetch_add(1, Ordering::Relaxed)
                    && number < kills
                {
                    interrupted.fetch_add(u32::from(is_interrupted(number)), Ordering::Relaxed);
                }
            });
        }
    });
    let interrupted = interrupted.into_inner();
    assert!(interrupted > kills / 2, "{interrupted} of {kills} were killed while they worked");
}

/// Kills one dispatch. False if it had finished.
fn is_interrupted(number: u32) -> bool {
    let work = WORK[number as usize % WORK.len()];
    let (unit, collector) = (Unit::new(), Collector::start());
    let mut child = unit.dispatch(work, TIME).spawn().unwrap();
    let micros = RandomState::new().hash_one(number) % 240_000;
    let was_killed = kill_after(&mut child, Duration::from_micros(micros));
    let steps = unit.steps();
    let traces = unit.recover(&collector);
    let about = format!("{work}, killed after {micros} us");
    let ([] | [_], [_own]) = traces.split_at(traces.len() - 1) else { panic!("{about}: {traces:?}") };
    let left = (traces.len() == 2).then(|| &traces[0]);
    let arrived = left.map_or(0, |left| left.count(STEP));
    // One may have ended, and not have been noted.
    let threads = if work == "on-threads" { 3 } else { 1 };
    assert!(arrived <= steps.len() + threads, "{about}: {arrived} of {}", steps.len());
    if !was_killed {
        assert!(left.is_some_and(|left| !left.was_interrupted()), "{about}");
        assert_eq!(arrived, steps.len(), "{about}");
    }
    assert!(arrived + MOST_MISSING >= steps.len(), "{about}: {arrived} of {}", steps.len());
    let last_began = steps.iter().map(|[began, _]| *began).max().unwrap_or(0);
    let before_pause = steps.iter().filter(|[_, ended]| ended + PAUSE <= last_began).count();
    assert!(arrived >= before_pause, "{about}: {arrived} of {before_pause}");
    left.is_some_and(DispatchTrace::was_interrupted)
}
