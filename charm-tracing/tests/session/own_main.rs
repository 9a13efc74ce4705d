//! Failures outside of the event, in a charm that has a `main` of its own.

use std::sync::{Arc, Mutex};

use charm_testing::queue;
use charm_tracing::juju::Dispatch;
use charm_tracing::juju::testing::{HookContext, Model};
use charm_tracing::{Config, Session};
use log::LevelFilter;

use super::take_turn;

const OF_UNIT: [(&str, &str); 3] = [
    ("JUJU_UNIT_NAME", "app/0"),
    ("JUJU_MODEL_NAME", "testing"),
    ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
];

/// Panics, as one does that prints to a closed pipe.
struct Panics;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl log::Log for Panics {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LINES.lock().expect("it is not held meanwhile").push(record.args().to_string());
        panic!("failed printing to stdout");
    }

    fn flush(&self) {}
}

#[test]
fn a_logger_that_panics_at_a_line_of_ours_fails_no_hook() {
    let _turn = take_turn();
    log::set_logger(&Panics).expect("no other test has one");
    log::set_max_level(LevelFilter::Trace);
    let directory = tempfile::tempdir().expect("a directory");
    let charm_dir = directory.path().to_str().expect("a text");
    let of_unit =
        || OF_UNIT.into_iter().chain([("JUJU_DISPATCH_PATH", "hooks/start"), ("JUJU_CHARM_DIR", charm_dir)]);
    // Neither can be a file.
    for name in [".charm_tracing_relations", ".charm_tracing_lock"] {
        std::fs::create_dir(directory.path().join(name)).expect("a directory");
    }
    let grpc =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
    let dispatch = Dispatch::from_vars(of_unit().chain(grpc));
    let mut session = Session::start(dispatch, Config::new());
    assert_eq!(session.event(|| 7), 7);
    assert!(session.finish(None).buffered);

    let dispatch = Dispatch::from_vars(of_unit().chain([("CHARM_TRACING_ENABLED", "0")]));
    assert!(!Session::start(dispatch, Config::new()).finish(None).buffered);

    log::set_max_level(LevelFilter::Off);
    let lines = LINES.lock().expect("it is not held meanwhile");
    for said in ["cannot remember relations", "`charm` is left out", "another protocol", "is not traced"] {
        assert!(lines.iter().any(|line| line.contains(said)), "{said}: {lines:#?}");
    }
}

#[test]
fn an_action_that_fails_outside_of_the_event_is_a_failed_trace() {
    let before = outline(|session| {
        fail(session);
        session.event(|| ());
    });
    let handled = "  event: rotate_action [error: the action failed]";
    assert_eq!(before, format!("app/0: rotate event [error: the action failed]\n  action-fail\n{handled}"));
    let after = outline(|session| {
        session.event(|| ());
        fail(session);
    });
    let handled = "  event: rotate_action";
    assert_eq!(after, format!("app/0: rotate event [error: the action failed]\n{handled}\n  action-fail"));

    // An error says more.
    let fails = outline(|session| {
        fail(session);
        session.failed(&"cannot start");
    });
    assert_eq!(fails, "app/0: rotate event [error: cannot start]\n  action-fail");
}

fn fail(session: &Session) {
    session.dispatch().action_fail("no").expect("it is an action");
}

/// Returns the trace of an action in which `work` is done.
fn outline(work: fn(&mut Session)) -> String {
    let _turn = take_turn();
    let directory = tempfile::tempdir().expect("a directory");
    let model = Model::new("app/0");
    model.begin_hook(HookContext::action(serde_json::json!({})));
    let dispatch = Dispatch::from_vars(
        OF_UNIT.into_iter().chain([("JUJU_DISPATCH_PATH", "actions/rotate"), ("JUJU_ACTION_NAME", "rotate")]),
    );
    let dispatch = dispatch.with_hook_tools(Arc::new(model));
    let mut session = Session::start(dispatch, Config::new().buffer_path(directory.path().join("queue")));
    work(&mut session);
    assert!(session.finish(None).buffered);
    let traces = queue::traces(&directory.path().join("queue"));
    let [trace] = &traces[..] else { panic!("one trace: {traces:?}") };
    trace.trace().expect("an intact trace").outline().status().to_string()
}
