//! A logger of the crate `log` in a session. It is not installed, so that the tests of this process can have several.

use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use charm_testing::Trace;
use charm_tracing::juju::testing::{HookContext, Model};
use charm_tracing::juju::{Dispatch, HookToolCall, HookToolError, HookToolOutput, HookTools};
use charm_tracing::opentelemetry::trace::TraceContextExt;
use charm_tracing::opentelemetry::{Context, trace};
use charm_tracing::{Config, JujuLogger, Session, TracedCharm, testing};
use log::{Level, Log, Record};
use tests::recording::{start_dispatch, take_turn};

struct MyCharm;

impl TracedCharm for MyCharm {
    fn config() -> Config {
        Config::new()
    }

    fn destination(&self) -> Option<charm_tracing::Destination> {
        None
    }
}

/// Plays a dispatch whose handler gets the logger. Returns the lines of Juju's log without the first two, and the trace.
fn logged(logger: JujuLogger, handle: impl FnOnce(&dyn Log)) -> (Vec<String>, Trace) {
    let _turn = take_turn();
    let (juju, logger) = (Model::new("app/0"), logger.build());
    let new = |_: &Dispatch| Ok::<_, String>(MyCharm);
    let handle = |_: &mut MyCharm, _: &Dispatch| {
        handle(&*logger);
        Ok::<_, String>(())
    };
    let dispatched = testing::dispatch(&juju, "start", HookContext::new(), new, handle);
    let lines = juju.log().into_iter().skip(2).map(|line| format!("{} {}", line.level, line.message));
    (lines.collect(), dispatched.trace)
}

fn log(logger: &dyn Log, level: Level, message: &str) {
    logger.log(&Record::builder().level(level).target("my_charm").args(format_args!("{message}")).build());
}

#[test]
fn juju_gets_the_levels_that_are_asked_for_and_the_trace_gets_all() {
    let logger = JujuLogger::new("debug").juju_level(log::LevelFilter::Warn);
    let (lines, trace) = logged(logger, |logger| {
        for level in Level::iter() {
            log(logger, level, level.as_str());
        }
    });
    assert_eq!(lines, ["ERROR ERROR", "WARNING WARN"]);
    let event = trace.span("event: start");
    let names: Vec<_> = event.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["start", "ERROR", "WARN", "INFO", "DEBUG"]);
}

#[test]
fn trace_ids_are_those_of_the_current_span() {
    let (lines, trace) = logged(JujuLogger::new("info").trace_ids(true), |logger| {
        charm_tracing::event("inner", || log(logger, Level::Info, "in it"));
    });
    let span = trace.span("event: inner");
    assert_eq!(lines, [format!("INFO in it trace_id={} span_id={}", span.trace_id, span.span_id)]);
}

#[test]
fn a_line_keeps_its_place_among_those_that_the_charm_writes_itself() {
    let (lines, _) = logged(JujuLogger::new("info"), |logger| {
        for number in 0..50 {
            log(logger, Level::Info, &number.to_string());
        }
    });
    let expected: Vec<_> = (0..50).map(|number| format!("INFO {number}")).collect();
    assert_eq!(lines, expected);
}

#[test]
fn a_line_in_code_that_has_the_span_locked_does_not_wait_for_itself() {
    struct Logs<'a>(&'a dyn Log);
    impl std::fmt::Debug for Logs<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Logs")
        }
    }
    impl std::fmt::Display for Logs<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            log(self.0, Level::Info, "while it is shown");
            f.write_str("an error")
        }
    }
    impl std::error::Error for Logs<'_> {}
    let (lines, trace) = logged(JujuLogger::new("info"), |logger| {
        // OpenTelemetry formats the error while the span is locked.
        Context::current().span().record_error(&Logs(logger));
        trace::get_active_span(|_| log(logger, Level::Info, "inside of it"));
    });
    assert_eq!(lines, ["INFO while it is shown", "INFO inside of it"]);
    let names: Vec<_> = trace.span("event: start").events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["start", "while it is shown", "exception", "inside of it"]);
}

#[test]
fn a_line_outside_of_a_session_or_of_the_charms_work_is_in_no_trace() {
    let (lines, trace) = logged(JujuLogger::new("info"), |logger| {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        log(logger, Level::Info, "suppressed");
    });
    assert_eq!(lines, ["INFO suppressed"]);
    assert_eq!(trace.span("event: start").events.len(), 1);
    let _turn = take_turn();
    log(&*JujuLogger::new("info").build(), Level::Info, "before the session");
}

#[test]
fn only_the_first_of_two_sessions_has_the_lines() {
    let _turn = take_turn();
    let models = [Arc::new(Model::new("app/0")), Arc::new(Model::new("app/1"))];
    let logger = JujuLogger::new("info").build();
    let config = || Config::new().buffer_max_events(0);
    let first = Session::start(start_dispatch(&models[0]), config());
    let second = Session::start(start_dispatch(&models[1]), config());
    log(&*logger, Level::Info, "to the first");
    drop((second, first));
    let third = Session::start(start_dispatch(&models[1]), config());
    log(&*logger, Level::Info, "to the next");
    drop(third);
    let said =
        |model: &Model| model.log().into_iter().filter(|line| line.level == "INFO").map(|line| line.message);
    assert_eq!(said(&models[0]).collect::<Vec<_>>(), ["to the first"]);
    assert_eq!(said(&models[1]).collect::<Vec<_>>(), ["to the next"]);
}

/// Hook tools that log each call, as an HTTP client or a socket may.
#[derive(Debug, Default)]
struct LogsItsCalls {
    logger: OnceLock<Box<dyn LogDebug>>,
    lines: Mutex<Vec<String>>,
}

trait LogDebug: Log + std::fmt::Debug {}

#[derive(Debug)]
struct Logger(JujuLogger);

impl Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        self.0.clone().build().log(record);
    }

    fn flush(&self) {}
}

impl LogDebug for Logger {}

impl HookTools for LogsItsCalls {
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        if let Some(logger) = self.logger.get() {
            log(&**logger, Level::Info, "a hook tool is called");
        }
        self.lines.lock().unwrap().extend(call.args().last().cloned());
        Ok(HookToolOutput::default())
    }
}

#[test]
fn a_hook_tool_that_logs_is_not_called_for_its_own_line() {
    let _turn = take_turn();
    let tools = Arc::new(LogsItsCalls::default());
    let dispatch =
        start_dispatch(&Arc::new(Model::new("app/0"))).with_hook_tools(Arc::<LogsItsCalls>::clone(&tools));
    let session = Session::start(dispatch, Config::new().buffer_max_events(0));
    let logger = JujuLogger::new("info");
    tools.lines.lock().unwrap().clear();
    tools.logger.set(Box::new(Logger(logger.clone()))).unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| log(&*logger.clone().build(), Level::Info, "a line"));
        }
    });
    assert_eq!(*tools.lines.lock().unwrap(), ["a line", "a line"]);
    drop(session);
}
