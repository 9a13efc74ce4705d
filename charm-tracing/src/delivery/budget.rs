use std::time::{Duration, Instant, SystemTime};

use crate::recorder::random;

/// The time that a dispatch may spend on sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeBudget {
    /// The limit of one request, from name resolution to the last byte of the answer.
    pub(crate) per_request: Duration,
    /// The limit of all requests of a dispatch.
    pub(crate) total: Duration,
}

/// The source of time and of random numbers.
pub(crate) trait Clock {
    /// Returns the time of day, which can be compared across processes.
    fn wall(&self) -> SystemTime;
    /// Returns the time since some moment; it never steps.
    fn monotonic(&self) -> Duration;
    /// Returns a uniformly random number, which keeps units from acting at the same moment.
    fn draw(&self) -> u64;
}

/// The clocks and the random numbers of this machine.
#[derive(Debug)]
pub(crate) struct SystemClock(Instant);

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn draw(&self) -> u64 {
        random()
    }
}

/// A budget that is being spent.
pub(super) struct Allowance<'a> {
    pub(super) clock: &'a dyn Clock,
    pub(super) budget: &'a TimeBudget,
    started: Duration,
    /// The total time, up to that of the budget; it may be raised while it runs, when the backend proves to be reachable.
    pub(super) total: Duration,
    slowest: Duration,
}

/// Less time than this is not worth a request.
const SHORTEST_REQUEST: Duration = Duration::from_millis(20);
/// The longest timeout of a request: a longer one might have no end that the clock can represent.
const LONGEST_REQUEST: Duration = Duration::from_secs(24 * 60 * 60);

impl<'a> Allowance<'a> {
    pub(super) fn start(clock: &'a dyn Clock, budget: &'a TimeBudget) -> Self {
        Self { clock, budget, started: clock.monotonic(), total: budget.total, slowest: Duration::ZERO }
    }

    /// Returns the timeout of the next request; `None` if there should not be one.
    ///
    /// A request that is interrupted may have arrived, and will then be sent twice. So none is started in less time
    /// than twice the duration of the slowest one.
    pub(super) fn next_request(&self) -> Option<Duration> {
        let spent = self.clock.monotonic().saturating_sub(self.started);
        let left = self.total.saturating_sub(spent);
        (left >= SHORTEST_REQUEST.max(self.slowest.saturating_mul(2)))
            .then(|| left.min(self.budget.per_request).min(LONGEST_REQUEST))
    }

    /// Runs a request and notes how long it took.
    pub(super) fn spend<T>(&mut self, request: impl FnOnce() -> T) -> T {
        let before = self.clock.monotonic();
        let result = request();
        self.slowest = self.slowest.max(self.clock.monotonic().saturating_sub(before));
        result
    }
}

#[cfg(test)]
mod tests;
