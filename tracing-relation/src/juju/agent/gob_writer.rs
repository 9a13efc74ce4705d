//! Writes gob: structs of a few simple fields. [`gob`](super::gob) explains the format.

use super::gob::TypeId;

/// Encodes a message with a struct of a type that is already defined. `fields` are encoded, in the order of the definition.
pub(crate) fn message(id: TypeId, fields: &[Vec<u8>]) -> Vec<u8> {
    let mut content = int(id);
    let mut distance = 0;
    for field in fields {
        distance += 1;
        // A value that is zero, false or empty is encoded as one zero, and such a field is left out.
        if field != &[0] {
            content.extend(uint(distance));
            content.extend(field);
            distance = 0;
        }
    }
    content.push(0);
    bytes(&content)
}

/// Encodes a number without sign, or a boolean: below 128 as one byte, and any other as its bytes without leading zeros,
/// after their negated count.
pub(crate) fn uint(value: u64) -> Vec<u8> {
    if value < 0x80 {
        return vec![value.to_be_bytes()[7]];
    }
    let bytes = value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0);
    // The negated count of the bytes: 0xff for one, 0xf8 for eight.
    let first = bytes.clone().fold(0_u8, |negated, _| negated.wrapping_sub(1));
    [first].into_iter().chain(bytes).collect()
}

/// Encodes a number with its sign: the lowest bit says whether the other bits are inverted.
pub(crate) fn int(value: i64) -> Vec<u8> {
    let bits = (value << 1) ^ (value >> 63);
    uint(u64::from_ne_bytes(bits.to_ne_bytes()))
}

/// Encodes a string or a byte slice.
pub(crate) fn bytes(value: &[u8]) -> Vec<u8> {
    [&uint(value.len() as u64), value].concat()
}

pub(crate) fn strings(values: &[String]) -> Vec<u8> {
    let encoded = values.iter().flat_map(|value| bytes(value.as_bytes()));
    uint(values.len() as u64).into_iter().chain(encoded).collect()
}
