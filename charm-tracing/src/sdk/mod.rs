//! A charm's own exporters and span processors of OpenTelemetry's SDK, which get the spans of a dispatch beside the queue.
//!
//! They run when the charm's code has ended and its trace is stored, sent or lost, so they cannot change where the trace is.
//! Each is made, used and dropped on a thread of its own, because only a thread can be abandoned when it blocks. The threads
//! are the first of the dispatch. A charm without exporters starts none.

mod export;
mod exporters;
mod processor;
mod span_data;

pub(crate) use export::Export;
pub use export::ExportError;
pub use exporters::Exports;
pub(crate) use exporters::NewExporter;
#[cfg(test)]
pub(crate) use span_data::span_data;
