//! The Juju log of the open session, for loggers of this process.
//!
//! A logger may be installed before the session starts, and there is one for the whole process. So it finds the dispatch here.

use std::cell::Cell;
use std::process;
use std::sync::{Arc, PoisonError, RwLock};

use tracing_relation::juju::Dispatch;

static OPEN: RwLock<Option<Arc<Dispatch>>> = RwLock::new(None);

thread_local! {
    static IS_WRITING: Cell<bool> = const { Cell::new(false) };
}

/// The right of a session to have what is logged in its dispatch. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct JujuLog {
    /// The id of the process that has the session; a forked child has another one.
    process: u32,
}

impl JujuLog {
    /// Takes the lines of this process for the dispatch; `None` if another session has them.
    pub(crate) fn open(dispatch: &Dispatch) -> Option<Self> {
        let mut open = OPEN.write().unwrap_or_else(PoisonError::into_inner);
        if open.is_some() {
            return None;
        }
        *open = Some(Arc::new(dispatch.clone()));
        Some(Self { process: process::id() })
    }
}

impl Drop for JujuLog {
    fn drop(&mut self) {
        // In a forked child, a thread that does not exist may read it.
        if self.process != process::id() {
            return;
        }
        let closed = OPEN.write().unwrap_or_else(PoisonError::into_inner).take();
        // It is dropped when the lock is free, because it may hold hook tools of the charm.
        drop(closed);
    }
}

/// Writes a line into Juju's log. Does nothing if no session is open.
pub(crate) fn write(level: log::Level, line: &str) {
    // Released before the hook tool runs.
    let open = OPEN.read().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(dispatch) = open {
        dispatch.juju_log_for_logger(level, line);
    }
}

/// Does the work of a logger. Does nothing if the calling thread does such work already: the hook tool, or the `Display` of
/// a value, has logged.
pub(crate) fn unless_writing(work: impl FnOnce()) {
    if IS_WRITING.replace(true) {
        return;
    }
    let _until_done = Writing;
    work();
}

struct Writing;

impl Drop for Writing {
    fn drop(&mut self) {
        IS_WRITING.set(false);
    }
}

/// The crates whose lines are written only if a filter names them: this project's own, and those that deliver traces.
const SILENT: [&str; 6] =
    ["charm_tracing", "opentelemetry", "rustls", "tracing_relation", "ureq", "ureq_proto"];

/// Returns true if lines with this target are written only if a filter names the crate.
#[cfg(feature = "tracing")]
pub(crate) fn is_silent(target: &str) -> bool {
    SILENT.contains(&crate_of(target))
}

/// Returns the crates that are silent under a filter in the style of `RUST_LOG`.
#[cfg(feature = "log")]
pub(crate) fn silent_under(filter: &str) -> Vec<&'static str> {
    let named = |name: &str| filter.split(',').any(|directive| crate_of(directive.trim()) == name);
    SILENT.into_iter().filter(|name| !named(name)).collect()
}

/// Returns the crate that a target begins with, or a directive of a filter.
pub(crate) fn crate_of(target: &str) -> &str {
    target.split([':', '=', '/']).next().unwrap_or(target)
}
