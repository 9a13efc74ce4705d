//! A charm that meets what the examples do not: refusals, errors, standard input, and much output.

use std::collections::BTreeMap;
use std::env;
use std::process::ExitCode;

use charm_testing::{Event, Juju, Outcome, ToolFault};
use serde_json::json;
use tracing_relation::juju::HookToolErrorKind::{InvalidOutput, NotFound, NotInHookContext, RelationGone};
use tracing_relation::juju::{Dispatch, HookToolCall, HookToolError, LogLevel, StatusValue};

use crate::go::{Go, as_logged};

/// The argument that makes this program the charm.
pub(crate) const AS_CHARM: &str = "charm";

/// Juju's limit of one stored value, and as many as make 10 MB.
const VALUE: usize = 64 * 1024;
const VALUES: usize = 160;

const LINES: usize = 40;

/// The charm: handles an event, and panics unless its hook tools end as they must.
pub(crate) fn charm() -> ExitCode {
    let dispatch = Dispatch::from_env();
    match dispatch.event() {
        "log_action" => log(&dispatch),
        "errors_action" => errors(&dispatch),
        "input_action" => input(&dispatch),
        "much_action" => much(&dispatch),
        "too_much_action" => too_much(&dispatch),
        "stale_action" => stale(&dispatch),
        other => panic!("unexpected event {other}"),
    }
    ExitCode::SUCCESS
}

/// Runs the charm for each of its events.
pub(crate) fn play(go: &Go, version: &str) {
    let myself = env::current_exe().expect("a running program has a path");
    let command = format!("'{}' {AS_CHARM}", myself.display());
    let mut juju = go.deploy(&command).juju_version(version);

    let outcome = act(&mut juju, "log");
    Go::check_one_connection(&juju, &outcome);
    check_log(&outcome);
    let outcome = act(&mut juju, "errors");
    Go::check_one_connection(&juju, &outcome);

    let outcome = act(&mut juju, "input");
    let asked: Vec<_> = Go::calls(&juju, &outcome).into_iter().map(|call| call.line).collect();
    let reached: Vec<_> = outcome.calls.iter().map(|call| as_logged(call)).collect();
    assert_eq!(
        asked[..2],
        [&*reached[0], &*reached[0]],
        "the Go agent wants input that was not sent: {outcome}"
    );
    assert_eq!(asked[1..], reached, "{outcome}");

    juju.set_config("text", json!("\u{e9}".repeat(VALUE * VALUES / 2)));
    let outcome = act(&mut juju, "much");
    Go::check_one_connection(&juju, &outcome);

    // The connection on which too much was sent is given up.
    juju.break_tool("goal-state", ToolFault::Floods(17 << 20));
    let outcome = act(&mut juju, "too-much");
    let connections: Vec<_> = Go::calls(&juju, &outcome).iter().map(|call| call.connection).collect();
    assert_eq!(connections, [1, 1, 2], "{outcome}");

    let stale = format!("env JUJU_CONTEXT_ID=app/0-stop-7 {command}");
    let mut juju = go.deploy(&stale).juju_version(version);
    let outcome = act(&mut juju, "stale");
    assert!(Go::calls(&juju, &outcome).is_empty() && outcome.calls.is_empty(), "no tool runs: {outcome}");

    // Shows that a process would be noticed above, and that the simulated hook tool can talk to Go.
    let mut juju = go.deploy_with_processes(&command).juju_version(version);
    let outcome = act(&mut juju, "log");
    check_log(&outcome);
    let connections: Vec<_> = Go::calls(&juju, &outcome).iter().map(|call| call.connection).collect();
    assert!(
        connections.iter().copied().eq(1..=u32::try_from(outcome.calls.len()).expect("few")),
        "{outcome}"
    );
}

fn act(juju: &mut Juju, name: &str) -> Outcome {
    let outcome = juju.dispatch(Event::action(name, json!({"greeting": "\u{1f44b} \"hello\""})));
    assert!(outcome.success(), "{outcome}");
    outcome
}

/// Writes numbered lines, some of which it does not wait for, and calls other tools in between.
fn log(dispatch: &Dispatch) {
    let socket = dispatch.var("JUJU_AGENT_SOCKET_ADDRESS").expect("Juju has set it");
    let is_old = dispatch.var("JUJU_VERSION").is_some_and(|version| version.starts_with('2'));
    assert!(socket.ends_with("/go.socket") && socket.starts_with('@') == is_old, "{socket}");
    for number in 0..LINES {
        let line = format!("line {number}");
        match number % 4 {
            0 => done(dispatch.juju_log(LogLevel::Info, &line)),
            1 => done(dispatch.status_set(&StatusValue::Active, &line)),
            _ => dispatch.juju_log_without_waiting(LogLevel::Info, &line),
        }
    }
    let parameters: BTreeMap<String, String> = done(dispatch.action_get());
    done(dispatch.action_set(parameters));
}

fn check_log(outcome: &Outcome) {
    let lines: Vec<_> = outcome.log.iter().map(|line| line.message.clone()).collect();
    let expected: Vec<_> = (0..LINES).filter(|n| n % 4 != 1).map(|n| format!("line {n}")).collect();
    assert_eq!(lines, expected, "{outcome}");
    let results = outcome.action.as_ref().expect("it was an action");
    assert!(format!("{results:?}").contains("hello"), "{results:?}");
}

/// Calls tools that fail with exit code 1 and 2, and goes on to use the connection.
fn errors(dispatch: &Dispatch) {
    let tools = dispatch.hook_tools();
    let gone = HookToolCall::new("relation-get").arg("-r").arg("tracing:99").arg("-").arg("app/0");
    let error = tools.run(&gone).expect_err("there is no such relation");
    assert_eq!((error.kind(), error.code()), (RelationGone, Some(2)), "{error}");
    assert!(error.stderr().starts_with("ERROR invalid value \"tracing:99\""), "{}", error.stderr());

    let missing = HookToolCall::new("state-get").arg("--strict").arg("missing");
    let error = tools.run(&missing).expect_err("nothing is stored");
    assert_eq!((error.kind(), error.code()), (NotFound, Some(1)), "{error}");
    assert_eq!(done(dispatch.state_get_value("missing")), None);
    assert!(!done(dispatch.is_leader()));
}

/// Calls a tool without the standard input that it reads, and then with it.
fn input(dispatch: &Dispatch) {
    done(dispatch.hook_tools().run(&HookToolCall::new("state-set").arg("--file").arg("-")));
    assert!(done(dispatch.state_get()).is_empty(), "the input is empty");
    let values = [("text", "\u{e9}\u{1f600}=\"x\"\r\n\t\u{85}"), ("empty", ""), ("number", "0080")];
    done(dispatch.state_set(values));
    let expected = BTreeMap::from(values.map(|(key, value)| (key.to_owned(), value.to_owned())));
    assert_eq!(done(dispatch.state_get()), expected);
}

/// Stores 10 MB, and reads as much, in single values and at once.
fn much(dispatch: &Dispatch) {
    let value = |number: usize| format!("{number:08}").repeat(VALUE / 8);
    let values: BTreeMap<_, _> = (0..VALUES).map(|number| (format!("key-{number}"), value(number))).collect();
    done(dispatch.state_set(values.clone()));
    assert_eq!(done(dispatch.state_get_value("key-7")).as_ref(), values.get("key-7"));
    assert!(done(dispatch.state_get()).into_iter().filter(|(key, _)| key.starts_with("key-")).eq(values));
    let text: Option<String> = done(dispatch.config_get_option("text"));
    assert_eq!(text.map(|text| text.len()), Some(VALUE * VALUES));
}

/// Reads more than any tool may print, and calls another tool.
fn too_much(dispatch: &Dispatch) {
    assert!(!done(dispatch.is_leader()));
    let error = dispatch.goal_state().expect_err("it prints too much");
    assert_eq!(error.kind(), InvalidOutput, "{error}");
    assert_eq!(done(dispatch.state_get_value("key-7")).map(|value| value.len()), Some(VALUE));
}

/// Calls a tool with the context id of an earlier hook.
fn stale(dispatch: &Dispatch) {
    for _ in 0..2 {
        let error = dispatch.is_leader().expect_err("the hook is over");
        assert_eq!((error.kind(), error.code()), (NotInHookContext, Some(1)), "{error}");
        let refusal = "ERROR bad request: expected context id \"app/0-stale-";
        assert!(error.stderr().starts_with(refusal), "{}", error.stderr());
        assert!(error.stderr().ends_with(", got \"app/0-stop-7\"\n"), "{}", error.stderr());
    }
}

#[track_caller]
fn done<T>(result: Result<T, HookToolError>) -> T {
    result.unwrap_or_else(|error| panic!("{error}: {}", error.stderr()))
}
