//! The attributes of OpenTelemetry's semantic conventions and of `ops-tracing`.

use std::sync::Arc;

use charm_testing::{Trace, queue};
use charm_tracing::juju::testing::{HookContext, Model};
use charm_tracing::juju::{Dispatch, HookToolCall};
use charm_tracing::{Config, Session, trace_fn};

use super::take_turn;

pub(super) const OF_UNIT: [(&str, &str); 3] =
    [("JUJU_UNIT_NAME", "app/0"), ("JUJU_MODEL_NAME", "m"), ("JUJU_MODEL_UUID", "u")];

/// Returns the trace of a dispatch in which `work` is done.
pub(super) fn trace_of(
    variables: &[(&str, &str)],
    context: HookContext,
    work: impl FnOnce(&mut Session),
) -> Trace {
    let _turn = take_turn();
    let directory = tempfile::tempdir().expect("a directory");
    let model = Model::new("app/0");
    model.begin_hook(context);
    let dispatch =
        Dispatch::from_vars(OF_UNIT.iter().chain(variables).copied()).with_hook_tools(Arc::new(model));
    let mut session = Session::start(dispatch, Config::new().buffer_path(directory.path().join("queue")));
    work(&mut session);
    assert!(session.finish(None).buffered);
    let traces = queue::traces(&directory.path().join("queue"));
    let [trace] = &traces[..] else { panic!("one trace: {traces:?}") };
    trace.trace().expect("an intact trace")
}

pub(super) fn hook(work: impl FnOnce(&mut Session)) -> Trace {
    trace_of(&[("JUJU_DISPATCH_PATH", "hooks/start")], HookContext::new(), work)
}

#[trace_fn]
fn read() -> Result<(), std::io::Error> {
    Err(std::io::Error::other("disk on fire"))
}

#[trace_fn]
async fn never() {
    std::future::pending::<()>().await;
}

#[test]
fn a_failed_span_names_the_kind_of_its_failure() {
    let trace = hook(|session| {
        let failed: Result<(), Vec<String>> = session.try_event(|| {
            assert!(read().is_err());
            let mut cancelled = Box::pin(never());
            let _ = cancelled.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
            drop(cancelled);
            let custom = charm_tracing::try_event("renewed", || "two".parse::<u8>());
            assert!(custom.is_err());
            Err(vec!["no config".to_owned()])
        });
        assert!(failed.is_err());
    });
    assert_eq!(
        trace.outline().attributes(&["event_type", "error.type"]).to_string(),
        "\
app/0: start event {error.type=alloc::vec::Vec}
  event: start {event_type=hook, error.type=alloc::vec::Vec}
    function call: read {error.type=std::io::error::Error}
    function call: never {error.type=cancelled}
    event: renewed {event_type=custom, error.type=core::num::error::ParseIntError}"
    );
}

#[test]
fn a_panic_is_the_kind_of_the_spans_it_passes() {
    let trace = hook(|session| {
        let caught =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| session.event(|| panic!("on purpose"))));
        assert!(caught.is_err());
    });
    assert_eq!(trace.span("event: start").attribute("error.type").unwrap(), "panic");
    assert_eq!(trace.span("app/0: start event").attribute("error.type"), None, "it was caught");
}

#[test]
fn an_action_is_an_event_of_its_own_kind() {
    let variables = [("JUJU_DISPATCH_PATH", "actions/rotate"), ("JUJU_ACTION_NAME", "rotate")];
    let trace = trace_of(&variables, HookContext::action(serde_json::json!({})), |session| {
        let dispatch = session.dispatch().clone();
        session.event(|| dispatch.action_fail("no").unwrap());
    });
    assert_eq!(
        trace.outline().attributes(&["event_type", "process.exit.code", "error.type"]).to_string(),
        "\
app/0: rotate event {error.type=action-fail}
  event: rotate_action {event_type=action, error.type=action-fail}
    action-fail {process.exit.code=0}"
    );
}

#[test]
fn a_hook_tool_has_its_exit_code_which_is_the_kind_of_its_failure() {
    let trace = hook(|session| {
        let tools = Arc::clone(session.dispatch().hook_tools());
        assert!(tools.run(&HookToolCall::new("relation-get").arg("--no-such-option")).is_err());
        assert!(tools.run(&HookToolCall::new("is-leader").arg("--format=json")).is_ok());
    });
    assert_eq!(
        trace.outline().status().attributes(&["process.exit.code", "error.type"]).to_string().lines().count(),
        3
    );
    let failed = trace.span("relation-get");
    let code = failed.attribute("process.exit.code").expect("an exit code").to_string();
    assert_ne!(code, "0");
    assert_eq!(failed.attribute("error.type").unwrap().to_string(), code);
    assert_eq!(trace.span("is-leader").attribute("process.exit.code").unwrap().to_string(), "0");
    assert_eq!(trace.span("is-leader").attribute("error.type"), None);
}

#[test]
fn a_kind_or_a_status_that_the_charm_has_set_is_kept() {
    #[trace_fn]
    fn own_kind() -> Result<(), String> {
        let span = charm_tracing::current_span().expect("it is traced");
        span.set_attribute(opentelemetry::KeyValue::new("error.type", "quota"));
        Err("full".to_owned())
    }
    #[trace_fn]
    fn no_failure() -> Result<(), String> {
        let span = charm_tracing::current_span().expect("it is traced");
        span.set_status(opentelemetry::trace::Status::Ok);
        Err("expected".to_owned())
    }
    let trace = hook(|_| {
        assert!(own_kind().is_err());
        assert!(no_failure().is_err());
    });
    assert_eq!(trace.span("function call: own_kind").attribute("error.type").unwrap(), "quota");
    assert_eq!(trace.span("function call: no_failure").attribute("error.type"), None);
}

#[test]
fn the_root_has_the_process_and_our_scope_its_schema() {
    let trace = hook(|session| session.event(|| ()));
    let root = trace.span("app/0: start event");
    assert_eq!(root.attribute("process.pid").unwrap().to_string(), std::process::id().to_string());
    assert_eq!(root.scope.schema_url, "https://opentelemetry.io/schemas/1.44.0");
}

#[test]
fn opentelemetrys_switch_counts_unless_ours_is_set() {
    let _turn = take_turn();
    let records = |variables: &[(&str, &str)]| {
        let directory = tempfile::tempdir().expect("a directory");
        let all = OF_UNIT.iter().chain(&[("JUJU_DISPATCH_PATH", "hooks/start")]).chain(variables).copied();
        let dispatch = Dispatch::from_vars(all).with_hook_tools(Arc::new(Model::new("app/0")));
        let session = Session::start(dispatch, Config::new().buffer_path(directory.path().join("queue")));
        let is_enabled = charm_tracing::is_enabled();
        drop(session);
        is_enabled
    };
    for (variables, expected) in [
        (&[][..], true),
        (&[("OTEL_SDK_DISABLED", "true")], false),
        (&[("OTEL_SDK_DISABLED", " TRUE ")], false),
        (&[("OTEL_SDK_DISABLED", "")], true),
        (&[("OTEL_SDK_DISABLED", "1")], true),
        (&[("OTEL_SDK_DISABLED", "true"), ("CHARM_TRACING_ENABLED", "1")], true),
        (&[("OTEL_SDK_DISABLED", "false"), ("CHARM_TRACING_ENABLED", "0")], false),
    ] {
        assert_eq!(records(variables), expected, "{variables:?}");
    }
}
