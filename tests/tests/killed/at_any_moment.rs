//! Kills at random moments, while the machine is busy with others of them.
//!
//! A system that does not let a process run when it wants to makes it late, whatever it does. Each process shows that with a
//! thread that only writes the time: where that one was late and something is missing, the kill counts for nothing, and of
//! ten kills at least nine must count.

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
    let [number, interrupted, starved] = [(); 3].map(|()| AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let number = number.fetch_add(1, Ordering::Relaxed)
                    && number < kills
                {
                    match one(number) {
                        End::Interrupted => interrupted.fetch_add(1, Ordering::Relaxed),
                        End::Starved => starved.fetch_add(1, Ordering::Relaxed),
                        End::Finished => 0,
                    };
                }
            });
        }
    });
    let (interrupted, starved) = (interrupted.into_inner(), starved.into_inner());
    assert!(interrupted > kills / 2, "{interrupted} of {kills} were killed while they worked");
    assert!(
        starved <= kills / 10,
        "the machine is too busy to tell: {starved} of {kills} did not run in time"
    );
}

enum End {
    Interrupted,
    Finished,
    /// Something is missing, but the system did not let the process run when it wanted to.
    Starved,
}

/// Kills one dispatch.
fn one(number: u32) -> End {
    let work = WORK[number as usize % WORK.len()];
    let (unit, collector) = (Unit::new(), Collector::start());
    let mut child = unit.dispatch(work, TIME).env("BEAT", "").spawn().unwrap();
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
    assert!(killed_at.is_some() || left.is_some_and(|left| !left.was_interrupted()), "{about}");
    if arrived < expected && killed_at.is_some_and(|at| was_starved(&unit.times("beats"), at)) {
        return End::Starved;
    }
    assert!(arrived >= expected, "{about}: {arrived} of {expected}");
    if left.is_some_and(Trace::was_interrupted) { End::Interrupted } else { End::Finished }
}

/// Whether a thread that wanted to run every 25 ms had to wait for longer than 50 ms, shortly before the kill.
fn was_starved(beats: &[u64], killed_at: u64) -> bool {
    const SHORTLY: u64 = 200_000_000;
    const LONG: u64 = 50_000_000;
    let all: Vec<_> = beats.iter().copied().chain([killed_at]).collect();
    all.windows(2).any(|beats| beats[1] + SHORTLY > killed_at && beats[1] - beats[0] > LONG)
}
