use std::cell::Cell;

use super::*;

struct Stopped(Cell<Duration>);

impl Clock for Stopped {
    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.0.get()
    }
    fn monotonic(&self) -> Duration {
        self.0.get()
    }
    fn draw(&self) -> u64 {
        0
    }
}

const MS: Duration = Duration::from_millis(1);
const BUDGET: TimeBudget = TimeBudget { per_request: Duration::from_secs(1), total: Duration::from_secs(2) };

#[test]
fn request_gets_what_is_left_but_not_more_than_its_own_limit() {
    let clock = Stopped(Cell::new(100 * MS));
    let allowance = Allowance::start(&clock, &BUDGET);
    assert_eq!(allowance.next_request(), Some(1000 * MS));
    clock.0.set(1700 * MS);
    assert_eq!(allowance.next_request(), Some(400 * MS));
    clock.0.set(2090 * MS);
    assert_eq!(allowance.next_request(), None);
    clock.0.set(9000 * MS);
    assert_eq!(allowance.next_request(), None);
}

#[test]
fn no_request_is_begun_that_would_hardly_end_in_time() {
    let clock = Stopped(Cell::new(Duration::ZERO));
    let mut allowance = Allowance::start(&clock, &BUDGET);
    allowance.spend(|| clock.0.set(800 * MS));
    assert_eq!(allowance.next_request(), None, "1200 ms are left, twice 800 may be needed");
}

#[test]
fn time_without_end_ends() {
    let clock = Stopped(Cell::new(Duration::ZERO));
    let endless = TimeBudget { per_request: Duration::MAX, total: Duration::MAX };
    assert_eq!(Allowance::start(&clock, &endless).next_request(), Some(LONGEST_REQUEST));
}

#[test]
fn no_two_processes_draw_the_same() {
    assert_ne!(SystemClock::new().draw(), SystemClock::new().draw());
}
