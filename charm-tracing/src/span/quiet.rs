use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Does something that would not be done without tracing, so that a panic in it neither reaches the hook nor is printed.
/// None if it panicked.
pub(crate) fn quietly<R>(work: impl FnOnce() -> R) -> Option<R> {
    let before = QUIET.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(before);
    result.ok()
}

/// Whether the calling thread is in [`quietly`].
pub(super) fn is_quiet() -> bool {
    // A panic may come while the thread's locals are being destroyed.
    QUIET.try_with(Cell::get).unwrap_or(false)
}
