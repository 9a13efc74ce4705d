//! Tests that record spans in one process take turns, whichever way they record.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use charm_tracing::juju::Dispatch;
use charm_tracing::testing::Recording;
use charm_tracing::{Config, Session, current_span, event, is_enabled, switch_off};

fn session() -> Session {
    let dispatch = Dispatch::from_vars([
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_DISPATCH_PATH", "hooks/start"),
        ("JUJU_MODEL_NAME", "testing"),
        ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
    ]);
    Session::start(dispatch, Config::new().buffer_max_events(0))
}

/// Asserts that this is a session whose trace is its own.
fn use_session() {
    let mut session = session();
    assert!(is_enabled());
    session.event(|| event("in session", || assert!(current_span().is_some())));
    // Nothing is known of a backend, and no trace may wait.
    let report = session.finish(None);
    assert!(report.lost, "{report:?}");
}

/// Asserts that this is a recording of no other spans than its own.
fn use_recording() {
    let recording = Recording::start();
    event("outer", || event("inner", || ()));
    assert_eq!(recording.tree(), "event: outer\n  event: inner\n");
}

/// Runs `work`, which must panic, and returns what it says.
fn panic_of<T>(work: impl FnOnce() -> T) -> String {
    let payload: Box<dyn Any + Send> = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(_) => panic!("it must panic"),
        Err(payload) => payload,
    };
    payload.downcast_ref::<String>().expect("a message").clone()
}

#[test]
fn recordings_and_sessions_of_many_threads_are_all_recorded() {
    const THREADS: usize = 8;
    let together = Barrier::new(THREADS);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (together, work) = (&together, if number % 2 == 0 { use_session } else { use_recording });
            scope.spawn(move || {
                together.wait();
                (0..20).for_each(|_| work());
            });
        }
    });
}

#[test]
fn whoever_starts_one_waits_for_the_other_thread() {
    type Held = Box<dyn Any>;
    let kinds: [fn() -> Held; 2] = [|| Box::new(session()), || Box::new(Recording::start())];
    for first in kinds {
        for second in [use_session, use_recording] {
            let is_over = AtomicBool::new(false);
            let held = first();
            thread::scope(|scope| {
                scope.spawn(|| {
                    second();
                    assert!(is_over.load(Ordering::SeqCst));
                });
                // Meanwhile it comes to where it has to wait.
                thread::sleep(Duration::from_millis(20));
                is_over.store(true, Ordering::SeqCst);
                drop(held);
            });
        }
    }
}

#[test]
fn a_thread_does_not_wait_for_itself() {
    let recording = Recording::start();
    assert_eq!(
        panic_of(Recording::start),
        "cannot record spans: this thread holds a `Recording`, which must be dropped first"
    );
    assert_eq!(
        panic_of(session),
        "cannot start a session: this thread holds a `Recording`, which must be dropped first"
    );
    event("still recorded", || ());
    assert_eq!(recording.tree(), "event: still recorded\n");
    drop(recording);

    let open = session();
    assert_eq!(
        panic_of(Recording::start),
        "cannot record spans: this thread holds a `Session`, which must be finished first"
    );
    // As in a charm, the second one does nothing.
    let report = session().finish(None);
    assert!(!report.lost, "{report:?}");
    assert!(is_enabled());
    assert!(open.finish(None).lost);
    use_recording();
}

#[test]
fn a_test_that_fails_gives_its_turn_back() {
    let tests: [fn(); 2] = [
        || {
            let _session = session();
            panic!("as a test does that fails");
        },
        || {
            let _recording = Recording::start();
            panic!("as a test does that fails");
        },
    ];
    for test in tests {
        thread::spawn(test).join().unwrap_err();
        use_session();
        use_recording();
    }
}

#[test]
fn a_recording_may_be_dropped_by_another_thread() {
    let recording = Recording::start();
    thread::spawn(move || drop(recording)).join().unwrap();
    use_recording();
    use_session();
}

#[test]
fn a_session_that_is_not_traced_waits_for_nobody() {
    let recording = Recording::start();
    // It lacks what a trace needs.
    thread::spawn(|| {
        Session::start(Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]), Config::new()).finish(None)
    })
    .join()
    .unwrap();
    event("recorded", || ());
    assert_eq!(recording.tree(), "event: recorded\n");
}

#[test]
fn a_test_that_switches_tracing_off_waits_and_is_waited_for() {
    thread::scope(|scope| {
        for work in [use_session, use_recording, use_switch] {
            scope.spawn(move || (0..20).for_each(|_| work()));
        }
    });
}

/// Asserts that nothing is recorded.
fn use_switch() {
    let off = switch_off();
    let twice = switch_off();
    drop(off);
    let recording = Recording::start();
    event("not recorded", || assert!(!is_enabled()));
    drop(twice);
    assert_eq!(recording.count(), 0);
    event("recorded", || ());
    assert_eq!(recording.tree(), "event: recorded\n");
    let off = switch_off();
    drop(recording);
    event("not recorded", || assert!(!is_enabled()));
    assert!(!session().finish(None).lost);
    drop(off);
}
