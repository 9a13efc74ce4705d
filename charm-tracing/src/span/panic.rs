//! The message and place of the panic that is unwinding this thread.
//!
//! A guard that is dropped while unwinding knows that there is a panic, not which: only the panic hook is told. The
//! hook installed here remembers it for its thread and then calls the hook that was there before, so what a charm
//! prints is unchanged. Should the charm replace the hook, spans still end as errors, without the message.

use std::cell::RefCell;
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::failure::Failure;
use super::{quiet, text};
use crate::recorder::globals;

/// Whether any thread has ever remembered one.
static HAS_PANICKED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static LAST: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

/// Once per process, when the first session opens.
pub(crate) fn install_hook() {
    static INSTALL: Once = Once::new();
    if thread::panicking() {
        // The hook cannot be changed now.
        return;
    }
    INSTALL.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if quiet::is_quiet() {
                return;
            }
            if globals::is_recording() {
                remember(info);
            }
            previous(info);
        }));
    });
}

/// The panic that unwinds the calling thread, or did so last, as an `exception`.
pub(super) fn unwinding() -> Failure {
    LAST.try_with(|last| last.try_borrow().ok().and_then(|last| last.clone()))
        .ok()
        .flatten()
        .unwrap_or_else(|| Failure::panic("the charm panicked".into(), None))
}

/// The next panic of this thread is another one, even if no hook tells of it: what was caught before does not end the spans
/// that are open now. Does nothing while a panic unwinds the thread.
#[inline]
pub(super) fn forget() {
    if HAS_PANICKED.load(Ordering::Relaxed) {
        forget_now();
    }
}

#[cold]
fn forget_now() {
    if thread::panicking() {
        return;
    }
    let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| *last = None));
}

fn remember(info: &panic::PanicHookInfo<'_>) {
    HAS_PANICKED.store(true, Ordering::Relaxed);
    let message = info.payload_as_str().unwrap_or("Box<dyn Any>");
    let failure = Failure::panic(text::cut(message), info.location().map(ToString::to_string));
    // Not `with`: a panic may come while the thread's locals are being destroyed.
    let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| *last = Some(failure)));
}
