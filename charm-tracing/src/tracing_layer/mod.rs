//! Records the spans and events of the crate `tracing` in the trace of the session.

mod entered;
mod fields;
mod layer;
mod sites;
mod spans;

pub use layer::TracingLayer;
