//! The open spans of one subscriber.
//!
//! They are not in the extensions of the subscriber's registry, because to find them there takes three times as many instructions.

use std::sync::{Mutex, MutexGuard};

use tracing_core::span::Id;

use crate::recorder::globals;
use crate::span::InstrumentedSpan;

/// The open spans with their ids. A subscriber gives the id of a span to no other one before the span is closed.
///
/// They are searched from the end, because nearly always one of the last that began is asked for. With thousands open at once, as in
/// as many async tasks, a search takes microseconds.
#[derive(Debug)]
pub(super) struct Spans(Mutex<List>);

type List = Vec<(Id, InstrumentedSpan)>;

impl Spans {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(super) fn insert(&self, id: &Id, span: InstrumentedSpan) {
        if let Some(mut all) = self.all() {
            all.push((id.clone(), span));
        }
    }

    /// Returns what `read` returns of an open span; `None` if the span is not recorded. All spans are locked meanwhile, so `read`
    /// must not run code of the charm.
    pub(super) fn read<R>(&self, id: &Id, read: impl FnOnce(&InstrumentedSpan) -> R) -> Option<R> {
        self.all()?.iter().rfind(|(open, _)| open == id).map(|(_, span)| read(span))
    }

    pub(super) fn remove(&self, id: &Id) -> Option<InstrumentedSpan> {
        let mut all = self.all()?;
        let at = all.iter().rposition(|(open, _)| open == id)?;
        Some(all.swap_remove(at).1)
    }

    fn all(&self) -> Option<MutexGuard<'_, List>> {
        // A process without a trace has no spans, and does not learn that it was forked.
        if globals::was_opened() { globals::lock_unless_forked(&self.0) } else { None }
    }
}
