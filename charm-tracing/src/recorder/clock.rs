//! The clock of spans: the time of day when the session opened, and from then on the monotonic clock.
//!
//! A clock that is set while the session is open, as at the first boot of a machine, changes neither the order of spans nor how
//! long they last.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// The time of day minus the time of the monotonic clock, in nanoseconds, when the session opened.
static OFFSET: AtomicU64 = AtomicU64::new(0);

/// The latest time of day at which a session can open, in the year 2262, because backends count in signed nanoseconds.
const LATEST: u64 = i64::MAX as u64;
/// The distance from now, in nanoseconds, below which a time that a caller gives counts as one that it has just read.
const JUST_READ: u64 = 1_000_000;

/// Anchors the clock at the time of day.
pub(crate) fn anchor() {
    let time_of_day = unix_nanos(SystemTime::now()).min(LATEST);
    OFFSET.store(time_of_day.wrapping_sub(monotonic()), Ordering::Relaxed);
}

/// Reads the clock, in nanoseconds since 1970 as OTLP writes them.
#[inline]
pub(crate) fn now() -> u64 {
    monotonic().wrapping_add(OFFSET.load(Ordering::Relaxed))
}

/// Reads the clock for an event of a span.
pub(crate) fn now_of_event() -> SystemTime {
    system_time(now())
}

/// Converts a time that the charm gives to the clock of spans.
///
/// OpenTelemetry's spans read the time of day themselves when they begin, end or have an event, and nothing distinguishes this
/// from a time that the charm has chosen. So a time that has just been read is moved by as much as the time of day was set
/// since the session opened, and any other is kept.
pub(super) fn on_the_clock(time: SystemTime) -> u64 {
    moved(unix_nanos(time), unix_nanos(SystemTime::now()), now())
}

/// Converts the time of an event to the clock of spans, as [`on_the_clock`] does.
pub(super) fn event_on_the_clock(time: SystemTime) -> SystemTime {
    system_time(on_the_clock(time))
}

fn moved(time: u64, time_of_day: u64, now: u64) -> u64 {
    if time_of_day.abs_diff(time) < JUST_READ {
        now.saturating_add(time).saturating_sub(time_of_day)
    } else {
        time
    }
}

/// Returns a time in nanoseconds since 1970; 0 for an earlier time.
pub(crate) fn unix_nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn system_time(nanos: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)
}

/// Reads the monotonic clock, in nanoseconds. It does not use `Instant`, because its arithmetic costs a tenth of a span.
#[cfg(feature = "session")]
#[inline]
fn monotonic() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    // It began to count when the machine started, or its time namespace was made, so this does not overflow for centuries.
    let nanos = now.tv_sec.wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec);
    u64::from_ne_bytes(nanos.to_ne_bytes())
}

/// Reads the monotonic clock with the standard library, for recordings in a library's tests.
#[cfg(not(feature = "session"))]
fn monotonic() -> u64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let since = START.get_or_init(std::time::Instant::now).elapsed();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moments_are_counted_from_1970_and_never_wrap() {
        let moment = |time: Duration| unix_nanos(SystemTime::UNIX_EPOCH + time);
        assert_eq!(moment(Duration::new(1_700_000_000, 123_456_789)), 1_700_000_000_123_456_789);
        assert_eq!(unix_nanos(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), 0);
        assert_eq!(moment(Duration::from_secs(1 << 40)), u64::MAX);
    }

    #[test]
    fn a_time_that_was_just_read_follows_a_clock_that_was_set() {
        let hour = 3_600_000_000_000;
        let (opened, since) = (1_700_000_000_000_000_000, 5_000_000);
        for time_of_day in [opened + since - hour, opened + since + hour, opened + since, since] {
            assert_eq!(moved(time_of_day - 700, time_of_day, opened + since), opened + since - 700);
        }
    }

    proptest! {
        #[test]
        fn a_time_that_the_charm_chose_is_kept(time: u64, ago in JUST_READ..i64::MAX as u64, now: u64) {
            prop_assert_eq!(moved(time, time.wrapping_add(ago), now), time);
            prop_assert_eq!(moved(time, time.wrapping_sub(ago), now), time);
        }
    }
}
