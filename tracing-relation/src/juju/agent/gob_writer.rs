//! Writes gob: structs of a few simple fields. [`gob`](super::gob) explains the format.

use super::gob::TypeId;

/// An encoder of a struct, which gets the fields in the order of the definition. A zero field is left out.
#[derive(Debug, Default)]
pub(crate) struct StructWriter {
    bytes: Vec<u8>,
    /// The number of fields that were left out since the last written one.
    skipped: u64,
}

impl StructWriter {
    pub(crate) fn bool(self, value: bool) -> Self {
        self.uint(value.into())
    }

    pub(crate) fn uint(self, value: u64) -> Self {
        self.field(value != 0, |bytes| write_uint(bytes, value))
    }

    pub(crate) fn int(self, value: i64) -> Self {
        self.field(value != 0, |bytes| write_int(bytes, value))
    }

    /// Encodes a string or a byte slice.
    pub(crate) fn bytes(self, value: &[u8]) -> Self {
        self.field(!value.is_empty(), |bytes| write_bytes(bytes, value))
    }

    pub(crate) fn strings(self, values: &[String]) -> Self {
        self.field(!values.is_empty(), |bytes| {
            write_uint(bytes, values.len() as u64);
            for value in values {
                write_bytes(bytes, value.as_bytes());
            }
        })
    }

    fn field(mut self, present: bool, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        self.skipped += 1;
        if present {
            write_uint(&mut self.bytes, self.skipped);
            write(&mut self.bytes);
            self.skipped = 0;
        }
        self
    }

    fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}

/// Appends a struct of a type that is already defined.
pub(crate) fn write_message(stream: &mut Vec<u8>, id: TypeId, value: StructWriter) {
    let mut content = Vec::new();
    write_int(&mut content, id);
    content.extend(value.end());
    write_bytes(stream, &content);
}

/// Writes a number below 128 as one byte, and any other as its bytes without leading zeros, after their negated count.
fn write_uint(bytes: &mut Vec<u8>, value: u64) {
    match u8::try_from(value) {
        Ok(small) if small < 0x80 => bytes.push(small),
        _ => {
            let all = value.to_be_bytes();
            let first = all.iter().position(|byte| *byte != 0).unwrap_or_default();
            let count = u8::try_from(all.len() - first).unwrap_or_default();
            bytes.push(count.wrapping_neg());
            bytes.extend_from_slice(&all[first..]);
        }
    }
}

/// Writes a number with its sign: the lowest bit says whether the other bits are inverted.
fn write_int(bytes: &mut Vec<u8>, value: i64) {
    write_uint(bytes, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

fn write_bytes(bytes: &mut Vec<u8>, value: &[u8]) {
    write_uint(bytes, value.len() as u64);
    bytes.extend_from_slice(value);
}
