use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::process;
use std::time::SystemTime;

use opentelemetry::trace::{SpanId, TraceId};

/// A generator of span ids that look random and never repeat in a session: `SplitMix64`, a permutation of a counter that begins
/// anywhere.
///
/// A generator of random numbers would need a value in each thread, which may be destroyed when a destructor is traced. It
/// would also repeat itself at some time.
#[derive(Debug)]
pub(crate) struct SpanIds(u64);

impl SpanIds {
    /// Returns a generator that begins at a random number, so that other processes and sessions begin elsewhere.
    pub(crate) fn begin_anywhere() -> Self {
        Self(random())
    }

    #[inline]
    pub(crate) fn next(&mut self) -> SpanId {
        loop {
            let id = split_mix(&mut self.0);
            // Zero means "no span". Only one value of the counter yields it.
            if id != 0 {
                return SpanId::from(id);
            }
        }
    }
}

/// Returns the next number of `SplitMix64`.
#[inline]
pub(crate) fn split_mix(counter: &mut u64) -> u64 {
    // The step is odd, so the counter takes every value.
    *counter = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut number = *counter;
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

pub(crate) fn new_trace_id() -> TraceId {
    // Nothing looks for zero, which is no id, because 128 random bits are never that.
    TraceId::from((u128::from(random()) << 64) | u128::from(random()))
}

/// Returns 64 random bits, for a few numbers in a process. The standard library takes the keys of its hash maps from the
/// operating system, and never uses the same ones twice. A forked process inherits them, so the process id and the time are
/// hashed.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one((process::id(), SystemTime::now()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_id_is_given_twice_and_none_is_zero() {
        // The first step leads to 0, whose image is 0.
        let mut ids = SpanIds(0_u64.wrapping_sub(0x9e37_79b9_7f4a_7c15));
        let given: HashSet<_> = (0..100_000).map(|_| ids.next()).collect();
        assert_eq!(given.len(), 100_000);
        assert!(!given.contains(&SpanId::INVALID));
    }

    #[test]
    fn ids_are_those_of_splitmix64() {
        // Other implementations yield these numbers for the seed 1234567.
        let mut ids = SpanIds(1_234_567);
        let given: Vec<_> = (0..3).map(|_| u64::from_be_bytes(ids.next().to_bytes())).collect();
        assert_eq!(given, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn every_session_begins_elsewhere() {
        assert_ne!(SpanIds::begin_anywhere().next(), SpanIds::begin_anywhere().next());
        assert_ne!(new_trace_id(), new_trace_id());
    }
}
