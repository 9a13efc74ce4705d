//! The wire format of Protocol Buffers, as far as OTLP needs it: <https://protobuf.dev/programming-guides/encoding/>.
//!
//! Callers write fields in the order of their numbers. A field with the default value is left out, as `prost` does, unless its
//! function says otherwise.

use std::iter;

/// The encoding of a field's value.
#[derive(Clone, Copy)]
enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Length = 2,
    Fixed32 = 5,
}

pub(crate) fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn tag(out: &mut Vec<u8>, field: u32, wire_type: WireType) {
    varint(out, u64::from(field << 3) | wire_type as u64);
}

/// Writes an integer, even if it is 0.
pub(crate) fn int(out: &mut Vec<u8>, field: u32, number: i64) {
    tag(out, field, WireType::Varint);
    varint(out, u64::from_ne_bytes(number.to_ne_bytes()));
}

/// Returns the integer that [`int`] has written as this varint.
pub(crate) fn signed(varint: u64) -> i64 {
    i64::from_ne_bytes(varint.to_ne_bytes())
}

pub(crate) fn uint32(out: &mut Vec<u8>, field: u32, number: u32) {
    if number != 0 {
        tag(out, field, WireType::Varint);
        varint(out, u64::from(number));
    }
}

/// Writes a boolean, even if it is false.
pub(crate) fn boolean(out: &mut Vec<u8>, field: u32, value: bool) {
    int(out, field, i64::from(value));
}

/// Writes a number, even if it is 0.
pub(crate) fn double(out: &mut Vec<u8>, field: u32, number: f64) {
    tag(out, field, WireType::Fixed64);
    out.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn fixed64(out: &mut Vec<u8>, field: u32, number: u64) {
    if number != 0 {
        tag(out, field, WireType::Fixed64);
        out.extend_from_slice(&number.to_le_bytes());
    }
}

pub(crate) fn fixed32(out: &mut Vec<u8>, field: u32, number: u32) {
    if number != 0 {
        tag(out, field, WireType::Fixed32);
        out.extend_from_slice(&number.to_le_bytes());
    }
}

/// Writes bytes or a text.
pub(crate) fn bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    if !bytes.is_empty() {
        bytes_always(out, field, bytes);
    }
}

pub(crate) fn bytes_always(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    length(out, field, bytes.len());
    out.extend_from_slice(bytes);
}

/// Writes the tag and the length of a message, or of bytes.
pub(crate) fn length(out: &mut Vec<u8>, field: u32, length: usize) {
    tag(out, field, WireType::Length);
    varint(out, length as u64);
}

/// Writes a message, even if it is empty.
pub(crate) fn message(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    tag(out, field, WireType::Length);
    let at = out.len();
    out.push(0);
    write(out);
    let length = out.len() - at - 1;
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out[at] = short,
        _ => lengthen(out, at, length),
    }
}

/// Replaces the byte at `at` by a length that needs more than one byte.
#[inline(never)]
fn lengthen(out: &mut Vec<u8>, at: usize, length: usize) {
    let mut prefix = Vec::with_capacity(10);
    varint(&mut prefix, length as u64);
    out.splice(at..=at, prefix);
}

/// The value of a field that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// Reads the fields of a message with their numbers, in the order in which they are written. An item `None` is the last one,
/// because the bytes there are no field.
pub(crate) fn fields(mut bytes: &[u8]) -> impl Iterator<Item = Option<(u32, Field<'_>)>> {
    iter::from_fn(move || {
        let field = (!bytes.is_empty()).then(|| next_field(&mut bytes))?;
        if field.is_none() {
            bytes = &[];
        }
        Some(field.map(|(number, value, _)| (number, value)))
    })
}

/// Calls `each` with every message that the path of field numbers leads to. Returns `None` if the bytes are no message.
pub(crate) fn walk(message: &[u8], path: &[u32], each: &mut dyn FnMut(&[u8])) -> Option<()> {
    let Some((number, below)) = path.split_first() else {
        each(message);
        return Some(());
    };
    for field in fields(message) {
        match field? {
            (found, Field::Bytes(inner)) if found == *number => walk(inner, below, each)?,
            _ => {}
        }
    }
    Some(())
}

/// Reads one field from the front of the bytes. Returns its number, its value and all its bytes as they were written; `None` if
/// there is no field.
pub(crate) fn next_field<'a>(bytes: &mut &'a [u8]) -> Option<(u32, Field<'a>, &'a [u8])> {
    let before = *bytes;
    let tag = u32::try_from(read_varint(bytes)?).ok().filter(|tag| *tag >= 8)?;
    let field = match tag & 7 {
        0 => Field::Varint(read_varint(bytes)?),
        1 => Field::Fixed64(u64::from_le_bytes(*take(bytes)?)),
        2 => {
            let length = usize::try_from(read_varint(bytes)?).ok()?;
            let (value, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Field::Bytes(value)
        }
        5 => Field::Fixed32(u32::from_le_bytes(*take(bytes)?)),
        // Groups are deprecated, and no message of OTLP has one.
        _ => return None,
    };
    Some((tag >> 3, field, &before[..before.len() - bytes.len()]))
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let [byte] = *take(bytes)?;
        // Only one bit of the tenth byte fits into 64 bits.
        if shift == 63 && byte > 1 {
            return None;
        }
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (value, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(value)
}

#[cfg(test)]
mod tests;
