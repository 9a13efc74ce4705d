//! The `certificate_transfer` interface, for the side that receives certificates and trusts them.

mod requirer;
mod wire;

pub use requirer::{CertificateTransferEvent, CertificateTransferRequirer};
