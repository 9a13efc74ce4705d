//! Everything a test of a traced charm needs around the charm: a small [`juju`] that runs it as Juju would, an OTLP
//! [`collector`] that can be told how to answer, and the [`tree`] view of the spans it received. [`queue`] looks at the
//! traces that wait for a backend.

pub mod collector;
pub mod juju;
pub mod queue;
pub mod tree;

/// Compiled by `build.rs`, and here so that formatter and linter see it.
#[cfg(test)]
#[path = "../jujuc.rs"]
#[expect(dead_code, reason = "it is a program of its own")]
mod jujuc;
