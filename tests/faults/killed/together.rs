//! Dispatches that run at the same time. Juju never does that to a unit; `juju exec`, forks and shared paths do.

use std::process::Command;
use std::time::Duration;

use charm_testing::collector::Collector;
use charm_testing::queue;

use crate::charm::{DispatchTrace, Unit, wait_until, was_killed};

const LONG: Duration = Duration::from_secs(20);

/// A dispatch of a unit of this number, which keeps its traces where `shared` keeps its own.
fn dispatch_of(unit: &Unit, number: usize, shared: &Unit, work: &str) -> Command {
    let mut command = unit.dispatch(work, LONG);
    command.env("JUJU_UNIT_NAME", format!("app/{number}")).env("TRACE_BUFFER", shared.buffer());
    command
}

#[test]
fn each_of_many_units_that_share_a_directory_and_are_killed_is_kept() {
    const MANY: usize = 20;
    let (shared, collector) = (Unit::new(), Collector::start());
    let units: Vec<_> = (0..MANY).map(|_| Unit::new()).collect();
    let dispatch = |number: usize, work| dispatch_of(&units[number], number, &shared, work);
    let mut children: Vec<_> = (0..MANY).map(|number| dispatch(number, "seldom").spawn().unwrap()).collect();
    wait_until(|| units.iter().all(|unit| unit.steps().len() > 1));
    for child in &mut children {
        child.kill().unwrap();
        assert!(was_killed(child.wait().unwrap()));
    }
    assert_eq!((shared.journals(), queue::waiting(&shared.buffer())), (MANY, 0));
    // A unit finds its own alone: the others may run.
    for number in 0..MANY {
        assert!(dispatch(number, "").status().unwrap().success());
        assert_eq!(
            (shared.journals(), queue::waiting(&shared.buffer())),
            (MANY - 1 - number, 2 * number + 2)
        );
    }
    let traces = shared.recover(&collector);
    assert_eq!(traces.len(), 2 * MANY + 1);
    assert_eq!(traces.iter().filter(|trace| trace.was_interrupted()).count(), MANY);
}

#[test]
fn of_two_dispatches_of_a_unit_the_second_leaves_the_journal_of_the_first_alone() {
    let (unit, collector) = (Unit::new(), Collector::start());
    let mut first = unit.dispatch("seldom", Duration::from_secs(2)).spawn().unwrap();
    wait_until(|| unit.journals() == 1);
    assert!(unit.dispatch("", Duration::ZERO).status().unwrap().success());
    assert_eq!((unit.journals(), queue::waiting(&unit.buffer())), (1, 1));
    assert!(first.wait().unwrap().success());
    let traces = unit.recover(&collector);
    assert_eq!(traces.iter().map(DispatchTrace::was_interrupted).collect::<Vec<_>>(), [false; 3]);
}

#[test]
fn who_is_killed_beside_others_is_found_when_they_are_done() {
    let (unit, collector) = (Unit::new(), Collector::start());
    let mut first = unit.dispatch("seldom", LONG).spawn().unwrap();
    wait_until(|| unit.steps().len() > 1);
    let mut second = unit.dispatch("seldom", Duration::from_secs(1)).spawn().unwrap();
    first.kill().unwrap();
    assert!(was_killed(first.wait().unwrap()));
    assert!(second.wait().unwrap().success());
    let traces = unit.recover(&collector);
    assert_eq!(traces.len(), 3);
    assert_eq!(traces.iter().filter(|trace| trace.was_interrupted()).count(), 1);
}
