//! Stores the finished trace of a dispatch in the queue, and sends the waiting traces to the backend.
//!
//! This is the only module that knows both the queue and the network. It never makes a hook fail, never makes it wait
//! longer than its time budget, and prints nothing: the [`DeliveryReport`] says what an operator or an author should
//! know.

#[cfg(feature = "tls")]
mod algorithm;
mod backend;
mod backlog;
mod backoff;
mod budget;
#[cfg(feature = "testing")]
mod by_hand;
mod certificate;
mod connection;
mod deliver;
mod destination;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed_answer;
pub(crate) mod headers;
mod http;
mod own_trace;
#[cfg(feature = "tls")]
mod pem;
mod proxy;
#[cfg(feature = "tls")]
mod read_certificates;
mod report;
mod request_error;
mod resolver;
#[cfg(feature = "tls")]
mod system_store;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tls")]
mod tls_connection;
mod url;
mod verdict;

#[cfg(test)]
mod tests;

pub(crate) use budget::{SystemClock, TimeBudget};
#[cfg(feature = "testing")]
pub use by_hand::{Sent, send_by_hand};
pub use certificate::{Certificate, CertificateError, ClientCertificate, Pem};
pub(crate) use deliver::deliver;
pub use destination::Destination;
pub(crate) use own_trace::Trace;
pub use report::{DeliveryProblem, DeliveryReport};
pub use url::EndpointError;
