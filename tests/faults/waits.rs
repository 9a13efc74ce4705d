//! How much longer a hook takes, as the document promises it: in classes that a busy machine does not move.

use std::time::Duration;

/// A time that a hook waits in vain, beside what it would take anyway.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait {
    /// As the document has it.
    pub(crate) text: &'static str,
    least: Duration,
    most: Duration,
}

/// There is nothing to wait for.
pub(crate) const NOTHING: Wait = wait("< 0.5", 0, 500);
/// An attempt at a backend that did not take the last one.
pub(crate) const SHORT: Wait = wait("0.3", 280, 800);
/// One request.
pub(crate) const SECOND: Wait = wait("1", 980, 1600);
/// A wait that depends on the system, within the time of one request.
pub(crate) const UP_TO_A_SECOND: Wait = wait("at most 1", 0, 1600);
/// A wait that depends on the system, in an attempt that is short.
pub(crate) const UP_TO_SHORT: Wait = wait("at most 0.3", 0, 800);
/// The time that a hook tool may take that is run for tracing alone, and what comes after it.
pub(crate) const TOOL: Wait = wait("at most 2", 280, 2700);
/// It is the charm, or another one beside it, that takes its time.
pub(crate) const WORK: Wait = wait("–", 0, 60_000);

const fn wait(text: &'static str, least: u64, most: u64) -> Wait {
    Wait { text, least: Duration::from_millis(least), most: Duration::from_millis(most) }
}

impl Wait {
    /// Returns true if a hook has waited so long, of which one without the fault takes `usual`.
    pub(crate) fn is_that_of(&self, wall: Duration, usual: Duration) -> bool {
        self.least <= wall && wall <= self.most + usual
    }
}
