//! The content that the two sides of the `tracing` interface write into their application databags.

mod address;
mod items;
mod provider_data;
mod requirer_data;

/// The name of the interface in the metadata of charms.
pub(crate) const INTERFACE: &str = "tracing";

pub use items::DataValidationError;
pub(crate) use items::{RECEIVERS, field, read};
pub use provider_data::{ProtocolType, ProviderAppData, Receiver};
pub use requirer_data::RequirerAppData;
