//! Writes gob: structs of a few simple fields. [`gob`](super::gob) explains the format.

use super::gob::TypeId;

/// Appends the value of a field.
pub(crate) type Field<'a> = &'a dyn Fn(&mut Vec<u8>);

/// Appends a message with a struct of a type that is already defined. The fields are in the order of the definition.
pub(crate) fn message(out: &mut Vec<u8>, id: TypeId, fields: &[Field<'_>]) {
    let mut content = Vec::with_capacity(256);
    int(&mut content, id);
    let mut distance = 0;
    for field in fields {
        distance += 1;
        let start = content.len();
        uint(&mut content, distance);
        let value = content.len();
        field(&mut content);
        // A value that is zero, false or empty is encoded as one zero, and such a field is left out.
        if content[value..] == [0] {
            content.truncate(start);
        } else {
            distance = 0;
        }
    }
    content.push(0);
    bytes(out, &content);
}

/// Appends a number without sign, or a boolean: below 128 as one byte, and any other as its bytes without leading zeros,
/// after their negated count.
pub(crate) fn uint(out: &mut Vec<u8>, value: u64) {
    let bytes = value.to_be_bytes();
    if value < 0x80 {
        return out.push(bytes[7]);
    }
    let bytes = bytes.into_iter().skip_while(|byte| *byte == 0);
    // The negated count of the bytes: 0xff for one, 0xf8 for eight.
    out.push(bytes.clone().fold(0, |negated: u8, _| negated.wrapping_sub(1)));
    out.extend(bytes);
}

/// Appends a number with its sign: the lowest bit says whether the other bits are inverted.
pub(crate) fn int(out: &mut Vec<u8>, value: i64) {
    let bits = (value << 1) ^ (value >> 63);
    uint(out, u64::from_ne_bytes(bits.to_ne_bytes()));
}

/// Appends a string or a byte slice.
pub(crate) fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    uint(out, value.len() as u64);
    out.extend_from_slice(value);
}

pub(crate) fn strings(out: &mut Vec<u8>, values: &[String]) {
    uint(out, values.len() as u64);
    for value in values {
        bytes(out, value.as_bytes());
    }
}
