//! One dispatch at a time.

use std::fs;
use std::time::Duration;

use charm_testing::collector::Collector;
use charm_testing::queue;

use crate::charm::{DispatchTrace, Unit, kill_after, traces, wait_until, was_killed};

const STEP: &str = "function call: step";

#[test]
fn a_charm_that_exits_in_a_handler_leaves_all_its_spans() {
    for (work, code) in [("exit", Some(7)), ("abort", None)] {
        let (unit, collector) = (Unit::new(), Collector::start());
        assert_eq!(unit.dispatch(work, Duration::ZERO).status().unwrap().code(), code);
        assert_eq!(unit.journals(), 1);
        let traces = unit.recover(&collector);
        assert_eq!(traces.len(), 2, "{traces:?}");
        assert_eq!(traces[0].count(STEP), 3);
        assert_eq!(traces[0].open(), ["event: last", "event: start", "app/0: start event"]);
        for span in &traces[0].0 {
            assert!(span.end_unix_nanos >= span.start_unix_nanos);
            assert_eq!(span.resource, traces[1].root().resource);
        }
        assert!(!traces[1].was_interrupted());
        assert_eq!(unit.journals(), 0);
        assert_eq!(unit.recover(&collector).len(), 3, "it is delivered once");
    }
}

#[test]
fn a_charm_that_panics_has_finished() {
    let (unit, collector) = (Unit::new(), Collector::start());
    assert_eq!(unit.dispatch("panic", Duration::ZERO).status().unwrap().code(), Some(101));
    let traces = unit.recover(&collector);
    assert_eq!((traces.len(), traces[0].count(STEP), traces[0].was_interrupted()), (2, 3, false));
}

/// Nothing is written while the charm's threads do nothing, so the end of a burst stays in memory.
#[test]
fn a_kill_in_a_long_silence_costs_at_most_the_end_of_the_burst_before() {
    let (unit, collector) = (Unit::new(), Collector::start());
    let mut child = unit.dispatch("then-silence", Duration::from_secs(20)).spawn().unwrap();
    wait_until(|| unit.steps().len() == 100);
    assert!(kill_after(&mut child, Duration::ZERO));
    let traces = unit.recover(&collector);
    assert!((37..=100).contains(&traces[0].count(STEP)) && traces[0].was_interrupted(), "{traces:?}");
}

#[test]
fn each_of_several_that_are_killed_one_after_the_other_is_kept() {
    let (unit, collector) = (Unit::new(), Collector::start());
    for _ in 0..5 {
        unit.dispatch("exit", Duration::ZERO).status().unwrap();
    }
    let traces = unit.recover(&collector);
    assert_eq!(traces.len(), 6);
    assert!(traces[..5].iter().all(|trace| trace.was_interrupted() && trace.count(STEP) == 3));
}

#[test]
fn what_is_left_is_stored_by_a_dispatch_that_is_killed_itself() {
    let (unit, collector) = (Unit::new(), Collector::start());
    unit.dispatch("exit", Duration::ZERO).status().unwrap();
    let mut child = unit.dispatch("seldom", Duration::from_secs(20)).spawn().unwrap();
    wait_until(|| unit.steps().len() > 3);
    assert!(kill_after(&mut child, Duration::ZERO));
    assert_eq!((queue::waiting(&unit.buffer()), unit.journals()), (1, 1), "the first is in the queue");
    let traces = unit.recover(&collector);
    assert_eq!(traces.iter().map(DispatchTrace::was_interrupted).collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn a_file_that_is_no_journal_is_none() {
    let whole = {
        let unit = Unit::new();
        unit.dispatch("exit", Duration::ZERO).status().unwrap();
        fs::read(&queue::journals(&unit.buffer())[0]).unwrap()
    };
    let no_root = whole[..100].to_vec();
    for garbage in [Vec::new(), vec![0xFF; 5000], vec![0; 5000], b"text".to_vec(), no_root] {
        let (unit, collector) = (Unit::new(), Collector::start());
        fs::create_dir(unit.buffer()).unwrap();
        let file = unit.buffer().join("app-0.journal");
        fs::write(file, &garbage).unwrap();
        assert!(!was_killed(unit.dispatch("exit", Duration::ZERO).status().unwrap()));
        assert_eq!(unit.recover(&collector).len(), 2);
        assert!(traces(&collector)[0].was_interrupted());
        assert_eq!(unit.journals(), 0);
    }
}

#[test]
fn a_journal_with_garbage_behind_it_is_read_up_to_there() {
    let (unit, collector) = (Unit::new(), Collector::start());
    unit.dispatch("exit", Duration::ZERO).status().unwrap();
    let journal = queue::journals(&unit.buffer()).swap_remove(0);
    let bytes = fs::read(&journal).unwrap();
    for behind in [vec![0; 100], vec![0xFF; 100], bytes[..bytes.len() / 2].to_vec()] {
        fs::create_dir_all(unit.buffer()).unwrap();
        fs::write(&journal, [bytes.clone(), behind].concat()).unwrap();
        let traces = unit.recover(&collector);
        assert_eq!((traces[0].count(STEP), traces[0].was_interrupted()), (3, true), "{traces:?}");
        collector.clear();
    }
}
