use super::globals;
#[cfg(feature = "testing")]
use super::turn::{Turn, Use};

/// Switches tracing off in this process until the returned guard is dropped.
///
/// Use it in tests of traced code that must not record, even while a session is open. Scopes nest, and apply to every thread.
/// Spans that were open before stay open, and recording continues when the last guard is dropped. With the feature `testing`,
/// this waits until other threads record no more, and they wait until the guard is dropped.
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
    #[cfg(feature = "testing")]
    let turn = Turn::take(Use::SwitchedOff).ok();
    globals::begin_switched_off();
    SwitchedOff {
        #[cfg(feature = "testing")]
        _turn: turn,
    }
}

/// A guard that keeps tracing switched off while it lives; made by [`switch_off`].
#[derive(Debug)]
#[must_use = "tracing is switched on again when this is dropped"]
pub struct SwitchedOff {
    #[cfg(feature = "testing")]
    _turn: Option<Turn>,
}

impl Drop for SwitchedOff {
    fn drop(&mut self) {
        globals::end_switched_off();
    }
}
