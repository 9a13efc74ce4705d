//! The `tracing` relation interface of Juju, `certificate_transfer` as far as tracing needs it, and the Juju dispatch
//! environment and hook tools for both.
//!
//! A charm learns over the relation where to send traces:
//!
//! ```no_run
//! use tracing_relation::juju::Dispatch;
//! use tracing_relation::{ReceiverProtocol, TracingEndpointRequirer, charm_tracing_config};
//!
//! let dispatch = Dispatch::from_env();
//! let tracing = TracingEndpointRequirer::new(&dispatch, "tracing", &[ReceiverProtocol::OtlpHttp])?;
//! let config = charm_tracing_config(&tracing, Some("/etc/my-charm/ca.crt".as_ref()))?;
//! if let Some(endpoint) = config.endpoint {
//!     log::info!("charm traces go to {endpoint}");
//! }
//! # Ok::<(), tracing_relation::TracingError>(())
//! ```
//!
//! # What to reach for
//!
//! * [`TracingEndpointRequirer`] for a charm that sends traces; [`charm_tracing_config`] and [`charm_tracing_endpoint`] for
//!   those of the charm itself.
//! * [`TracingEndpointProvider`] for a charm that receives them, as Tempo's.
//! * [`CertificateTransferRequirer`] for the authorities that a charm is sent over a relation.
//! * [`juju`] for the dispatch environment, hook tools and metadata; [`juju::Dispatch::with_relation_memory`] to ask Juju
//!   only for what an event may have changed.
//! * [`ProviderAppData`] and [`RequirerAppData`] for the databags themselves, in every version of the interface.
//!
//! # Features
//!
//! **`testing`**: the module `juju::testing`, a Juju in memory for tests of charms.

mod certificate_transfer;
mod config;
mod endpoint;
mod error;
mod event;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzed;
mod json;
pub mod juju;
mod memory;
mod protocol;
mod provider;
mod regular_file;
mod relation;
mod requirer;
mod wire;

pub use certificate_transfer::{CertificateTransferEvent, CertificateTransferRequirer};
pub use config::{CharmTracingConfig, charm_tracing_config, charm_tracing_endpoint};
pub use error::TracingError;
pub use event::{TracingEvent, TracingProviderEvent};
pub use json::JsonError;
pub use protocol::{ReceiverProtocol, TransportProtocol, UnknownProtocol};
pub use provider::TracingEndpointProvider;
/// For `charm-tracing`, which reads the files of others by the same rules.
#[doc(hidden)]
pub use regular_file::{is_plain_path, read_regular_file};
pub use relation::Relation;
pub use requirer::TracingEndpointRequirer;
pub use wire::{DataValidationError, ProtocolType, ProviderAppData, Receiver, RequirerAppData};
