use std::time::Duration;

use tracing_relation::juju::{Dispatch, HookToolErrorKind, PendingCall};

/// `juju-log` beside the charm's work: a line is sent while the charm goes on, and lines keep their order.
#[derive(Debug)]
pub(crate) struct JujuLog {
    dispatch: Dispatch,
    running: Option<PendingCall>,
    /// A tool that could not be started, or that hangs, will do so the next time, too.
    gone: bool,
}

/// How long a line may take before the dispatch stops waiting for it.
const PATIENCE: Duration = Duration::from_secs(1);

impl JujuLog {
    pub(crate) fn new(dispatch: Dispatch) -> Self {
        Self { dispatch, running: None, gone: false }
    }

    /// Sends a line. Whether it arrived is nobody's concern: a hook does not fail for its log.
    pub(crate) fn say(&mut self, level: log::Level, text: &str) {
        // The agent runs one tool at a time, but two that were started together may arrive in either order.
        self.settle();
        if self.gone {
            return;
        }
        match self.dispatch.juju_log(level, text) {
            Ok(pending) => self.running = Some(pending),
            Err(error) => {
                log::debug!("cannot reach juju-log: {error}");
                self.gone = true;
            }
        }
    }

    /// Waits for the line that is on its way.
    pub(crate) fn settle(&mut self) {
        if let Some(Err(error)) = self.running.take().map(|running| running.wait(PATIENCE)) {
            log::debug!("a line did not get into Juju's log: {error}");
            self.gone |= error.kind() == HookToolErrorKind::TimedOut;
        }
    }
}

impl Drop for JujuLog {
    fn drop(&mut self) {
        self.settle();
    }
}
