//! OTLP: encodes ended spans as a request, splits a request into parts, and reads the answer.

#[cfg(feature = "session")]
mod answer;
#[cfg(feature = "session")]
pub(crate) mod attributes;
mod encode_span;
#[cfg(feature = "session")]
pub(crate) mod journal_format;
mod request;
#[cfg(feature = "session")]
pub(crate) mod split;
#[cfg(all(test, feature = "session"))]
mod tests;

#[cfg(feature = "session")]
pub(crate) use answer::{PartialSuccess, partial_success};
pub(crate) use request::encode_request;
