//! Whether the calling thread can still open spans.
//!
//! A destructor of a thread-local value may call traced code when OpenTelemetry's own thread-local values (the current
//! context, the source of random ids) are gone; touching them then would abort the process.

use opentelemetry::Context;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use super::quiet::quietly;

/// Destroyed before what it touched first: a thread destroys its values in the reverse order of their making.
struct Probe;

impl Drop for Probe {
    fn drop(&mut self) {}
}

thread_local! {
    static PROBE: Probe = {
        Context::map_current(|_| ());
        RandomIdGenerator::default().new_span_id();
        Probe
    };
}

pub(super) fn can_open_spans() -> bool {
    // On a thread that is ending already, making the probe panics.
    quietly(|| PROBE.try_with(|_| ()).is_ok()).unwrap_or(false)
}
