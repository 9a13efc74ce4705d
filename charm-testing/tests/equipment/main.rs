//! The equipment itself: the small Juju as a charm sees it, and the collector as whoever pushes to it sees it.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

mod collector;
mod dispatch_environment;
mod integration;
mod state;
mod unit;
