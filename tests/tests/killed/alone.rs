//! One dispatch at a time.

use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

use tests::collector::Collector;

use crate::charm::{Trace, Unit, kill_after, traces, was_killed, write};

const STEP: &str = "function call: step";

#[test]
fn a_charm_that_exits_in_a_handler_leaves_all_its_spans() {
    for (work, code) in [("exit", Some(7)), ("abort", None)] {
        let (unit, collector) = (Unit::new(), Collector::start());
        assert_eq!(unit.dispatch(work, Duration::ZERO).status().unwrap().code(), code);
        assert_eq!(unit.flights().len(), 1);
        let traces = unit.recover(&collector);
        assert_eq!(traces.len(), 2, "{traces:?}");
        assert_eq!(traces[0].count(STEP), 3);
        assert_eq!(traces[0].open(), ["event: last", "event: start", "app/0: start event"]);
        for span in &traces[0].0 {
            assert!(span.span.end_time_unix_nano >= span.span.start_time_unix_nano);
            assert_eq!(span.resource, traces[1].root().resource);
        }
        assert!(!traces[1].was_interrupted());
        assert_eq!(unit.flights(), [(".charm_tracing_buffer.flight".to_owned(), 0)]);
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

/// The thread that writes does so however long the charm's threads do nothing.
#[test]
fn what_ended_before_a_long_silence_is_there() {
    let (unit, collector) = (Unit::new(), Collector::start());
    let mut child = unit.dispatch("then-silence", Duration::from_secs(20)).spawn().unwrap();
    let started = Instant::now();
    while unit.steps().len() < 100 && started.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(kill_after(&mut child, Duration::from_millis(300)).is_some());
    let traces = unit.recover(&collector);
    assert_eq!((traces[0].count(STEP), traces[0].was_interrupted()), (100, true));
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
    assert!(kill_after(&mut child, Duration::from_millis(200)).is_some());
    assert!(unit.buffer().exists(), "the first is in the queue");
    let traces = unit.recover(&collector);
    assert_eq!(traces.iter().map(Trace::was_interrupted).collect::<Vec<_>>(), [true, true, false]);
}

/// A process that holds the buffer's lock for longer than a dispatch waits for it.
#[test]
fn a_trace_that_can_be_neither_stored_nor_sent_stays_where_it_was_written() {
    let (unit, collector) = (Unit::new(), Collector::start());
    assert!(unit.dispatch("", Duration::ZERO).status().unwrap().success());
    let held = File::open(unit.buffer()).unwrap();
    held.lock().unwrap();
    assert!(unit.dispatch("seldom", Duration::from_millis(20)).status().unwrap().success());
    let [(_, size)] = &unit.flights()[..] else { panic!("{:?}", unit.flights()) };
    assert!(*size > 1000, "{size}");
    drop(held);
    let traces = unit.recover(&collector);
    assert_eq!(traces.len(), 3);
    let late = &traces[1];
    assert!(late.count(STEP) >= 1 && late.open().is_empty(), "{late:?}");
}

#[test]
fn a_file_that_is_no_flight_is_none() {
    let garbage = [b"ct-flight\r\n\x1a".to_vec(), vec![0xFF; 5000], b"text".to_vec()];
    for garbage in garbage {
        let (unit, collector) = (Unit::new(), Collector::start());
        write(&unit.path(".charm_tracing_buffer.flight"), &garbage);
        assert!(!was_killed(unit.dispatch("exit", Duration::ZERO).status().unwrap()));
        assert_eq!(unit.recover(&collector).len(), 2);
        assert!(traces(&collector)[0].was_interrupted());
    }
}
