//! Sessions in the process of the test: the lines of Juju's log, failures outside of the event, losses, damaged files. A
//! session is a global of the process, so the tests take turns. So is the logger: only `own_main` sets one in this process.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

use std::sync::{Mutex, MutexGuard, PoisonError};

mod async_events;
mod conventions;
mod damage;
mod log;
mod logger_of_a_charm;
mod own_main;
mod processes;
mod propagation;
mod told_losses;

/// Waits until no other test has a session.
fn take_turn() -> MutexGuard<'static, ()> {
    static ONE_SESSION: Mutex<()> = Mutex::new(());
    ONE_SESSION.lock().unwrap_or_else(PoisonError::into_inner)
}
