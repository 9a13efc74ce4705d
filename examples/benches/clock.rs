//! The benchmarks of calls time a loop of calls that are all alike.

use std::hint::black_box;
use std::process;
use std::time::{Duration, Instant};

/// So many calls, to be made by something that prepares them and tidies up when they are made.
#[derive(Debug)]
pub(crate) struct Calls {
    count: usize,
    then_exit: bool,
    took: Duration,
}

impl Calls {
    pub(crate) fn new(count: usize) -> Self {
        Self { count, then_exit: false, took: Duration::ZERO }
    }

    /// The process exits when the calls are made, so that nothing that comes later is counted.
    pub(crate) fn then_exit(count: usize) -> Self {
        Self { then_exit: true, ..Self::new(count) }
    }

    /// Makes the calls.
    pub(crate) fn make<T>(&mut self, call: impl FnMut(u64) -> T) {
        let started = Instant::now();
        these_calls(self.count, call);
        self.took = started.elapsed();
        if self.then_exit {
            process::exit(0);
        }
    }

    /// Nanoseconds for each of the calls that were made.
    pub(crate) fn nanoseconds(&self) -> f64 {
        nanoseconds_each(self.took, self.count)
    }
}

/// Valgrind finds it by its name.
#[inline(never)]
fn these_calls<T>(count: usize, mut call: impl FnMut(u64) -> T) {
    for x in 0..count as u64 {
        black_box(call(black_box(x)));
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is rounded anyway")]
pub(crate) fn nanoseconds_each(took: Duration, count: usize) -> f64 {
    took.as_nanos() as f64 / count as f64
}
