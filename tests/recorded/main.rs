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

use tokio::runtime::{Builder, Runtime};

/// Returns a runtime of each kind.
fn runtimes() -> [Runtime; 2] {
    let mut builders = [Builder::new_current_thread(), Builder::new_multi_thread()];
    builders.each_mut().map(|builder| builder.enable_all().build().unwrap())
}
