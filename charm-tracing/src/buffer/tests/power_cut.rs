//! A power cut at every moment.
//!
//! Nothing is synced when a trace is appended, so less is promised than for the death of a process. *Safe* is a trace that
//! waited when the file of the buffer was last on the disk as a whole: because everything was, as is the case after some
//! seconds of peace, or because it was rewritten. After a power cut
//!
//! * every safe trace is there that was not acknowledged or dropped since, nor is just being;
//! * newer ones are there or not;
//! * those that were acknowledged or dropped since may be there again, at any place, and so be sent twice. They count as all
//!   others do when room has to be made;
//! * what is there was once stored, is whole, is there once, and but for those, in the order in which it was stored;
//! * no operation fails, and the next dispatch works.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::disk::{Chance, Disk};
use super::history::{
    Model, NEXT, OPERATIONS, Operation, PATH, Trace, World, dispatch_on, episodes, numbers, seeds,
    waiting_after_power_cut_on, waiting_without_limits_on,
};

#[test]
fn power_cut_costs_at_most_the_newest_traces() {
    let (mut lost, mut safe) = (0, 0);
    for seed in seeds(2) {
        let mut world = World::new(seed);
        let mut chance = Chance::of(seed);
        world.disk.record_moments();
        let mut known = Known::default();
        let mut cuts = 0;
        for operation in episodes(seed).concat() {
            world.disk.set_mark(known.waited.len() as u64);
            if chance.percent(5) {
                world.disk.settle();
            }
            known.waited.push(numbers(world.model.waiting()));
            if let Operation::Append(trace) | Operation::AppendToSend(trace) = operation {
                known.stored.push(trace);
            }
            world.run(operation);
            known.waits = numbers(world.model.waiting());
            for moment in world.disk.take_moments() {
                let way = chance.number();
                let context = format!("seed {seed}, {operation:?}, number {}, way {way}", known.waited.len());
                let (found, promised) = known.check(&moment, way, &context);
                lost += known.waits.iter().filter(|trace| !found.contains(trace)).count();
                safe += promised.len();
                cuts += 1;
            }
        }
        assert!(cuts >= 2 * OPERATIONS, "{cuts}");
    }
    assert!(lost > 1000 && safe > 1000, "{lost} were lost, {safe} were safe");
}

/// What there is to compare with.
#[derive(Default)]
struct Known {
    /// Every trace that was ever to be stored, by its number less one.
    stored: Vec<Trace>,
    /// What waited before each operation. The disk knows the numbers of the operations.
    waited: Vec<Vec<u64>>,
    /// What waits after the last one.
    waits: Vec<u64>,
}

impl Known {
    /// What is there after the power cut, and what of it was promised.
    #[track_caller]
    fn check(&self, moment: &Disk, way: u64, context: &str) -> (Vec<u64>, Vec<u64>) {
        let after = || moment.after_power_cut(way);
        let durable_at = after().durable_at(Path::new(PATH));
        let since = durable_at.map_or(&[][..], |mark| &self.waited[usize::try_from(mark).unwrap()..]);
        let stays = |trace: &u64| since.iter().chain([&self.waits]).all(|waiting| waiting.contains(trace));
        let safe: Vec<u64> =
            since.first().into_iter().flatten().filter(|trace| stays(trace)).copied().collect();

        let found = waiting_without_limits_on(&after());
        let context = format!("{context}: {found:?}, safe: {safe:?}");
        assert!(safe.iter().all(|trace| found.contains(trace)), "{context}");
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len(), "{context}");
        let removed =
            |trace: &u64| since.iter().any(|then| then.contains(trace)) && !self.waits.contains(trace);
        assert!(found.iter().filter(|trace| !removed(trace)).is_sorted(), "{context}");

        // Room is made for what is there, not for what the header says.
        let traces = found.iter().map(|number| self.stored[usize::try_from(number - 1).unwrap()]).collect();
        let room = numbers(&Model::with(traces).found_by_the_next());
        let kept = waiting_after_power_cut_on(&after());
        let missing: Vec<_> =
            room.iter().filter(|trace| safe.contains(trace) && !kept.contains(trace)).collect();
        assert!(missing.is_empty(), "{missing:?} of {room:?} made room, {context}");

        assert!(dispatch_on(&after()).contains(&NEXT), "{context}");
        (found, safe)
    }
}
