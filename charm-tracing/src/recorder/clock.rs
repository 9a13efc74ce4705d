use std::time::SystemTime;

use rustix::time::{ClockId, clock_gettime};

/// The time of day as OTLP writes it: nanoseconds since 1970.
///
/// It is what `SystemTime::now()` says, without the arithmetic that a span would pay for twice.
#[inline]
pub(crate) fn now() -> u64 {
    let now = clock_gettime(ClockId::Realtime);
    nanos(now.tv_sec.cast_unsigned(), now.tv_nsec.cast_unsigned())
}

/// A moment as OTLP writes it. What was before 1970 is 0.
pub(crate) fn unix_nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    nanos(since.as_secs(), u64::from(since.subsec_nanos()))
}

/// In the year 2554 it begins anew, as everybody's.
#[inline]
fn nanos(seconds: u64, rest: u64) -> u64 {
    seconds.wrapping_mul(1_000_000_000).wrapping_add(rest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_is_the_time_of_day() {
        let before = unix_nanos(SystemTime::now());
        let now = now();
        let after = unix_nanos(SystemTime::now());
        assert!((before..=after).contains(&now), "{before} {now} {after}");
    }

    #[test]
    fn moments_are_counted_from_1970() {
        let moment = |time: Duration| unix_nanos(SystemTime::UNIX_EPOCH + time);
        assert_eq!(moment(Duration::new(1_700_000_000, 123_456_789)), 1_700_000_000_123_456_789);
        assert_eq!(unix_nanos(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), 0);
    }
}
