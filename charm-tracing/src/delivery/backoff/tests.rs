use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);
const NOON: SystemTime = SystemTime::UNIX_EPOCH;

#[test]
fn first_attempt_is_full_the_second_short_and_of_the_others_one_in_eight_full() {
    let budget = TimeBudget { per_request: Duration::from_secs(1), total: Duration::from_secs(2) };
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
