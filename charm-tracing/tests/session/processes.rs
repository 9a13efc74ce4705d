//! Processes that run in a span.

use std::process::{Command, Stdio};

use charm_testing::Trace;
use charm_tracing::juju::testing::HookContext;
use charm_tracing::opentelemetry::Context;
use charm_tracing::process::CommandExt as _;

use super::conventions::{hook, trace_of};
use super::take_turn;

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).stdout(Stdio::piped());
    command
}

fn outline(trace: &Trace) -> String {
    let shown = ["process.executable.name", "process.command_args", "process.exit.code", "error.type"];
    trace.outline().status().kinds().attributes(&shown).to_string()
}

#[test]
fn a_process_is_a_client_span_named_after_its_executable() {
    let mut pid = 0;
    let trace = hook(|_| {
        assert!(shell("true").traced().status().unwrap().success());
        let output = shell("echo out; exit 3").traced().output().unwrap();
        assert_eq!((output.stdout.as_slice(), output.status.code()), (&b"out\n"[..], Some(3)));
        let mut child = shell("kill -9 $$").traced().spawn().unwrap();
        pid = child.id();
        assert!(child.try_wait().is_ok());
        assert!(!child.wait().unwrap().success());
        assert!(!child.wait().unwrap().success(), "as a plain `Child`");
    });
    assert_eq!(
        outline(&trace),
        "\
app/0: start event
  sh (client) {process.executable.name=sh, process.exit.code=0}
  sh (client) [error: exit status: 3] {process.executable.name=sh, process.exit.code=3, error.type=3}
  sh (client) [error: signal: 9 (SIGKILL)] {process.executable.name=sh, error.type=signal 9}"
    );
    let pids: Vec<_> =
        trace.iter().filter(|span| span.name == "sh").map(|span| span.attribute("process.pid")).collect();
    assert!(pids[0].is_some());
    assert_eq!(pids[1], None, "`output` does not tell it");
    assert_eq!(pids[2].unwrap().to_string(), pid.to_string());
}

#[test]
fn arguments_are_recorded_only_if_asked_for() {
    let trace = hook(|_| {
        let _ = shell("exit 0 # hunter2").traced().status();
        let _ = Command::new("true").arg("--now").traced().with_arguments().status();
    });
    assert!(!format!("{trace:?}").contains("hunter2"));
    assert_eq!(trace.span("true").attribute("process.command_args").unwrap().to_string(), "[true, --now]");
}

#[test]
fn a_program_that_does_not_exist_is_a_failed_span_and_the_plain_error() {
    let trace = hook(|_| {
        let run = || Command::new("/no/such-program").traced().output();
        assert_eq!(run().unwrap_err().kind(), std::io::ErrorKind::NotFound);
        assert!(Command::new("/no/such-program").traced().spawn().is_err());
    });
    let failed = "  such-program (client) [error: No such file or directory (os error 2)] \
                  {process.executable.name=such-program, error.type=std::io::error::Error}";
    assert_eq!(outline(&trace), format!("app/0: start event\n{failed}\n{failed}"));
}

#[test]
fn the_process_gets_the_context_of_its_span() {
    let variables = [
        ("JUJU_DISPATCH_PATH", "hooks/start"),
        ("TRACEPARENT", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("TRACESTATE", "rojo=00f067aa,congo=t61r"),
    ];
    let mut seen = String::new();
    let trace = trace_of(&variables, HookContext::new(), |session| {
        session.event(|| {
            let output = shell("echo $TRACEPARENT $TRACESTATE").traced().output().unwrap();
            seen = String::from_utf8(output.stdout).unwrap();
        });
    });
    let span = trace.span("sh");
    assert_eq!(span.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(seen, format!("00-{}-{}-01 rojo=00f067aa,congo=t61r\n", span.trace_id, span.span_id));
}

#[test]
fn a_child_that_is_dropped_ends_its_span_and_goes_on() {
    let trace = hook(|_| {
        let mut child = shell("read line").stdin(Stdio::piped()).traced().spawn().unwrap();
        let stdin = child.stdin.take();
        drop(child);
        drop(stdin);
    });
    assert_eq!(outline(&trace), "app/0: start event\n  sh (client) {process.executable.name=sh}");
}

#[test]
fn without_a_session_or_without_traced_a_command_is_left_alone() {
    let script = "echo \"$TRACEPARENT|$TRACESTATE\"";
    {
        let _turn = take_turn();
        let mut command = shell(script);
        let output = command.traced().output().unwrap();
        assert_eq!(output.stdout, shell(script).output().unwrap().stdout);
        assert!(!command.get_envs().any(|(name, _)| name == "TRACEPARENT"));
    }
    let trace = hook(|_| {
        let mut command = shell(script);
        let _ = command.output();
        assert_eq!(command.get_envs().count(), 0);
    });
    assert_eq!(outline(&trace), "app/0: start event");
}

#[test]
fn where_telemetry_is_suppressed_a_command_is_left_alone() {
    let trace = hook(|_| {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        let mut command = shell("true");
        assert!(command.traced().status().unwrap().success());
        assert_eq!(command.get_envs().count(), 0);
    });
    assert_eq!(outline(&trace), "app/0: start event");
}
