//! Reads the attributes of a request's spans.

use crate::protobuf::{Field, fields, signed, walk};

/// The fields from a request to an attribute of a span.
const ATTRIBUTE: [u32; 4] = [1, 2, 2, 9];

/// Calls `each` with the key and the value of every attribute of a span that is a whole number, up to the first bytes that are
/// no message.
pub(crate) fn integers(request: &[u8], each: &mut dyn FnMut(&[u8], i64)) {
    let _ = walk(request, &ATTRIBUTE, &mut |message| attribute(message, each));
}

fn attribute(message: &[u8], each: &mut dyn FnMut(&[u8], i64)) {
    let (mut key, mut value) = (&[][..], None);
    for field in fields(message).map_while(|field| field) {
        match field {
            (1, Field::Bytes(text)) => key = text,
            (2, Field::Bytes(any_value)) => {
                value = fields(any_value).find_map(|field| match field {
                    Some((3, Field::Varint(number))) => Some(signed(number)),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    if let Some(value) = value {
        each(key, value);
    }
}

#[cfg(test)]
mod tests;
