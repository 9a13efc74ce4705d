//! Signals that end the demo, such as that of Ctrl-C.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::{flag, low_level};

/// Takes note of a signal, so that the demo can remove the units' directories before it ends.
pub(crate) struct Stop {
    /// The signal that came last; 0 for none.
    signal: Arc<AtomicUsize>,
}

impl Stop {
    pub(crate) fn listen() -> io::Result<Self> {
        let signal = Arc::default();
        for number in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
            flag::register_usize(number, Arc::clone(&signal), number.unsigned_abs() as usize)?;
        }
        Ok(Self { signal })
    }

    pub(crate) fn is_asked_for(&self) -> bool {
        self.signal.load(Ordering::SeqCst) != 0
    }

    /// Ends the process by the signal that came, if one did, because a shell looks at how a program ended.
    pub(crate) fn obey(&self) {
        if let Ok(signal @ 1..) = i32::try_from(self.signal.load(Ordering::SeqCst)) {
            _ = low_level::emulate_default_handler(signal);
        }
    }
}
