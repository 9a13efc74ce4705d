//! Everything a test of a traced charm needs around the charm: an OTLP [`collector`] that can be told how to
//! answer, and the [`tree`] view of the spans it received.

pub mod collector;
pub mod tree;
