//! The `certificate_transfer` interface, as the side that trusts what it is sent sees it.

mod requirer;
mod wire;

pub use requirer::{CertificateTransferEvent, CertificateTransferRequirer};
