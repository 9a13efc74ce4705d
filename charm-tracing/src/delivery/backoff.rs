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
mod tests;
