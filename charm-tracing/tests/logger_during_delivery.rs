//! A charm that logs everything hears nothing below WARN of a delivery, and its own level is as before afterwards. If its logger
//! panics at a line of ours, no hook fails.
//! The logger of a process can be set only once, so this file has one test.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use charm_testing::collector::Collector;
use charm_tracing::juju::Dispatch;
use charm_tracing::{Config, Destination, Session};
use log::{Level, LevelFilter};

static LINES: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());
static PANICS: AtomicBool = AtomicBool::new(false);

struct Everything;

impl log::Log for Everything {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        assert!(
            !PANICS.load(Ordering::Relaxed) || !record.target().starts_with("charm_tracing"),
            "{}",
            record.args()
        );
        LINES.lock().unwrap().push((record.level(), record.args().to_string()));
    }

    fn flush(&self) {}
}

#[test]
fn the_charms_logger_hears_nothing_below_a_warning_of_a_delivery() {
    log::set_logger(&Everything).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let directory = tempfile::tempdir().unwrap();
    let collector = Collector::start();
    let closed = "http://127.0.0.1:9".to_owned();
    for endpoint in [collector.endpoint(), closed] {
        let mut session = Session::start(dispatch(directory.path()), Config::new());
        session.event(|| log::trace!("handled"));
        LINES.lock().unwrap().retain(|(_, line)| line == "handled");
        session.finish(Some(Destination::new(endpoint, None)));
        log::trace!("over");
        let lines = std::mem::take(&mut *LINES.lock().unwrap());
        let loud: Vec<_> = lines.iter().filter(|(level, _)| *level > Level::Warn).collect();
        assert_eq!(loud, [&(Level::Trace, "handled".to_owned()), &(Level::Trace, "over".to_owned())]);
    }
    assert_eq!(collector.requests().len(), 1, "it was delivered");

    log::set_max_level(LevelFilter::Error);
    Session::start(dispatch(directory.path()), Config::new().buffer_max_events(0)).finish(None);
    assert_eq!(log::max_level(), LevelFilter::Error, "never raised");

    log::set_max_level(LevelFilter::Trace);
    PANICS.store(true, Ordering::Relaxed);
    let odd = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=c".to_owned()),
        ("OTEL_RESOURCE_ATTRIBUTES", "team".to_owned()),
        ("OTEL_SERVICE_NAME", "other".to_owned()),
    ];
    let grpc = [
        ("JUJU_CHARM_TRACE_CONFIG_GRPC", "tempo:4317".to_owned()),
        ("JUJU_CHARM_TRACE_CONFIG_HTTP", String::new()),
    ];
    let protocol = [odd[0].clone(), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc".to_owned())];
    for variables in [&odd[..], &grpc, &protocol] {
        let more = variables.iter().map(|(name, value)| (*name, value.as_str()));
        let mut session = Session::start(dispatch_with(directory.path(), more), Config::new());
        session.event(|| log::trace!(target: "charm", "handled"));
        session.finish(None);
    }
}

fn dispatch(charm_dir: &Path) -> Dispatch {
    dispatch_with(charm_dir, [])
}

fn dispatch_with<'a>(charm_dir: &'a Path, more: impl IntoIterator<Item = (&'a str, &'a str)>) -> Dispatch {
    let own = [
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_DISPATCH_PATH", "hooks/start"),
        ("JUJU_MODEL_NAME", "testing"),
        ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
        ("JUJU_CHARM_DIR", charm_dir.to_str().unwrap()),
    ];
    Dispatch::from_vars(own.into_iter().chain(more))
}
