//! The `tracing` relation interface of Juju, `cos_agent` and `certificate_transfer` as far as tracing needs them, and the
//! Juju dispatch environment and hook tools for all of them.
//!
//! The relation tells a charm where to send traces:
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
//! # Where to start
//!
//! * [`TracingEndpointRequirer`] is for a charm that sends traces. [`charm_tracing_config`] and [`charm_tracing_endpoint`]
//!   find the endpoint for the traces of the charm itself.
//! * [`CosAgentProvider`] is for a charm on a machine that sends traces to its collector.
//! * [`TracingEndpointProvider`] is for a charm that receives traces, such as Tempo's.
//! * [`CertificateTransferRequirer`] reads the certificate authorities that a relation sends to a charm.
//! * [`juju`] has the dispatch environment, hook tools and metadata. [`juju::Dispatch::with_relation_memory`] saves hook
//!   tools: it asks Juju only for what an event may have changed.
//! * [`ProviderAppData`] and [`RequirerAppData`] read and write the databags themselves, in every version of the interface.
//!
//! # The guide
//!
//! The repository has a guide. `docs/guide/first-charm.md` makes a charm with a `tracing` relation, `docs/guide/machine-charms.md` one
//! with `cos_agent`, and `docs/guide/https.md` is about `certificate_transfer`.
//!
//! # Features
//!
//! **`testing`** adds the module `juju::testing`, an in-memory Juju for tests of charms.

// docs.rs shows which feature an item needs, with a compiler that has the means.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod certificate_transfer;
mod config;
mod cos_agent;
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
pub use config::{CharmTracingConfig, CharmTracingSource, charm_tracing_config, charm_tracing_endpoint};
pub use cos_agent::CosAgentProvider;
pub use error::TracingError;
/// Exported for `charm-tracing`, which shows errors in the same form.
#[doc(hidden)]
pub use error::with_causes;
pub use event::{TracingEvent, TracingProviderEvent};
pub use json::JsonError;
pub use protocol::{ReceiverProtocol, TransportProtocol, UnknownProtocol};
pub use provider::TracingEndpointProvider;
/// Exported for `charm-tracing`, which opens, reads and writes files by the same rules.
#[doc(hidden)]
pub use regular_file::{check_size_limit, is_plain_path, own_file_options, read_regular_file};
pub use relation::Relation;
pub use requirer::TracingEndpointRequirer;
pub use wire::{DataValidationError, ProtocolType, ProviderAppData, Receiver, RequirerAppData};

/// Makes tests of the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
