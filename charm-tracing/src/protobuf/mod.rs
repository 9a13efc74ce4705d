//! The wire format of Protocol Buffers, and the messages of OTLP that are not about spans.

mod fields;
mod value;

pub(crate) use fields::{
    Field, Fields, bytes, bytes_always, fixed32, fixed64, int, length, length_size, message, next_field,
    signed, uint32, walk,
};
pub(crate) use value::{attributes, scope};
