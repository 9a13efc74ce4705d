//! A logger that writes each line into Juju's log.

use std::cell::Cell;
use std::sync::OnceLock;

use charm_tracing::juju::{Dispatch, HookToolErrorKind};
use log::{LevelFilter, Log, Metadata, Record};

use crate::store_and_read;

static LOGGER: OnceLock<ByJuju> = OnceLock::new();

thread_local! {
    static IS_LOGGING: Cell<bool> = const { Cell::new(false) };
}

struct ByJuju(Dispatch);

impl Log for ByJuju {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        assert!(!IS_LOGGING.replace(true), "a line is logged while one is logged: {}", record.args());
        let line = format!("logged by {}: {}", record.target(), record.args());
        self.0.juju_log(record.level(), &line).expect("logged");
        IS_LOGGING.set(false);
    }

    fn flush(&self) {}
}

/// Logs all lines over the connection of this dispatch.
pub(crate) fn install(dispatch: &Dispatch) {
    let logger = LOGGER.get_or_init(|| ByJuju(dispatch.clone()));
    log::set_logger(logger).expect("the first");
    log::set_max_level(LevelFilter::Trace);
}

/// Logs at each level, between hook tools that succeed and fail.
pub(crate) fn log(dispatch: &Dispatch) {
    log::trace!("first");
    store_and_read(dispatch, "before");
    let error = crate::fail(dispatch);
    assert_eq!(error.kind(), HookToolErrorKind::NotFound, "{error}");
    log::error!("last");
}
