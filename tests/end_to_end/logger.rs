//! A charm with a logger for the crate `log`, as a process of its own: its lines are in Juju's log, and in its trace.

use std::env;
use std::fmt;
use std::process::ExitCode;
use std::thread;

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju, Outcome, ToolFault};
use charm_tracing::juju::Dispatch;
use charm_tracing::{JujuLogger, trace_charm};

use crate::unit::EITHER_WAY;

struct MyCharm {
    endpoint: Option<String>,
    files: u8,
}

#[trace_charm(tracing_endpoint = "endpoint", log = JujuLogger::new("debug").juju_level(juju_level()))]
impl MyCharm {
    fn new(dispatch: &Dispatch) -> Result<Self, String> {
        let endpoint = dispatch.var("OTEL_EXPORTER_OTLP_ENDPOINT").map(ToOwned::to_owned);
        Ok(Self { endpoint, files: 3 })
    }

    fn handle(&mut self, dispatch: &Dispatch) -> Result<(), String> {
        log::error!("no space is left");
        log::warn!(files = self.files, name = "app.conf", share = 0.5, whole = false; "rendered");
        if dispatch.var("LOG_IS_BROKEN").is_none() {
            dispatch.juju_log(log::Level::Info, "between").map_err(|error| error.to_string())?;
        }
        Self::render();
        // The thread is given no context, so its lines belong to the event.
        thread::scope(|scope| scope.spawn(|| log::info!("from another thread")).join())
            .map_err(|_| "panicked")?;
        log::info!("{Panics}");
        log::info!("{Logs}");
        Ok(())
    }

    fn render() {
        log::debug!("not for Juju");
        log::trace!("for nobody");
    }
}

/// Returns the level that a test asks for, else INFO.
fn juju_level() -> log::LevelFilter {
    let level = env::var("JUJU_LEVEL").ok().and_then(|level| level.parse().ok());
    level.unwrap_or(log::LevelFilter::Info)
}

struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("in Display")
    }
}

/// Logs itself while it is logged.
struct Logs;

impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        log::info!("{Self}");
        f.write_str("logged")
    }
}

/// A logger of the charm.
struct Silent;

impl log::Log for Silent {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        false
    }

    fn log(&self, _: &log::Record<'_>) {}

    fn flush(&self) {}
}

#[test]
#[ignore = "it is the `main` of the charm that the tests below deploy"]
fn charm() {
    if env::var_os("OWN_LOGGER").is_some() {
        log::set_logger(&Silent).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
    }
    assert_eq!(charm_tracing::run(MyCharm::new, MyCharm::handle), ExitCode::SUCCESS);
    if env::var_os("OWN_LOGGER").is_some() {
        assert_eq!(log::max_level(), log::LevelFilter::Warn);
    }
}

fn juju() -> Juju {
    juju_by("")
}

/// The charm, which this command runs.
fn juju_by(command: &str) -> Juju {
    let test = env::current_exe().unwrap();
    let script =
        format!("#!/bin/sh\nexec {command} '{}' --quiet --exact logger::charm --ignored\n", test.display());
    Juju::from_script(&script)
}

/// The lines of the charm in Juju's log, with their levels, without those of every traced dispatch.
fn lines(outcome: &Outcome) -> Vec<String> {
    let lines = outcome.log.iter().map(|line| format!("{} {}", line.level, line.message));
    lines.filter(|line| !line.starts_with("DEBUG Starting") && !line.starts_with("DEBUG Emitting")).collect()
}

#[test]
fn what_a_charm_logs_is_in_jujus_log_and_in_the_trace() {
    for way in EITHER_WAY {
        let collector = Collector::start();
        let event = Event::hook("start").env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint());
        let outcome = way(juju()).dispatch(event);
        assert!(outcome.success(), "{outcome}");
        let said = lines(&outcome);
        assert!(said[4].starts_with("INFO cannot format this message: "), "{said:?}");
        assert_eq!(
            [&said[..4], &said[5..]].concat(),
            [
                "ERROR no space is left",
                "WARNING rendered files=3 name=app.conf share=0.5 whole=false",
                "INFO between",
                "INFO from another thread",
                "INFO logged",
            ]
        );

        let trace = collector.trace();
        let names = |span: &str| -> Vec<_> {
            trace.span(span).events.iter().map(|event| event.name.clone()).collect()
        };
        let handled = names("method call: MyCharm.handle");
        assert_eq!(handled[..2], ["no space is left", "rendered"]);
        assert!(handled[2].starts_with("cannot format this message: "), "{handled:?}");
        assert_eq!(handled[3..], ["logged"]);
        assert_eq!(names("method call: MyCharm.render"), ["not for Juju"]);
        assert_eq!(names("event: start"), ["start", "from another thread"]);

        let rendered = trace.span("method call: MyCharm.handle").event("rendered").unwrap();
        let attributes: Vec<_> =
            rendered.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(
            attributes.join(" "),
            "level=WARN target=end_to_end::logger files=3 name=app.conf share=0.5 whole=false"
        );
    }
}

#[test]
fn what_a_charm_logs_is_in_jujus_log_when_nothing_is_traced() {
    let outcome = juju().dispatch(Event::hook("start").env("CHARM_TRACING_ENABLED", "0"));
    assert!(outcome.success(), "{outcome}");
    assert_eq!(lines(&outcome)[0], "ERROR no space is left");
    assert!(lines(&outcome).contains(&"INFO logged".to_owned()), "{outcome}");
}

#[test]
fn a_process_that_has_a_logger_keeps_it() {
    let outcome = juju().dispatch(Event::hook("start").env("OWN_LOGGER", "yes"));
    assert!(outcome.success(), "{outcome}");
    assert_eq!(lines(&outcome), ["INFO between"]);
}

#[test]
fn a_bad_rust_log_is_said_and_counts_as_info() {
    let outcome = juju().dispatch(Event::hook("start").env("RUST_LOG", "loud,,=\u{7f}=x"));
    assert!(outcome.success(), "{outcome}");
    let said = lines(&outcome);
    assert!(said[0].starts_with("WARNING cannot read the log filter "), "{said:?}");
    assert_eq!(said[1], "ERROR no space is left");
}

#[test]
fn a_rust_log_that_is_not_utf8_counts_as_none() {
    let outcome = juju_by(r#"env RUST_LOG="$(printf 'off\377')""#).dispatch(Event::hook("start"));
    assert!(outcome.success(), "{outcome}");
    assert_eq!(lines(&outcome)[0], "ERROR no space is left");
}

#[test]
fn a_service_name_that_collectors_sample_is_said_at_debug() {
    let said = |name: &str| {
        let event = Event::hook("start").env("OTEL_SERVICE_NAME", name);
        let event = event.env("RUST_LOG", "charm_tracing=debug").env("JUJU_LEVEL", "debug");
        let outcome = juju().dispatch(event);
        assert!(outcome.success(), "{outcome}");
        let hints = lines(&outcome).into_iter().filter(|line| line.contains("tail sampling"));
        hints.collect::<Vec<_>>()
    };
    let hint = "DEBUG the service name does not end in `-charm`: the tail sampling of the OpenTelemetry collector of \
                Canonical keeps only 1 % of the traces of such services";
    assert_eq!(said("front-door"), [hint]);
    assert_eq!(said("front-door-charm"), [""; 0]);
}

#[test]
fn a_log_that_is_broken_fails_no_hook() {
    for fault in [ToolFault::Missing, ToolFault::Exits(1, "no"), ToolFault::Killed, ToolFault::Hangs] {
        for way in EITHER_WAY {
            let mut juju = way(juju());
            juju.break_tool("juju-log", fault);
            let outcome = juju.dispatch(Event::hook("start").env("LOG_IS_BROKEN", "yes"));
            assert!(outcome.success(), "{fault:?}: {outcome}");
        }
    }
}
