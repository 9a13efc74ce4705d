//! A charm that was written in Python before: what waits in that library's buffer is delivered too, and first.

use std::fs;
use std::path::PathBuf;

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju};

use crate::unit::{
    assert_untouched, buffer, delivered, notices, relate, session_charm, test_charm, trace_id, waiting,
    whole_traces,
};

fn file(juju: &Juju) -> PathBuf {
    juju.charm_dir().join(".charm_tracing_buffer.raw")
}

/// The bytes of three traces of another unit, oldest first, and their ids.
fn traces() -> (Vec<Vec<u8>>, Vec<String>) {
    let collector = Collector::start();
    let mut juju = session_charm();
    for hook in ["install", "config-changed", "start"] {
        assert!(juju.dispatch(Event::hook(hook).env("TRACE_ENDPOINT", &collector.endpoint())).success());
    }
    let encoded = collector.requests().iter().map(|request| request.otlp.clone()).collect();
    (encoded, delivered(&collector))
}

/// As the library has written them since its version 9, and before.
fn layouts(traces: &[Vec<u8>]) -> [Vec<u8>; 2] {
    let newest_first: Vec<_> = traces.iter().rev().cloned().collect();
    [traces.join(&b"__CHARM_TRACING_BUFFER_SPAN_SEP__"[..]), newest_first.concat()]
}

#[test]
fn the_python_librarys_traces_are_delivered_before_the_first_of_ours() {
    let (traces, ids) = traces();
    for layout in layouts(&traces) {
        let collector = Collector::start();
        let mut juju = test_charm();
        let _ = relate(&mut juju, &collector.endpoint());
        fs::write(file(&juju), layout).unwrap();
        let first = juju.dispatch(Event::hook("config-changed"));
        assert_untouched(&first);
        assert_eq!(notices(&first), [""; 0]);
        let expected: Vec<_> = ids.iter().cloned().chain([trace_id(&first)]).collect();
        assert_eq!(delivered(&collector), expected, "{first}");
        assert_eq!((file(&juju).exists(), waiting(&juju)), (false, 0));
        whole_traces(&collector);
    }
}

#[test]
fn without_a_backend_the_python_librarys_traces_wait_with_ours() {
    let (traces, ids) = traces();
    let [layout, _] = layouts(&traces);
    let mut juju = test_charm();
    fs::write(file(&juju), layout).unwrap();
    let first = juju.dispatch(Event::hook("config-changed"));
    assert_untouched(&first);
    assert_eq!((file(&juju).exists(), waiting(&juju)), (false, 4));

    let collector = Collector::start();
    let relation = relate(&mut juju, &collector.endpoint());
    let second = juju.dispatch(Event::relation_changed(&relation));
    let ours = [trace_id(&first), trace_id(&second)];
    assert_eq!(delivered(&collector), ids.iter().cloned().chain(ours).collect::<Vec<_>>(), "{second}");
}

#[test]
fn a_charm_without_a_buffer_leaves_the_python_librarys_where_it_is() {
    let (traces, _) = traces();
    let [layout, _] = layouts(&traces);
    let mut juju = session_charm();
    fs::write(file(&juju), &layout).unwrap();
    assert!(juju.dispatch(Event::hook("start").env("TRACE_BUFFER_EVENTS", "0")).success());
    assert_eq!(fs::read(file(&juju)).unwrap(), layout);
    assert!(!buffer(&juju).exists());
}
