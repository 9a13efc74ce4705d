//! The death of the process at every moment.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::disk::{Disk, Fault};
use super::super::fs::FileSystem as _;
use super::history::{
    NEXT, OPERATIONS, Operation, PATH, World, dispatch_on, episodes, numbers, seeds, waiting_on,
};

/// Before every change to the disk, and in the middle of every write, the process dies: what was reported as stored is there,
/// in order, once, and whole; nothing that was acknowledged or dropped comes back; what was under way is done or not done; the
/// limits hold, and the next dispatch works.
#[test]
fn death_at_any_moment_leaves_what_was_stored_once_and_in_order() {
    let mut rewrites = 0;
    for seed in seeds(4) {
        let mut world = World::new(seed);
        world.disk.record_moments();
        let (mut operations, mut deaths, mut files) = (0, 0, BTreeSet::new());
        for operation in episodes(seed).concat() {
            let before = world.model.found_by_the_next_in(operation);
            let before: Vec<_> = before.iter().map(|traces| numbers(traces)).collect();
            let report = world.run(operation);
            let after = numbers(&world.model.found_by_the_next());
            for moment in world.disk.take_moments() {
                let next = moment.survivors();
                let found = waiting_on(&next);
                assert!(
                    before.contains(&found) || found == after,
                    "seed {seed}, {operation:?} ({report:?}) was cut off and left {found:?} instead of one of {before:?} or {after:?}"
                );
                assert_eq!(dispatch_on(&moment.survivors()).last(), Some(&NEXT));
                deaths += 1;
            }
            operations += 1;
            files.insert(world.disk.identity(Path::new(PATH)).unwrap().map(|id| id.inode));
        }
        assert!(operations >= OPERATIONS && deaths >= 2 * OPERATIONS, "{deaths} deaths in {operations}");
        rewrites += files.len() - 1;
    }
    assert!(rewrites > 8, "only {rewrites} rewrites");
}

/// The moments above are what a process leaves that really dies: nothing it does afterwards matters.
#[test]
fn nothing_happens_after_death() {
    let history = &episodes(1).concat()[..200];
    let mut world = World::new(1);
    for operation in history {
        world.run(*operation);
    }
    let changes = world.disk.changes();
    assert!(changes > 200, "{changes}");
    for death in (0..changes).step_by(5) {
        let mut dying = World::new(1);
        dying.disk.record_moments();
        dying.disk.fail_after(death, Fault::Death);
        for operation in history {
            dying.model.apply(*operation);
            dying.act(*operation);
        }
        let last = dying.disk.take_moments().pop().unwrap();
        assert_eq!(
            contents(&dying.disk.survivors()),
            contents(&last.survivors()),
            "death after {death} changes"
        );
    }
}

fn contents(disk: &Disk) -> Vec<(std::path::PathBuf, Option<Vec<u8>>)> {
    disk.names().into_iter().map(|name| (name.clone(), disk.read(&name))).collect()
}

/// A file of another program that has some of our records in it, with and without hard links.
#[test]
fn death_while_a_foreign_file_is_set_aside_leaves_it_and_what_it_holds() {
    let mut world = World::new(1);
    let stored = episodes(3).concat().into_iter().filter(Operation::is_append);
    for operation in stored.take(8) {
        world.run(operation);
    }
    let intact = numbers(&world.model.found_by_the_next());
    let mut foreign = world.disk.read(Path::new(PATH)).unwrap();
    foreign[..16].fill(b'?');

    for links in [true, false] {
        let disk = if links { Disk::new(1) } else { Disk::new(1).without_links() };
        disk.put(Path::new(PATH), &foreign);
        disk.record_moments();
        assert_eq!(waiting_on(&disk), intact);
        let moments = disk.take_moments();
        assert!(moments.len() > 10);
        let mut afresh = 0;
        for moment in moments.iter().map(Disk::survivors) {
            let kept = moment.read(Path::new("/charm/buffer.damaged"));
            let nameless = moment.read(Path::new(PATH)).is_none();
            let found = waiting_on(&moment);
            if nameless {
                // There is no way to do it in one step without hard links. Nothing is lost for good.
                assert!(!links && kept.as_ref() == Some(&foreign));
                assert_eq!(found, [0; 0]);
                afresh += 1;
            } else {
                assert!(intact.ends_with(&found), "{found:?} of {intact:?}");
            }
            assert_eq!(dispatch_on(&moment).last(), Some(&NEXT));
        }
        assert_eq!(afresh > 0, !links);
    }
}
