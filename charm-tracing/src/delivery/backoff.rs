//! Decides when, and for how long, a backend is tried again that did not take what it was sent. Uses no network and
//! keeps no state.
//!
//! Many units lose the same backend at the same moment. Their decisions are random, so that they do not come back at
//! the same moment.

use std::time::{Duration, SystemTime};

use super::budget::TimeBudget;
use super::verdict::LONGEST_RETRY_AFTER;
use crate::queue::millis;

const SHORT_ATTEMPT: Duration = Duration::from_millis(300);

/// Returns the time that a dispatch may spend after `failures` attempts in a row in which the backend took nothing.
///
/// A backend that is down costs every dispatch of every unit only a short attempt. A slow backend may never answer
/// within a short attempt, so one dispatch in eight, chosen by the random number `draw`, gets the full time. The first
/// dispatch after a failure never does, because most outages are longer than the time to the next dispatch.
pub(super) fn attempt(budget: &TimeBudget, failures: u32, draw: u64) -> Duration {
    let full = match failures {
        0 => true,
        1 => false,
        _ => draw % 8 == 0,
    };
    if full { budget.total } else { budget.total.min(SHORT_ATTEMPT) }
}

/// Returns the end of the pause that a backend asked for, in milliseconds since 1970. `draw` makes it up to a quarter
/// longer, but not longer than [`LONGEST_RETRY_AFTER`].
pub(super) fn pause_until(now: SystemTime, retry_after: Duration, draw: u64) -> u64 {
    let wait = retry_after.min(LONGEST_RETRY_AFTER);
    let longer = wait / 4 * u32::from(draw.to_be_bytes()[0]) / 255;
    millis(now + (wait + longer).min(LONGEST_RETRY_AFTER))
}

/// Returns true if the moment from [`pause_until`] is still in the future.
pub(super) fn is_paused(now: SystemTime, until: u64) -> bool {
    // A moment further away than that came from another clock.
    millis(now) < until && until <= millis(now + LONGEST_RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const NOON: SystemTime = SystemTime::UNIX_EPOCH;

    #[test]
    fn first_attempt_is_full_the_second_short_and_of_the_others_one_in_eight_full() {
        let budget = TimeBudget::default();
        let full = |failures| {
            (0..8000).filter(|draw| attempt(&budget, failures, draw * 0x9e37_79b9) == budget.total).count()
        };
        assert_eq!([0, 1, 2, 3, 8, u32::MAX].map(full), [8000, 0, 1000, 1000, 1000, 1000]);
        assert_eq!(attempt(&budget, 1, 1), 300 * MS);
        let tight = TimeBudget { total: 100 * MS, ..budget };
        assert_eq!(attempt(&tight, 1, 1), 100 * MS);
    }

    #[test]
    fn pause_is_up_to_a_quarter_longer_than_asked_for() {
        let pause = |seconds, draw| pause_until(NOON, Duration::from_secs(seconds), draw);
        assert_eq!(pause(60, 0), 60_000);
        assert_eq!(pause(60, u64::MAX / 2), 67_470, "about half of fifteen seconds");
        assert_eq!(pause(60, u64::MAX), 75_000);
        assert_eq!(pause(0, u64::MAX), 0);
        assert_eq!(pause(3500, u64::MAX), 3_600_000, "an hour is the most");
        assert_eq!(pause(u64::MAX, u64::MAX), 3_600_000);
    }

    #[test]
    fn pause_ends_and_one_from_another_clock_is_not_believed() {
        let now = NOON + Duration::from_hours(1000);
        let until = |wait| millis(now) + wait;
        assert!(is_paused(now, until(1)) && is_paused(now, until(3_600_000)));
        for over in [0, millis(now) - 1, until(0), until(3_600_001), u64::MAX] {
            assert!(!is_paused(now, over), "{over}");
        }
    }

    proptest! {
        #[test]
        fn pause_is_never_shorter_than_asked_for_and_always_believed(seconds in 1_u64..3600, draw: u64) {
            let until = pause_until(NOON, Duration::from_secs(seconds), draw);
            prop_assert!(until >= seconds * 1000 && until <= seconds * 1250);
            prop_assert!(is_paused(NOON, until));
        }
    }
}
