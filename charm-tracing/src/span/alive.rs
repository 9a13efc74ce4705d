//! Finds out if the calling thread can still open spans.
//!
//! A destructor of a thread-local value may call traced code when OpenTelemetry's own thread-local value, the current context,
//! is already destroyed. To touch it then would abort the process.

use std::cell::Cell;

use opentelemetry::Context;

use super::own_work::catch_panics;
#[cfg(any(feature = "log", feature = "tracing"))]
use crate::recorder::{globals, own_work::is_own_work};

#[derive(Clone, Copy)]
enum Thread {
    /// The thread has not opened a span yet.
    Unknown,
    Alive,
    Ending,
}

/// A thread-local value that is destroyed before OpenTelemetry's, because a thread destroys its values in the reverse order of
/// their creation.
struct Probe;

impl Drop for Probe {
    fn drop(&mut self) {
        THREAD.set(Thread::Ending);
    }
}

thread_local! {
    /// The state of this thread. It has no destructor, so it can be read for as long as the thread runs.
    static THREAD: Cell<Thread> = const { Cell::new(Thread::Unknown) };
    static PROBE: Probe = {
        Context::map_current(|_| ());
        Probe
    };
}

/// Returns true if the thread is not ending. OpenTelemetry's current context exists then.
#[inline]
pub(crate) fn can_open_spans() -> bool {
    match THREAD.get() {
        Thread::Alive => true,
        Thread::Ending => false,
        Thread::Unknown => probe(),
    }
}

/// Returns true if what this thread records now would be in the trace.
#[cfg(any(feature = "log", feature = "tracing"))]
#[inline]
pub(crate) fn is_recording_here() -> bool {
    globals::is_recording() && !is_own_work() && can_open_spans()
}

#[cold]
fn probe() -> bool {
    // On a thread that is already ending, creating the probe panics.
    let alive = catch_panics(|| PROBE.try_with(|_| ()).is_ok()).unwrap_or(false);
    THREAD.set(if alive { Thread::Alive } else { Thread::Ending });
    alive
}
