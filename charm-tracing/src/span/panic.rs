//! The message and place of the panic that is unwinding this thread.
//!
//! A guard that is dropped while the thread unwinds knows that there is a panic, but not which one: only the panic hook gets
//! its message. The hook that is installed here stores it for its thread and then calls the previous hook, so the charm prints
//! what it printed before. If the charm replaces the hook, spans still end as errors, but without the message.

use std::cell::RefCell;
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::failure::Failure;
use super::{own_work, text};
use crate::recorder::globals;

/// True once any thread has stored a panic.
static HAS_PANICKED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static LAST: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

/// Installs the panic hook, once per process, when the first session opens.
pub(crate) fn install_hook() {
    static INSTALL: Once = Once::new();
    if thread::panicking() {
        // The hook cannot be changed now.
        return;
    }
    INSTALL.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if own_work::are_panics_caught() {
                return;
            }
            if globals::is_recording() {
                remember(info);
            }
            previous(info);
        }));
    });
}

/// Returns the panic that unwinds the calling thread, or the last one that did, as an `exception`.
pub(super) fn unwinding() -> Failure {
    LAST.try_with(|last| last.try_borrow().ok().and_then(|last| last.clone()))
        .ok()
        .flatten()
        .unwrap_or_else(|| Failure::panic("the charm panicked".into(), None))
}

/// Forgets the last panic of this thread, which was caught. So a later panic that calls no hook is not recorded with the
/// message of the earlier one. Does nothing while a panic unwinds the thread.
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
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let message = text.or(payload.downcast_ref().map(String::as_str)).unwrap_or("Box<dyn Any>");
    let failure = Failure::panic(text::cut(message), info.location().map(ToString::to_string));
    // It is not `with`, which would panic if the thread's local values are being destroyed when the panic comes.
    let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| *last = Some(failure)));
}
