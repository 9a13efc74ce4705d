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

use charm_testing::collector::CollectedSpan;
use opentelemetry_proto::tonic::trace::v1::Span;

/// The only span of this name.
fn named<'a>(spans: &'a [CollectedSpan], name: &str) -> &'a Span {
    let mut found = spans.iter().map(|collected| &collected.span).filter(|span| span.name == name);
    let span = found.next().unwrap_or_else(|| panic!("no span {name:?}"));
    assert!(found.next().is_none(), "two spans {name:?}");
    span
}

fn id(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().unwrap())
}

/// A moment that no clock says in these tests.
fn moment(nanos: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)
}
