//! The OpenTelemetry API in traced code: our spans and those of `opentelemetry::global` are one trace, and every handle to
//! a span does what the API's documentation says. One module per promise.

mod active;
mod carried;
mod endings;
mod limits;
mod nesting;
mod providers;
mod semantics;
mod subscriber;
mod tasks;

use std::time::{Duration, SystemTime};

use charm_tracing::opentelemetry::trace::SpanId;

fn id(span: SpanId) -> u64 {
    u64::from_be_bytes(span.to_bytes())
}

/// A moment that no clock says in these tests.
fn moment(nanos: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)
}
