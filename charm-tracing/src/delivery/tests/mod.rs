//! Delivery against real sockets: a small backend in this process that can be told to misbehave.

#[cfg(feature = "tls")]
mod authority;
mod connections;
mod failures;
mod healthy;
#[cfg(feature = "tls")]
mod mutual;
mod names;
mod oversized;
mod proxy;
mod raw;
mod secrets;
#[cfg(feature = "tls")]
mod secure;
mod server;
#[cfg(feature = "tls")]
mod trust;

use std::cell::Cell;
use std::error::Error;
use std::time::{Duration, Instant, SystemTime};

use self::server::{Reply, Server};
use super::budget::Clock;
use super::{DeliveryReport, Destination, SystemClock, TimeBudget, Trace, deliver};
use crate::buffer::{Buffer, BufferConfig, Priority};

/// A buffer in a directory of its own, and a wall clock and a chance that the test sets.
struct Unit {
    buffer: Buffer,
    clock: TestClock,
    budget: TimeBudget,
    _directory: tempfile::TempDir,
}

struct TestClock {
    running: SystemClock,
    wall: Cell<SystemTime>,
    draw: Cell<u64>,
}

impl Clock for TestClock {
    fn wall(&self) -> SystemTime {
        self.wall.get()
    }
    fn monotonic(&self) -> Duration {
        self.running.monotonic()
    }
    fn draw(&self) -> u64 {
        self.draw.get()
    }
}

impl Unit {
    fn new() -> Self {
        Self::with_limits(100, 10 << 20)
    }

    fn with_limits(max_dispatches: u32, max_bytes: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("buffer");
        let lock_wait = Duration::from_secs(20);
        Self {
            buffer: Buffer::new(BufferConfig {
                path,
                max_dispatches,
                max_bytes,
                max_age: Duration::MAX,
                lock_wait,
            }),
            clock: TestClock {
                running: SystemClock::new(),
                wall: Cell::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)),
                // Attempts after a failure are short, pauses as long as was asked for.
                draw: Cell::new(1),
            },
            // Tests that wait for nothing may run on a machine that is busy.
            budget: TimeBudget { per_request: Duration::from_secs(20), total: Duration::from_secs(40) },
            _directory: directory,
        }
    }

    /// One dispatch with this trace.
    fn dispatch(&self, text: &str, destination: Option<&Destination>) -> DeliveryReport {
        self.dispatch_trace(&trace(text), destination)
    }

    fn dispatch_trace(&self, trace: &Trace, destination: Option<&Destination>) -> DeliveryReport {
        deliver(trace, Some(&self.buffer), destination, &self.budget, &self.clock)
    }

    /// Dispatches without a backend.
    fn store(&self, texts: &[&str]) {
        for text in texts {
            let report = self.dispatch(text, None);
            assert!(report.buffered && report.problem.is_none(), "{report:?}");
        }
    }

    fn pass(&self, time: Duration) {
        self.clock.wall.set(self.clock.wall.get() + time);
    }
}

fn trace(text: &str) -> Trace {
    Trace { payload: text.as_bytes().to_vec(), trace_id: [1; 16], priority: Priority::Interesting }
}

/// An error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let source = error.source().map(|source| format!(": {}", chain(source)));
    format!("{error}{}", source.unwrap_or_default())
}

fn problem(report: &DeliveryReport) -> String {
    report.problem.as_ref().map(|problem| chain(problem)).unwrap_or_default()
}
