//! A disk that refuses one change, or that is full for a while, and processes that live on.

use std::path::Path;

use rustix::io::Errno;

use super::super::disk::{Chance, Fault};
use super::super::{Priority, Progress};
use super::history::{
    MAX_BYTES, Model, NEXT, Operation, PATH, Report, Trace, World, dispatch_on, episodes, numbers, seeds,
    waiting_on,
};

const FAULTS: [Fault; 6] = [
    Fault::Refused(Errno::NOSPC),
    Fault::Refused(Errno::DQUOT),
    Fault::Refused(Errno::IO),
    Fault::Torn(Errno::NOSPC),
    Fault::Torn(Errno::DQUOT),
    Fault::Torn(Errno::IO),
];

/// Every change of every history is refused once, and every write torn once. What an operation says it did, it did; an append
/// that failed was none; a removal that failed was one or none. Whatever else the process does works, and so does the next.
#[test]
fn refused_change_costs_at_most_what_was_reported() {
    for seed in seeds(2) {
        let mut world = World::new(seed);
        let mut refusals = 0;
        for (number, episode) in episodes(seed).into_iter().enumerate() {
            let (disk, model) = (world.disk.fork(), world.model.clone());
            for operation in &episode {
                world.run(*operation);
            }
            // Two of the six at each change: the errors take turns.
            for fault in FAULTS.iter().skip(number % 3).step_by(3) {
                let mut changes = 0;
                while goes_on_after(*fault, changes, World::on(disk.fork(), model.clone()), &episode) {
                    changes += 1;
                }
                refusals += changes;
            }
        }
        assert!(refusals > 2000, "only {refusals} changes were refused");
    }
}

/// Plays an episode in which one change is refused. False if that was not reached.
fn goes_on_after(fault: Fault, changes: usize, mut world: World, episode: &[Operation]) -> bool {
    let context = format!("{fault:?} after {changes} changes of {episode:?}");
    let mut possible = vec![world.model.clone()];
    world.disk.fail_after(changes, fault);
    for operation in episode {
        let to_come = world.disk.has_fault_to_come();
        let report = world.act(*operation);
        world.model.apply(*operation);
        let hit = to_come && !world.disk.has_fault_to_come();
        assert!(hit || report != Report::Failed, "{operation:?} failed in good health: {context}");
        possible = possible.iter().flat_map(|model| after(model, *operation, report, hit)).collect();
        assert!(!possible.is_empty(), "{operation:?} says {report:?}: {context}");
    }
    if world.disk.has_fault_to_come() {
        return false;
    }
    let (priority, progress) = (Priority::Interesting, Progress::default());
    let afterwards = Operation::Append(Trace { number: 7_000_000, priority, len: 10, progress });
    assert!(matches!(world.act(afterwards), Report::Appended { kept: true, .. }), "{context}");
    let found = waiting_on(&world.disk);
    let expected: Vec<_> = possible
        .into_iter()
        .map(|mut model| {
            model.apply(afterwards);
            numbers(&model.found_by_the_next())
        })
        .collect();
    assert!(expected.contains(&found), "{found:?} instead of one of {expected:?}: {context}");
    assert_eq!(dispatch_on(&world.disk).last(), Some(&NEXT));
    true
}

/// What may be there after an operation with this report.
fn after(model: &Model, operation: Operation, report: Report, hit: bool) -> Vec<Model> {
    if report == Report::Failed {
        return model.after_failure_of(operation);
    }
    if hit {
        return model.after_success_of(operation);
    }
    let mut done = model.clone();
    let expected = done.apply(operation);
    if report.agrees_with(expected) { vec![done] } else { Vec::new() }
}

/// Other programs fill the disk and clear it again. While it is full, appending may fail, and is then as if it had not been;
/// sending and acknowledging always work, and once there is room so does all the rest.
#[test]
fn full_disk_costs_only_the_traces_that_were_reported() {
    for seed in seeds(10) {
        let mut world = World::new(seed);
        let mut chance = Chance::of(seed);
        let (mut refused, mut full) = (0, false);
        for operation in episodes(seed).concat() {
            if chance.percent(3) {
                full = !full;
                let used = usize::try_from(world.disk.len(Path::new(PATH))).unwrap();
                let rest = chance.below(usize::try_from(MAX_BYTES).unwrap() / 8);
                world.disk.set_capacity(if full { used + rest } else { usize::MAX });
            }
            let mut done = world.model.clone();
            let expected = done.apply(operation);
            let report = world.act(operation);
            if report == Report::Failed {
                assert!(full && operation.is_append(), "seed {seed}: {operation:?} failed, full: {full}");
                // Making room takes none.
                world.model = world.model.after_failure_of(operation).pop().unwrap();
                refused += 1;
            } else {
                assert_eq!(report, expected, "seed {seed}: {operation:?}");
                world.model = done;
            }
        }
        assert!(refused > 10, "only {refused} appends were refused");
        world.disk.set_capacity(usize::MAX);
        assert_eq!(waiting_on(&world.disk), numbers(&world.model.found_by_the_next()));
        assert_eq!(dispatch_on(&world.disk).last(), Some(&NEXT));
    }
}
