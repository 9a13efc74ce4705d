//! What the two sides of the `tracing` interface write into their application databags.

mod app_data;
mod python_json;

/// The name of the interface in the metadata of charms.
pub(crate) const INTERFACE: &str = "tracing";

pub(crate) use python_json::PythonJson;

pub use app_data::{DataValidationError, ProtocolType, ProviderAppData, Receiver, RequirerAppData};
