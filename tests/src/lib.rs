//! Everything a test of a traced charm needs around the charm: a small [`juju`] that runs it as Juju would, an OTLP
//! [`collector`] that can be told how to answer, and the [`tree`] view of the spans it received; and [`recording`]
//! and [`futures`] for what needs no process of its own. [`relation_tools`] counts what a charm asks of Juju,
//! [`queue`] looks at what waits for a backend.

pub mod collector;
pub mod futures;
pub mod juju;
pub mod queue;
pub mod recording;
pub mod relation_tools;
pub mod tree;
