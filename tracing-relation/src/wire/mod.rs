//! What the two sides of the `tracing` interface write into their application databags.

mod address;
mod items;
mod provider_data;
mod python_json;
mod requirer_data;

/// The name of the interface in the metadata of charms.
pub(crate) const INTERFACE: &str = "tracing";

pub(crate) use python_json::PythonJson;

pub use items::DataValidationError;
pub use provider_data::{ProtocolType, ProviderAppData, Receiver};
pub use requirer_data::RequirerAppData;
