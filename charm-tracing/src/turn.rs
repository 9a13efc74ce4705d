//! Lets recordings and sessions of one process take turns, for tests that run beside each other.
//!
//! It exists with the feature `testing` only. In a charm nothing here runs: a session never waits for another one there.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::globals;

/// The permission to record. The next one is given when this is dropped, by whichever thread, also while a panic unwinds.
#[derive(Debug)]
pub(crate) struct Turn(());

/// What records during a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recorder {
    Recording,
    Session,
}

/// The reason why there is no turn: `holder` has it, and waiting would not help.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("this thread holds {}", .holder.remedy())]
    ByThisThread { holder: Recorder },
    #[error("for {} seconds another thread has held {}", PATIENCE.as_secs(), .holder.remedy())]
    ByAnotherThread { holder: Recorder },
}

/// How long one turn is waited for. It is longer than a test of a charm's code takes, so that only a deadlock or a turn
/// that is never given back lasts longer.
const PATIENCE: Duration = Duration::from_mins(1);

static TURNS: Mutex<Turns> = Mutex::new(Turns { current: None, taken: 0 });
static GIVEN_BACK: Condvar = Condvar::new();

struct Turns {
    current: Option<Current>,
    taken: u64,
}

struct Current {
    holder: Recorder,
    thread: ThreadId,
    /// Tells a turn from the next one of the same thread.
    number: u64,
}

impl Turn {
    /// Waits for the turn of a recording.
    pub(crate) fn of_recording() -> Result<Self, Refused> {
        Self::wait(Recorder::Recording, |_| PATIENCE)
    }

    /// Waits for the turn of a session, but on the main thread not for the end of another session: a charm that is built
    /// with the feature `testing` by mistake must not wait either.
    pub(crate) fn of_session() -> Result<Self, Refused> {
        let is_main = thread::current().name() == Some("main");
        Self::wait(Recorder::Session, |holder| {
            if is_main && holder == Recorder::Session { Duration::ZERO } else { PATIENCE }
        })
    }

    fn wait(holder: Recorder, patience: impl Fn(Recorder) -> Duration) -> Result<Self, Refused> {
        let thread = thread::current().id();
        let mut turns = lock();
        while let Some(Current { holder, thread: other, number }) = turns.current {
            if other == thread {
                return Err(Refused::ByThisThread { holder });
            }
            let is_held =
                |turns: &mut Turns| turns.current.as_ref().is_some_and(|current| current.number == number);
            let waited = GIVEN_BACK.wait_timeout_while(turns, patience(holder), is_held);
            let (after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            if timeout.timed_out() {
                return Err(Refused::ByAnotherThread { holder });
            }
            turns = after;
        }
        turns.taken += 1;
        turns.current = Some(Current { holder, thread, number: turns.taken });
        Ok(Self(()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // A thread that is not there after a fork may hold the lock.
        if !globals::is_of_another_process() {
            lock().current = None;
            GIVEN_BACK.notify_all();
        }
    }
}

impl Refused {
    pub(crate) fn holder(&self) -> Recorder {
        match self {
            Self::ByThisThread { holder } | Self::ByAnotherThread { holder } => *holder,
        }
    }
}

impl Recorder {
    fn remedy(self) -> &'static str {
        match self {
            Self::Recording => "a `Recording`, which must be dropped first",
            Self::Session => "a `Session`, which must be finished first",
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
        let turn = Turn::of_recording().unwrap();
        let impatient = || Turn::wait(Recorder::Session, |_| Duration::ZERO).unwrap_err();
        let refused = thread::spawn(impatient).join().unwrap();
        assert_eq!(refused.holder(), Recorder::Recording);
        assert_eq!(
            refused.to_string(),
            "for 60 seconds another thread has held a `Recording`, which must be dropped first"
        );
        drop(turn);
    }
}
