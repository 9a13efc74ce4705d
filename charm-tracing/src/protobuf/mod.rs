//! The wire format of Protocol Buffers, and the messages of OTLP that are not about spans.

mod fields;
mod value;

pub(crate) use fields::{
    Field, bytes, bytes_always, fields, fixed32, fixed64, int, length, message, next_field, signed, uint32,
    walk,
};
pub(crate) use value::{attributes, scope};
