//! Separates the work that is done only for tracing from the work of the charm.
//!
//! Any code may be traced, such as the charm's allocator or the `Display` of its errors. If recording a span runs such code,
//! its calls get no spans. They would not happen without tracing, and recording their spans would run that code again without
//! end.

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static DOING: Cell<Doing> = const { Cell::new(Doing::CharmWork) };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    CharmWork,
    OwnWork,
    /// Own work in which panics are caught, so the panic hook prints nothing.
    OwnWorkCaught,
    /// Own work whose calls have spans, and in which panics are caught as well.
    TracedCaught,
}

/// Does work of this crate, during which the calling thread records nothing.
#[inline]
pub(crate) fn own_work<R>(work: impl FnOnce() -> R) -> R {
    // The panic hook stays silent if the work around this catches panics.
    let doing = if are_panics_caught() { Doing::OwnWorkCaught } else { Doing::OwnWork };
    let _until_done = Scope::enter(doing);
    work()
}

/// Does work as [`own_work`] does, but returns `None` without doing it if the calling thread is in such work already.
#[inline]
pub(crate) fn unless_own_work<R>(work: impl FnOnce() -> Option<R>) -> Option<R> {
    let before = doing();
    DOING.set(match before {
        Doing::CharmWork => Doing::OwnWork,
        Doing::TracedCaught => Doing::OwnWorkCaught,
        Doing::OwnWork | Doing::OwnWorkCaught => return None,
    });
    let _until_done = Scope(before);
    work()
}

/// Does work as [`own_work`] does, but catches a panic and returns `None`. The panic hook prints nothing.
pub(crate) fn catch_panics<R>(work: impl FnOnce() -> R) -> Option<R> {
    caught(Doing::OwnWorkCaught, work)
}

/// Does work as [`catch_panics`] does, but its traced calls have spans.
pub(crate) fn catch_panics_traced<R>(work: impl FnOnce() -> R) -> Option<R> {
    caught(Doing::TracedCaught, work)
}

fn caught<R>(doing: Doing, work: impl FnOnce() -> R) -> Option<R> {
    let _until_done = Scope::enter(doing);
    // The payload is not dropped, because its destructor may panic.
    catch_unwind(AssertUnwindSafe(work)).map_err(mem::forget).ok()
}

/// Returns true if the calling thread does own work that the trace does not show.
#[inline]
pub(crate) fn is_own_work() -> bool {
    matches!(doing(), Doing::OwnWork | Doing::OwnWorkCaught)
}

/// Returns true if the calling thread is in [`catch_panics`] or [`catch_panics_traced`].
#[inline]
pub(crate) fn are_panics_caught() -> bool {
    matches!(doing(), Doing::OwnWorkCaught | Doing::TracedCaught)
}

#[inline]
fn doing() -> Doing {
    // It has no destructor, so it can be read for as long as the thread runs.
    DOING.get()
}

struct Scope(Doing);

impl Scope {
    #[inline]
    fn enter(doing: Doing) -> Self {
        Self(DOING.replace(doing))
    }
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        DOING.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    #[test]
    fn a_panic_is_caught_whatever_its_payload_does() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("in the payload");
            }
        }
        assert_eq!(catch_panics(|| panic_any(Bomb)), None::<()>);
        assert_eq!(catch_panics_traced(|| panic_any(Bomb)), None::<()>);
        assert!(!are_panics_caught());
    }
}
