//! OTLP: encodes ended spans as a request, splits a request into parts, and reads the answer.

mod answer;
pub(crate) mod attributes;
mod encode_span;
mod file_writer;
pub(crate) mod journal_format;
mod request;
pub(crate) mod split;
#[cfg(test)]
mod tests;

pub(crate) use answer::{PartialSuccess, partial_success};
pub(crate) use file_writer::FileWriter;
pub(crate) use request::encode_request;
