//! The globals of recording: which trace is being recorded, and whether tracing is switched off for a scope.
//!
//! A process is one dispatch, so at most one trace is recorded at a time. When nothing records, a traced call costs one relaxed
//! load of [`RECORDING`].

use std::cell::Cell;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use super::open_trace::{Ended, OpenTrace};

/// True if a trace is open and tracing is not switched off. Derived from the two values below.
static RECORDING: AtomicBool = AtomicBool::new(false);
/// The number of scopes in which tracing is switched off.
static SWITCHED_OFF: AtomicUsize = AtomicUsize::new(0);
static OPEN: Mutex<Option<OpenTrace>> = Mutex::new(None);
/// The process in which the trace was opened.
static OPENED_BY: AtomicU32 = AtomicU32::new(0);

#[inline]
pub(crate) fn is_recording() -> bool {
    RECORDING.load(Ordering::Relaxed)
}

/// Calls `work` with the open trace; `None` if no trace is open. `work` must not call the charm's code.
#[expect(clippy::inline_always, reason = "a tenth of what a span costs is the moving of its parts")]
#[inline(always)]
pub(crate) fn with<R>(work: impl FnOnce(&mut OpenTrace) -> R) -> Option<R> {
    let (mut slot, _marked) = lock()?;
    slot.as_mut().map(work)
}

/// Opens the trace that `begin` returns. Does not call `begin` if another one is open.
pub(super) fn open(begin: impl FnOnce() -> OpenTrace) {
    let Some((mut slot, _marked)) = lock() else { return };
    if slot.is_none() {
        OPENED_BY.store(process::id(), Ordering::Relaxed);
        *slot = Some(begin());
        refresh(slot.is_some());
    }
}

/// Closes the open trace, and returns what was recorded.
pub(crate) fn close() -> Ended {
    let Some((mut slot, marked)) = lock() else { return Ended::default() };
    let trace = slot.take();
    refresh(slot.is_some());
    // The lock is released before the root's context is dropped, because that may hold values of the charm.
    drop((slot, marked));
    trace.map(OpenTrace::close).unwrap_or_default()
}

pub(crate) fn is_switched_off() -> bool {
    SWITCHED_OFF.load(Ordering::Relaxed) > 0
}

pub(super) fn begin_switched_off() {
    SWITCHED_OFF.fetch_add(1, Ordering::SeqCst);
    refresh_now();
}

/// Ends a scope that [`begin_switched_off`] has begun.
pub(super) fn end_switched_off() {
    SWITCHED_OFF.fetch_sub(1, Ordering::SeqCst);
    refresh_now();
}

fn refresh_now() {
    if let Some((slot, _marked)) = lock() {
        refresh(slot.is_some());
    }
}

fn refresh(is_open: bool) {
    RECORDING.store(is_open && SWITCHED_OFF.load(Ordering::SeqCst) == 0, Ordering::SeqCst);
}

thread_local! {
    static IS_LOCKED: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as the one that has the open trace locked, until this is dropped.
struct Marked;

impl Drop for Marked {
    #[inline]
    fn drop(&mut self) {
        IS_LOCKED.set(false);
    }
}

/// Locks the open trace; `None` if this thread has it locked already. That happens because an allocation under the lock may
/// run the charm's code: an allocator that uses its span.
#[inline]
fn lock() -> Option<(MutexGuard<'static, Option<OpenTrace>>, Marked)> {
    if IS_LOCKED.replace(true) {
        return None;
    }
    let marked = Marked;
    // Nothing panics while the lock is held; if anything did, the trace would still be valid. Nothing calls the charm's code
    // either, its logger included, because that may wait for a thread that waits for this lock.
    Some((lock_unless_forked(&OPEN)?, marked))
}

/// Locks a value that is valid also after a panic. Returns `None` if it is locked in a process that was forked: there the lock may
/// be held by a thread that does not exist, and nothing that such a process records is stored.
#[inline]
pub(crate) fn lock_unless_forked<T>(value: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match value.try_lock() {
        Ok(locked) => Some(locked),
        Err(TryLockError::Poisoned(locked)) => Some(locked.into_inner()),
        Err(TryLockError::WouldBlock) => wait_for_lock(value),
    }
}

#[cold]
fn wait_for_lock<T>(value: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    (!is_of_another_process()).then(|| value.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Returns true if a trace is or was open.
#[cfg(feature = "tracing")]
pub(crate) fn was_opened() -> bool {
    OPENED_BY.load(Ordering::Relaxed) != 0
}

/// Returns true if the trace was opened by the process from which this one was forked off.
pub(crate) fn is_of_another_process() -> bool {
    let opened_by = OPENED_BY.load(Ordering::Relaxed);
    opened_by != 0 && opened_by != process::id()
}
