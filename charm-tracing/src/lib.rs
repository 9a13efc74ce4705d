//! Distributed tracing of Juju charms written in Rust.

mod buffer;
mod charm;
mod config;
mod delivery;
mod encode;
mod globals;
mod hook_tools;
mod juju_log;
mod names;
mod notice;
mod parent;
mod provider;
mod recorder;
mod resource;
mod run;
mod session;
mod span;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use charm::TracedCharm;
pub use charm_tracing_macros::{trace_charm, trace_fn, trace_type};
pub use config::Config;
pub use delivery::{
    Certificate, CertificateError, DeliveryProblem, DeliveryReport, Destination, EndpointError,
};
pub use globals::{SwitchedOff, switch_off};
pub use opentelemetry;
pub use run::run;
pub use session::Session;
pub use span::{CurrentSpan, current_span, event};
pub use tracing_relation as relation;
pub use tracing_relation::juju;

/// Whether traced calls record spans right now: a session is open and tracing is not switched off.
#[must_use]
pub fn is_enabled() -> bool {
    globals::is_recording()
}
