//! The spans of `tracing` that a thread has entered, with the guards that make them current.

use std::cell::RefCell;
use std::ptr;

use opentelemetry::Context;
use tracing_core::span::Id;

use super::spans::Spans;
use crate::span::{self, Current};

thread_local! {
    /// It is created after OpenTelemetry's current context and destroyed before it, because its guards use that. So [`enter`]
    /// attaches a context first, and [`exit`] first asks if the thread can open spans, which touches the context.
    static ENTERED: RefCell<Vec<(Key, Current)>> = const { RefCell::new(Vec::new()) };
}

/// The id of a span, and the spans of its subscriber, because a thread may have spans of several subscribers with the same ids.
#[derive(PartialEq, Eq)]
struct Key(*const Spans, Id);

/// Makes the span current on this thread until [`exit`].
pub(super) fn enter(spans: &Spans, id: &Id, context: Context) {
    let current = Current::attach(context);
    let mut entered = Some((Key(ptr::from_ref(spans), id.clone()), current));
    // A thread that is ending keeps nothing, and the guard is dropped at once.
    let _ = ENTERED.try_with(|all| all.try_borrow_mut().map(|mut all| all.extend(entered.take())));
}

/// Ends what the last [`enter`] of this span on this thread has begun. Spans may be left in any order.
pub(super) fn exit(spans: &Spans, id: &Id) {
    if !span::can_open_spans() {
        return;
    }
    let key = Key(ptr::from_ref(spans), id.clone());
    let left = ENTERED.try_with(|all| {
        let mut all = all.try_borrow_mut().ok()?;
        let last = all.iter().rposition(|(entered, _)| *entered == key)?;
        // Nearly always it is the last one, and then nothing has to be moved.
        if last + 1 == all.len() { all.pop() } else { Some(all.remove(last)) }
    });
    // It is dropped when the list is free, because dropping a context may run code of the charm.
    drop(left);
}
