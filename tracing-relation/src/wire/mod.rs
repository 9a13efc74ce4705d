//! What the two sides of the `tracing` interface write into their application databags.

mod app_data;
mod python_json;

pub(crate) use python_json::PythonJson;

pub use app_data::{DataValidationError, ProtocolType, ProviderAppData, Receiver, RequirerAppData};
