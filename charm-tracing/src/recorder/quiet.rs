//! What is done only because something is traced, told apart from what the charm does.
//!
//! Anything may be annotated: the charm's allocator, the `Display` of its errors. When recording a span runs such
//! code, its calls are no spans: they would not happen without tracing, and a span of a span would never end.

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static DOING: Cell<Doing> = const { Cell::new(Doing::TheCharmsWork) };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    TheCharmsWork,
    OwnWork,
    /// And panics are caught, so the panic hook says nothing.
    OwnWorkQuietly,
    /// Work of ours that the trace shows; panics as above.
    TracedQuietly,
}

/// Work of ours during which the calling thread records nothing.
#[inline]
pub(crate) fn own_work<R>(work: impl FnOnce() -> R) -> R {
    // Quietness is inherited: what is called from quiet work is part of it.
    let doing = if is_quiet() { Doing::OwnWorkQuietly } else { Doing::OwnWork };
    let _until_done = Scope::enter(doing);
    work()
}

/// Does work of ours as [`own_work`] does, unless the calling thread is in such work already.
#[inline]
pub(crate) fn unless_own_work<R>(work: impl FnOnce() -> Option<R>) -> Option<R> {
    let before = doing();
    DOING.set(match before {
        Doing::TheCharmsWork => Doing::OwnWork,
        Doing::TracedQuietly => Doing::OwnWorkQuietly,
        Doing::OwnWork | Doing::OwnWorkQuietly => return None,
    });
    let _until_done = Scope(before);
    work()
}

/// The same, and a panic in it neither reaches the hook nor is printed. None if it panicked.
pub(crate) fn quietly<R>(work: impl FnOnce() -> R) -> Option<R> {
    caught(Doing::OwnWorkQuietly, work)
}

/// The same for work that the trace is to show: its calls are spans.
pub(crate) fn traced_quietly<R>(work: impl FnOnce() -> R) -> Option<R> {
    caught(Doing::TracedQuietly, work)
}

fn caught<R>(doing: Doing, work: impl FnOnce() -> R) -> Option<R> {
    let _until_done = Scope::enter(doing);
    // A payload may panic when it is dropped, so it is not.
    catch_unwind(AssertUnwindSafe(work)).map_err(mem::forget).ok()
}

/// Whether the calling thread does work of ours that the trace does not show.
#[inline]
pub(crate) fn is_own_work() -> bool {
    matches!(doing(), Doing::OwnWork | Doing::OwnWorkQuietly)
}

/// Whether the calling thread is in [`quietly`] or [`traced_quietly`].
#[inline]
pub(crate) fn is_quiet() -> bool {
    matches!(doing(), Doing::OwnWorkQuietly | Doing::TracedQuietly)
}

#[inline]
fn doing() -> Doing {
    // Without a destructor it can be read for as long as the thread runs.
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
        assert_eq!(quietly(|| panic_any(Bomb)), None::<()>);
        assert_eq!(traced_quietly(|| panic_any(Bomb)), None::<()>);
        assert!(!is_quiet());
    }
}
