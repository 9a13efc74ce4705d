//! The `tracing` relation interface of Juju, and the Juju dispatch environment and hook tools it needs.

pub mod juju;
mod protocol;
mod wire;

pub use protocol::{ReceiverProtocol, TransportProtocol, UnknownProtocol};
pub use wire::{DataValidationError, ProtocolType, ProviderAppData, Receiver, RequirerAppData};
