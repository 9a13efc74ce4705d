//! The spans that annotated code and the OpenTelemetry API record, in the process of the test. A session is a global of the
//! process, so the tests take turns.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

mod async_processes;
mod attributes;
mod juju_logger;
mod otel_api;
mod recursion;
mod tracing_layer;
// Public, because one of its types is.
pub mod trace_type_options;
