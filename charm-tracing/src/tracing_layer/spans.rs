//! The open spans of one subscriber.
//!
//! They are not in the extensions of the subscriber's registry, because to find them there takes three times as many instructions.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing_core::span::Id;

use crate::span::InstrumentedSpan;

/// The open spans by their ids. A subscriber gives the id of a span to no other one before the span is closed.
#[derive(Debug)]
pub(super) struct Spans(Mutex<BTreeMap<u64, InstrumentedSpan>>);

impl Spans {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    pub(super) fn insert(&self, id: &Id, span: InstrumentedSpan) {
        // The lock is free when a span ends, because its end may run code of the charm.
        let replaced = self.all().insert(id.into_u64(), span);
        drop(replaced);
    }

    /// Returns what `read` returns of an open span; `None` if the span is not recorded. All spans are locked meanwhile, so `read`
    /// must not run code of the charm.
    pub(super) fn read<R>(&self, id: &Id, read: impl FnOnce(&InstrumentedSpan) -> R) -> Option<R> {
        self.all().get(&id.into_u64()).map(read)
    }

    pub(super) fn remove(&self, id: &Id) -> Option<InstrumentedSpan> {
        self.all().remove(&id.into_u64())
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<u64, InstrumentedSpan>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
