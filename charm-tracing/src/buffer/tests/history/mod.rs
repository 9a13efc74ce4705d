//! Random courses of events on a disk in memory, and what must be in the buffer after each of them.
//!
//! A history is the same for the same seed. Each test plays some; `CHARM_TRACING_HISTORIES=1000` is how many each is to
//! play instead, which takes some minutes.

mod model;
mod operation;
mod world;

use std::time::Duration;

pub(super) use model::{Model, Report};
pub(super) use operation::{Operation, Trace, episodes};
pub(super) use world::{
    NEXT, PATH, World, dispatch_on, numbers, waiting_after_power_cut_on, waiting_on,
    waiting_without_limits_on,
};

/// A history has at least so many operations.
pub(super) const OPERATIONS: usize = 1000;
/// Of the buffer in all histories: small, so that it is full all the time.
pub(super) const MAX_DISPATCHES: u32 = 6;
/// The same in bytes of records.
pub(super) const MAX_BYTES: u64 = 40_000;
/// Some traces become older, as little is sent at times.
pub(super) const MAX_AGE: Duration = Duration::from_secs(30);

/// The seeds of the histories to be played.
pub(super) fn seeds(usually: u64) -> impl Iterator<Item = u64> {
    let asked = std::env::var("CHARM_TRACING_HISTORIES").ok().map(|number| number.parse().expect("a number"));
    1..=asked.unwrap_or(usually)
}
