//! An OTLP/HTTP collector on the loopback interface, for Protocol Buffers and JSON, compressed or not.
//!
//! It keeps every request it receives, byte for byte and decoded, and answers each one as it was told to:
//! as a healthy backend, or as any of the unhealthy ones that a charm meets in the field.

mod answer;
mod http;
mod request;
mod server;
mod tls;

pub use answer::{Answer, Reply};
pub use request::Request;
pub use server::{Collector, port_closed_endpoint};
pub use tls::Client;
