//! A charm that logs everything hears nothing below WARN of a delivery, and its own level is as before afterwards.
//! The logger of a process can be set only once, so this file has one test.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

use std::path::Path;
use std::sync::Mutex;

use charm_testing::collector::Collector;
use charm_tracing::juju::Dispatch;
use charm_tracing::{Config, Destination, Session};
use log::{Level, LevelFilter};

static LINES: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());

struct Everything;

impl log::Log for Everything {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
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
}

fn dispatch(charm_dir: &Path) -> Dispatch {
    Dispatch::from_vars([
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_DISPATCH_PATH", "hooks/start"),
        ("JUJU_MODEL_NAME", "testing"),
        ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
        ("JUJU_CHARM_DIR", charm_dir.to_str().unwrap()),
    ])
}
