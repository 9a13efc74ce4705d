//! The wire format of Protocol Buffers, and the messages of OTLP that are not about spans.

mod value;
mod wire;

pub(crate) use value::{attributes, scope};
pub(crate) use wire::{
    Field, Fields, bytes, bytes_always, fields, fixed32, fixed64, int, length, length_size, message,
    next_field, uint32,
};
