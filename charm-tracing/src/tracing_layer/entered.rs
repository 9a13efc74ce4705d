//! The spans of `tracing` that a thread has entered, with the guards that make them current.

use std::cell::RefCell;

use opentelemetry::Context;
use tracing_core::span::Id;

use crate::span::Current;

thread_local! {
    /// It is created after OpenTelemetry's current context, because a span has been opened before, so it is destroyed earlier.
    static ENTERED: RefCell<Vec<(Id, Current)>> = const { RefCell::new(Vec::new()) };
}

/// Makes the span current on this thread until [`exit`].
pub(super) fn enter(id: &Id, context: Context) {
    let current = Current::attach(context);
    let mut entered = Some((id.clone(), current));
    // A thread that is ending keeps nothing, and the guard is dropped at once.
    let _ = ENTERED.try_with(|all| all.try_borrow_mut().map(|mut all| all.extend(entered.take())));
}

/// Ends what the last [`enter`] of this span on this thread has begun. Spans may be left in any order.
pub(super) fn exit(id: &Id) {
    let left = ENTERED.try_with(|all| {
        let mut all = all.try_borrow_mut().ok()?;
        let last = all.iter().rposition(|(entered, _)| entered == id)?;
        Some(all.remove(last))
    });
    // It is dropped when the list is free, because dropping a context may run code of the charm.
    drop(left);
}
