//! Stores the finished trace of a dispatch in the queue, and sends the traces that wait to the backend.
//!
//! This is the only module that knows both the queue and the network. Nothing here makes a hook fail or wait longer than its time
//! budget, and nothing is printed: what an operator or an author should know is in the [`DeliveryReport`].

#[cfg(feature = "tls")]
mod algorithm;
mod backend;
mod backlog;
mod backoff;
mod budget;
mod certificate;
mod client_certificate;
mod connection;
mod deliver;
mod destination;
mod endpoint;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod headers;
mod http;
#[cfg(feature = "tls")]
mod pem;
mod proxy;
mod report;
mod resolver;
mod split;
#[cfg(feature = "tls")]
mod system_store;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tls")]
mod tls_connection;
mod unanswered;
mod verdict;

#[cfg(test)]
mod tests;

pub(crate) use budget::{SystemClock, TimeBudget};
pub use certificate::{Certificate, CertificateError};
pub use client_certificate::{ClientCertificate, Pem};
pub(crate) use deliver::{Trace, deliver};
pub use destination::Destination;
pub use endpoint::EndpointError;
pub use report::{DeliveryProblem, DeliveryReport};
