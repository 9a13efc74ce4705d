//! The open spans of one subscriber.
//!
//! They are not in the extensions of the subscriber's registry, because to find them there takes three times as many instructions.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, MutexGuard};

use tracing_core::span::Id;

use crate::recorder::globals;
use crate::span::InstrumentedSpan;

/// The open spans by their ids. A subscriber gives the id of a span to no other one before the span is closed.
#[derive(Debug)]
pub(super) struct Spans(Mutex<Map>);

type Map = HashMap<u64, InstrumentedSpan, BuildHasherDefault<IdHasher>>;

impl Spans {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(HashMap::with_hasher(BuildHasherDefault::new())))
    }

    pub(super) fn insert(&self, id: &Id, span: InstrumentedSpan) {
        // The lock is free when a span ends, because its end may run code of the charm.
        let replaced = self.all().map(|mut all| all.insert(id.into_u64(), span));
        drop(replaced);
    }

    /// Returns what `read` returns of an open span; `None` if the span is not recorded. All spans are locked meanwhile, so `read`
    /// must not run code of the charm.
    pub(super) fn read<R>(&self, id: &Id, read: impl FnOnce(&InstrumentedSpan) -> R) -> Option<R> {
        self.all()?.get(&id.into_u64()).map(read)
    }

    pub(super) fn remove(&self, id: &Id) -> Option<InstrumentedSpan> {
        self.all()?.remove(&id.into_u64())
    }

    fn all(&self) -> Option<MutexGuard<'_, Map>> {
        // A process without a trace has no spans, and does not learn that it was forked.
        if globals::was_opened() { globals::lock_unless_forked(&self.0) } else { None }
    }
}

/// A hasher of ids. No input of others chooses them, so it need not be as safe as the standard one, which takes most of the time
/// of a look.
#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        // The map takes its bits from both ends of the hash; an odd factor near 2^64 divided by the golden ratio spreads them.
        self.0 = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
