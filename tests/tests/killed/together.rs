//! Dispatches that run at the same time. Juju never does that to a unit; `juju exec`, forks and shared paths do.

use std::time::Duration;

use tests::collector::Collector;

use crate::charm::{Unit, was_killed};

#[test]
fn each_of_many_that_are_killed_together_is_kept() {
    const MANY: usize = 20;
    let (unit, collector) = (Unit::new(), Collector::start());
    let mut children: Vec<_> =
        (0..MANY).map(|_| unit.dispatch("seldom", Duration::from_secs(20)).spawn().unwrap()).collect();
    let started = std::time::Instant::now();
    while unit.flights().iter().filter(|(_, len)| *len > 1000).count() < MANY
        && started.elapsed() < Duration::from_secs(10)
    {
        std::thread::sleep(Duration::from_millis(10));
    }
    for child in &mut children {
        child.kill().unwrap();
        assert!(was_killed(child.wait().unwrap()));
    }
    assert_eq!(unit.flights().len(), MANY);
    let traces = unit.recover(&collector);
    assert_eq!(traces.len(), MANY + 1);
    assert_eq!(traces.iter().filter(|trace| trace.was_interrupted()).count(), MANY);
    assert_eq!(unit.recover(&collector).len(), MANY + 2);
    assert_eq!(unit.flights(), [(".charm_tracing_buffer.flight".to_owned(), 0)], "no file is left");
}

#[test]
fn who_is_killed_beside_others_is_found_when_they_are_done() {
    let (unit, collector) = (Unit::new(), Collector::start());
    let mut first = unit.dispatch("seldom", Duration::from_secs(2)).spawn().unwrap();
    while unit.flights().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(unit.dispatch("exit", Duration::ZERO).status().unwrap().code(), Some(7));
    assert_eq!(unit.flights().len(), 2);
    assert!(first.wait().unwrap().success());
    let traces = unit.recover(&collector);
    assert_eq!(traces.len(), 3);
    assert_eq!(traces.iter().filter(|trace| trace.was_interrupted()).count(), 1);
}
