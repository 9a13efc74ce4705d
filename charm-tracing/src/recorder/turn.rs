//! Lets recordings, sessions and scopes of `switch_off` take turns, for tests that run beside each other in one process.
//!
//! It exists with the feature `testing` only. In a charm nothing here runs: a session never waits for another one there.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::globals;

/// The permission of a thread to use the process globals. Another thread gets it when all permissions of this thread are
/// dropped. They may be dropped on any thread, and while a panic unwinds.
#[derive(Debug)]
pub(crate) struct Turn(Use);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Recording,
    Session,
    SwitchedOff,
}

/// The reason why a thread gets no turn: `holder` has the turn, and waiting would not help.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("this thread holds {}", .holder.remedy())]
    ByThisThread { holder: Use },
    #[error("for {} seconds another thread has held {}", PATIENCE.as_secs(), .holder.remedy())]
    ByAnotherThread { holder: Use },
}

/// The maximum time to wait for one turn. A test of a charm's code takes less, so only a deadlock or a turn that is never
/// dropped lasts longer.
const PATIENCE: Duration = Duration::from_secs(60);

static TURNS: Mutex<Turns> = Mutex::new(Turns { current: None, taken: 0 });
static GIVEN_BACK: Condvar = Condvar::new();

struct Turns {
    current: Option<Current>,
    taken: u64,
}

struct Current {
    thread: ThreadId,
    /// The purposes of the thread's permissions that are not dropped yet. There is at least one.
    uses: Vec<Use>,
    /// A number that distinguishes a turn from the next one of the same thread.
    number: u64,
}

impl Turn {
    /// Waits until no other thread has a turn.
    pub(crate) fn take(purpose: Use) -> Result<Self, Refused> {
        // A charm that is built with the feature `testing` by mistake must not wait. It has no recording, and unlike a test it
        // uses the main thread.
        let may_wait = purpose == Use::Recording || thread::current().name() != Some("main");
        Self::wait(purpose, if may_wait { PATIENCE } else { Duration::ZERO })
    }

    /// Waits as [`take`](Self::take) does: at most `patience`, or [`PATIENCE`] if the other thread has a recording.
    fn wait(purpose: Use, patience: Duration) -> Result<Self, Refused> {
        let thread = thread::current().id();
        let mut turns = lock();
        while let Some(current) = &mut turns.current {
            let (holder, number) = (current.holder(), current.number);
            if current.thread == thread {
                if purpose.records() && holder.records() {
                    return Err(Refused::ByThisThread { holder });
                }
                current.uses.push(purpose);
                return Ok(Self(purpose));
            }
            let patience = if holder == Use::Recording { PATIENCE } else { patience };
            let is_held =
                |turns: &mut Turns| turns.current.as_ref().is_some_and(|current| current.number == number);
            let waited = GIVEN_BACK.wait_timeout_while(turns, patience, is_held);
            let (after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            if timeout.timed_out() {
                return Err(Refused::ByAnotherThread { holder });
            }
            turns = after;
        }
        turns.taken += 1;
        turns.current = Some(Current { thread, uses: vec![purpose], number: turns.taken });
        Ok(Self(purpose))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // A thread that does not exist after a fork may hold the lock.
        if globals::is_of_another_process() {
            return;
        }
        let mut turns = lock();
        let Some(Current { uses, .. }) = &mut turns.current else { return };
        if let Some(place) = uses.iter().position(|each| *each == self.0) {
            uses.swap_remove(place);
            if uses.is_empty() {
                turns.current = None;
                GIVEN_BACK.notify_all();
            }
        }
    }
}

impl Current {
    /// Returns the use that records; [`Use::SwitchedOff`] if none does.
    fn holder(&self) -> Use {
        self.uses.iter().copied().find(|each| each.records()).unwrap_or(Use::SwitchedOff)
    }
}

impl Refused {
    pub(crate) fn holder(&self) -> Use {
        match self {
            Self::ByThisThread { holder } | Self::ByAnotherThread { holder } => *holder,
        }
    }
}

impl Use {
    fn records(self) -> bool {
        self != Self::SwitchedOff
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Recording => "a `Recording`, which must be dropped first",
            Self::Session => "a `Session`, which must be finished first",
            Self::SwitchedOff => "the guard of `switch_off`, which must be dropped first",
        }
    }
}

fn lock() -> MutexGuard<'static, Turns> {
    TURNS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_is_never_given_back_is_not_waited_for_for_ever() {
        let turn = Turn::take(Use::Session).unwrap();
        let impatient = || Turn::wait(Use::Recording, Duration::ZERO).unwrap_err();
        let refused = thread::spawn(impatient).join().unwrap();
        assert_eq!(refused.holder(), Use::Session);
        assert_eq!(
            refused.to_string(),
            "for 60 seconds another thread has held a `Session`, which must be finished first"
        );
        drop(turn);
    }
}
