//! Delivery against real sockets: a small backend in this process that can be told to misbehave.

#[cfg(feature = "tls")]
mod algorithms;
#[cfg(feature = "tls")]
mod authority;
mod backlog;
mod connections;
mod failures;
mod healthy;
mod journal;
mod losses;
#[cfg(feature = "tls")]
mod mutual;
mod names;
mod oversized;
mod proxy;
mod queue;
mod raw;
mod secrets;
#[cfg(feature = "tls")]
mod secure;
mod server;
#[cfg(feature = "tls")]
mod trust;

use std::cell::Cell;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use tracing_relation::with_causes;

use self::server::{Reply, Server};
use super::budget::Clock;
use super::{DeliveryReport, Destination, SystemClock, TimeBudget, Trace, deliver};
use crate::queue::{Backoff, Losses, Missing, Queue, State};

/// A queue in a directory of its own, and a wall clock and a chance that the test sets.
struct Unit {
    queue: Queue,
    path: PathBuf,
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
        let path = directory.path().join("queue");
        Self {
            queue: Queue::new(path.clone(), max_dispatches, max_bytes),
            path,
            clock: TestClock {
                running: SystemClock::new(),
                wall: Cell::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)),
                // Attempts after a failure are short, pauses as long as was asked for.
                draw: Cell::new(1),
            },
            // Tests that wait for nothing may run on a machine that is busy.
            budget: LONG,
            _directory: directory,
        }
    }

    /// One dispatch with this trace.
    fn dispatch(&self, text: &str, destination: Option<&Destination>) -> DeliveryReport {
        self.dispatch_request(text.as_bytes(), destination)
    }

    fn dispatch_request(&self, request: &[u8], destination: Option<&Destination>) -> DeliveryReport {
        self.deliver(trace(request), destination)
    }

    fn deliver(&self, trace: Trace, destination: Option<&Destination>) -> DeliveryReport {
        deliver(trace, Some(&self.queue), destination, &self.budget, &self.clock)
    }

    /// Dispatches without a backend.
    fn store(&self, texts: &[&str]) {
        for text in texts {
            let report = self.dispatch(text, None);
            assert!(report.buffered && report.problem.is_none(), "{report:?}");
        }
    }

    /// The requests that wait, oldest first.
    fn waiting(&self) -> Vec<Vec<u8>> {
        let waiting = self.queue.waiting().unwrap().into_iter();
        waiting.filter_map(|name| self.queue.read(name, &mut 0).unwrap()).collect()
    }

    fn backoff(&self) -> Backoff {
        self.queue.state().unwrap().backoff
    }

    /// Leaves a backend for the next dispatch that has failed so often.
    fn has_failed(&self, destination: u32, failures: u32) {
        self.queue.prepare(Missing::All).unwrap();
        let backoff = Backoff { destination, failures, ..Backoff::default() };
        self.queue.set_state(&State { backoff, ..State::default() }).unwrap();
    }

    fn pass(&self, time: Duration) {
        self.clock.wall.set(self.clock.wall.get() + time);
    }
}

const LONG: TimeBudget = TimeBudget { per_request: Duration::from_secs(20), total: Duration::from_secs(40) };

fn trace(request: &[u8]) -> Trace {
    Trace {
        request: request.to_vec(),
        trace_id: [1; 16],
        idle: false,
        journal: None,
        reported_losses: Losses::default(),
    }
}

fn problem(report: &DeliveryReport) -> String {
    report.problem.as_ref().map(|problem| with_causes(problem)).unwrap_or_default()
}
