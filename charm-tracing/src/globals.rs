//! The process globals: which session is recording, and whether tracing is switched off for a scope.
//!
//! A process is one dispatch, so at most one session records at a time. Everything that a traced call must know
//! when nothing records is one relaxed load of [`RECORDING`].

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::recorder::Recorder;

/// Whether a session records and nobody has switched it off. Derived from the two values below; only a hint for
/// the caller, who asks for the recorder before doing anything with it.
static RECORDING: AtomicBool = AtomicBool::new(false);
static SWITCHED_OFF: AtomicUsize = AtomicUsize::new(0);
static RECORDER: Mutex<Option<Arc<Recorder>>> = Mutex::new(None);

/// Whether spans are being recorded right now.
#[inline]
pub(crate) fn is_recording() -> bool {
    RECORDING.load(Ordering::Relaxed)
}

/// The recorder of the open session, unless tracing is switched off.
pub(crate) fn recorder() -> Option<Arc<Recorder>> {
    if !is_recording() {
        return None;
    }
    slot().clone()
}

/// Makes a recorder the one that spans go to; `make` returns it with whatever else the caller needs of it. None if
/// another session is open: the first one keeps recording.
pub(crate) fn open<T>(make: impl FnOnce() -> (Arc<Recorder>, T)) -> Option<(Arc<Recorder>, T)> {
    let mut slot = slot();
    if slot.is_some() {
        return None;
    }
    let (recorder, rest) = make();
    *slot = Some(Arc::clone(&recorder));
    refresh(&slot);
    Some((recorder, rest))
}

/// Ends what [`open`] began.
pub(crate) fn close() {
    let mut slot = slot();
    *slot = None;
    refresh(&slot);
}

/// Switches tracing off in this process until the returned guard is dropped.
///
/// For tests of traced code that must not record, even if another test of the same process has a session open.
/// Scopes nest; spans that were open before go on when the last guard is dropped. It reaches every thread.
///
/// ```
/// let session = charm_tracing::Session::start(
///     charm_tracing::juju::Dispatch::from_vars([
///         ("JUJU_UNIT_NAME", "app/0"),
///         ("JUJU_DISPATCH_PATH", "hooks/start"),
///         ("JUJU_MODEL_NAME", "testing"),
///         ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
///     ]),
///     charm_tracing::Config::new().buffer_max_events(0),
/// );
/// assert!(charm_tracing::is_enabled());
/// {
///     let _off = charm_tracing::switch_off();
///     assert!(!charm_tracing::is_enabled());
/// }
/// assert!(charm_tracing::is_enabled());
/// session.finish(None);
/// ```
pub fn switch_off() -> SwitchedOff {
    SWITCHED_OFF.fetch_add(1, Ordering::SeqCst);
    refresh(&slot());
    SwitchedOff(())
}

/// Keeps tracing switched off while it lives; made by [`switch_off`].
#[derive(Debug)]
#[must_use = "tracing is switched on again when this is dropped"]
pub struct SwitchedOff(());

impl Drop for SwitchedOff {
    fn drop(&mut self) {
        SWITCHED_OFF.fetch_sub(1, Ordering::SeqCst);
        refresh(&slot());
    }
}

fn refresh(slot: &MutexGuard<'_, Option<Arc<Recorder>>>) {
    RECORDING.store(slot.is_some() && SWITCHED_OFF.load(Ordering::SeqCst) == 0, Ordering::SeqCst);
}

fn slot() -> MutexGuard<'static, Option<Arc<Recorder>>> {
    // Nothing panics while it is held; if it ever did, the slot would still be whole.
    RECORDER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a [`switch_off`] scope is open.
pub(crate) fn is_switched_off() -> bool {
    SWITCHED_OFF.load(Ordering::Relaxed) > 0
}
