//! Describes the format of Go's `encoding/gob`, and reads any value in it. [`gob_writer`](super::gob_writer) writes the few
//! structs that are sent.
//!
//! The documentation of that Go package specifies the format. A stream is a sequence of messages, each after its length. A
//! message is either the definition of a type, with its negative id, or a value, with the id of its type. A struct is sent
//! as its fields that are not zero, each with its distance from the field before, so a reader needs the definition to know
//! the type of the next value.
//!
//! A read allocates in proportion to the received bytes, never for a length that was only announced, and its recursion is
//! never deeper than [`DEEPEST`].

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::juju::hook_tools::{MAX_STDERR, MAX_STDOUT, too_long};

/// The limit of the nesting of values, so that a read cannot exhaust the stack.
const DEEPEST: usize = 100;

/// The number of types that one connection may define. `net/rpc` needs fewer than ten.
const MOST_TYPES: usize = 1000;

/// The limit of one message in bytes: the largest output that is accepted from a tool, and a little for the other fields.
const LONGEST_MESSAGE: u64 = (MAX_STDOUT + MAX_STDERR + 1024) as u64;

/// The reason why a stream cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GobError {
    #[error("a message is too long")]
    TooLong,
    #[error("not a gob stream: {0}")]
    Malformed(&'static str),
}

use GobError::Malformed;

impl From<GobError> for io::Error {
    fn from(error: GobError) -> Self {
        match error {
            GobError::TooLong => too_long(),
            Malformed(_) => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}

const TRUNCATED: GobError = Malformed("a message ends within a value");
/// The value continues in another message.
const CUT: GobError = Malformed("a value ends within an interface");
const UNDEFINED_FIELD: GobError = Malformed("a field is not defined");
const BAD_DEFINITION: GobError = Malformed("the definition of a type is not one");

/// The id of a type. Ids below 64 are gob's own, and the stream defines the others.
pub(crate) type TypeId = i64;

const BOOL: TypeId = 1;
const INT: TypeId = 2;
const UINT: TypeId = 3;
const FLOAT: TypeId = 4;
const BYTES: TypeId = 5;
const STRING: TypeId = 6;
const COMPLEX: TypeId = 7;
const INTERFACE: TypeId = 8;

/// A stream that is read as its bytes arrive, in pieces of any size.
#[derive(Debug)]
pub(crate) struct Stream {
    types: Types,
    /// The limit of one message in bytes.
    longest: u64,
    buffer: Vec<u8>,
    /// The number of bytes in the buffer that were read.
    read: usize,
    /// The earlier messages of a value that continues in others. A value is split where the type of an interface is
    /// defined.
    parts: Vec<Vec<u8>>,
}

impl Default for Stream {
    fn default() -> Self {
        Self::limited_to(LONGEST_MESSAGE)
    }
}

impl Stream {
    pub(crate) fn limited_to(longest: u64) -> Self {
        Self { types: Types::default(), longest, buffer: Vec::new(), read: 0, parts: Vec::new() }
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.read);
        self.read = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next value; `None` if it has not arrived completely. Stores definitions of types.
    pub(crate) fn next(&mut self) -> Result<Option<Value>, GobError> {
        while let Some(message) = self.next_message()? {
            let message = &self.buffer[message];
            let mut reader = Reader::of(message);
            let id = reader.int()?;
            if id < 0 {
                reader.define(&mut self.types, id)?;
                continue;
            }
            let messages: Vec<&[u8]> = self.parts.iter().map(Vec::as_slice).chain([message]).collect();
            let mut reader = Reader { bytes: messages[0], later: &messages[1..] };
            let id = reader.int()?;
            match reader.whole_value(&mut self.types, id, DEEPEST) {
                Err(CUT) => {
                    let length: usize = messages.iter().map(|part| part.len()).sum();
                    if length as u64 > self.longest {
                        return Err(GobError::TooLong);
                    }
                    self.parts.push(message.to_vec());
                }
                value => {
                    self.parts.clear();
                    return value.map(Some);
                }
            }
        }
        Ok(None)
    }

    /// Returns the range of the next message in the buffer; `None` if it has not arrived completely.
    fn next_message(&mut self) -> Result<Option<Range<usize>>, GobError> {
        let mut reader = Reader::of(&self.buffer[self.read..]);
        let length = match reader.uint() {
            Err(TRUNCATED) => return Ok(None),
            length => length?,
        };
        if length > self.longest {
            return Err(GobError::TooLong);
        }
        let start = self.buffer.len() - reader.bytes.len();
        let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length));
        Ok(end.filter(|end| *end <= self.buffer.len()).map(|end| {
            self.read = end;
            start..end
        }))
    }
}

/// The types that a stream has defined so far.
type Types = HashMap<TypeId, Arc<Type>>;

#[derive(Debug)]
enum Type {
    /// A slice or an array.
    List(TypeId),
    Map(TypeId, TypeId),
    /// A struct, with the names and types of its fields.
    Struct(Vec<(Arc<str>, TypeId)>),
    /// A type with an encoding of its own, such as a time.
    Opaque,
}

/// A value that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Bool(bool),
    Int(i64),
    Uint(u64),
    /// A string or a byte slice.
    Bytes(Vec<u8>),
    /// The strings or byte slices of a slice or an array. Elements of other types are dropped.
    List(Vec<Vec<u8>>),
    /// The fields that were sent, each with its name.
    Struct(Vec<(Arc<str>, Self)>),
    Other,
}

/// The unread rest of a message, and the later messages of the same value.
#[derive(Debug)]
struct Reader<'a> {
    bytes: &'a [u8],
    later: &'a [&'a [u8]],
}

impl<'a> Reader<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, later: &[] }
    }

    fn uint(&mut self) -> Result<u64, GobError> {
        let first = self.take(1)?[0];
        if first < 0x80 {
            return Ok(first.into());
        }
        let count = usize::from(first.wrapping_neg());
        if count > size_of::<u64>() {
            return Err(Malformed("a number is longer than eight bytes"));
        }
        Ok(self.take(count)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn int(&mut self) -> Result<i64, GobError> {
        let bits = self.uint()?;
        let others = i64::from_ne_bytes((bits >> 1).to_ne_bytes());
        Ok(if bits & 1 == 0 { others } else { !others })
    }

    fn bytes(&mut self) -> Result<&'a [u8], GobError> {
        let length = self.uint()?;
        self.take(usize::try_from(length).map_err(|_| TRUNCATED)?)
    }

    /// Reads the number of elements that follow. Each takes at least one byte.
    fn count(&mut self) -> Result<usize, GobError> {
        let count = self.uint()?;
        usize::try_from(count).ok().filter(|count| *count <= self.bytes.len()).ok_or(TRUNCATED)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], GobError> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(TRUNCATED)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// Reads a struct. `read` gets the number of each field that was sent, and reads its value.
    fn fields(
        &mut self,
        mut read: impl FnMut(&mut Self, usize) -> Result<(), GobError>,
    ) -> Result<(), GobError> {
        let mut next = 0_usize;
        loop {
            let distance = usize::try_from(self.uint()?).map_err(|_| TRUNCATED)?;
            if distance == 0 {
                return Ok(());
            }
            next = next.checked_add(distance).ok_or(UNDEFINED_FIELD)?;
            read(self, next - 1)?;
        }
    }

    /// Reads the definition of a type after its negative id.
    fn define(&mut self, types: &mut Types, negative_id: TypeId) -> Result<(), GobError> {
        if types.len() >= MOST_TYPES {
            return Err(Malformed("too many types are defined"));
        }
        types.insert(negative_id.wrapping_neg(), Arc::new(self.definition()?));
        Ok(())
    }

    /// Reads gob's own struct `wireType`, of which one field is set.
    fn definition(&mut self) -> Result<Type, GobError> {
        let mut definition = None;
        self.fields(|reader, kind| {
            let (mut ids, mut named) = (Vec::new(), Vec::new());
            reader.fields(|reader, number| match (kind, number) {
                // Reads the name and the id of the type. They are dropped, because the message has the id as well.
                (_, 0) => reader.name_and_id().map(drop),
                (0 | 1 | 3, _) => reader.int().map(|id| ids.push(id)),
                (2, 1) => {
                    for _ in 0..reader.count()? {
                        named.push(reader.name_and_id()?);
                    }
                    Ok(())
                }
                _ => Err(BAD_DEFINITION),
            })?;
            definition = Some(match (kind, ids.as_slice()) {
                (0 | 1, [element, ..]) => Type::List(*element),
                (2, _) => Type::Struct(named),
                (3, [key, value]) => Type::Map(*key, *value),
                (4..=6, _) => Type::Opaque,
                _ => return Err(BAD_DEFINITION),
            });
            Ok(())
        })?;
        definition.ok_or(BAD_DEFINITION)
    }

    fn name_and_id(&mut self) -> Result<(Arc<str>, TypeId), GobError> {
        let (mut name, mut id) = ("".into(), 0);
        self.fields(|reader, number| {
            match number {
                0 => name = String::from_utf8_lossy(reader.bytes()?).into(),
                1 => id = reader.int()?,
                _ => return Err(BAD_DEFINITION),
            }
            Ok(())
        })?;
        Ok((name, id))
    }

    /// Reads a value that is not part of another one. It has a zero in front, unless it is a struct.
    fn whole_value(&mut self, types: &mut Types, id: TypeId, depth: usize) -> Result<Value, GobError> {
        if !matches!(types.get(&id).map(|kind| &**kind), Some(Type::Struct(_))) {
            self.uint()?;
        }
        self.value(types, id, depth)
    }

    fn value(&mut self, types: &mut Types, id: TypeId, depth: usize) -> Result<Value, GobError> {
        let depth = depth.checked_sub(1).ok_or(Malformed("a value is nested too deeply"))?;
        match id {
            BOOL => return Ok(Value::Bool(self.uint()? != 0)),
            INT => return self.int().map(Value::Int),
            UINT => return self.uint().map(Value::Uint),
            FLOAT => return self.uint().map(|_| Value::Other),
            COMPLEX => return self.uint().and_then(|_| self.uint()).map(|_| Value::Other),
            BYTES | STRING => return Ok(Value::Bytes(self.bytes()?.to_vec())),
            INTERFACE => return self.interface(types, depth),
            _ => {}
        }
        let kind = types.get(&id).cloned().ok_or(Malformed("a type is not defined"))?;
        match &*kind {
            Type::List(element) => {
                let mut items = Vec::new();
                for _ in 0..self.count()? {
                    if let Value::Bytes(item) = self.value(types, *element, depth)? {
                        items.push(item);
                    }
                }
                Ok(Value::List(items))
            }
            Type::Map(key, value) => {
                for _ in 0..self.count()? {
                    self.value(types, *key, depth)?;
                    self.value(types, *value, depth)?;
                }
                Ok(Value::Other)
            }
            Type::Struct(definition) => {
                let mut fields = Vec::new();
                self.fields(|reader, number| {
                    let (name, id) = definition.get(number).ok_or(UNDEFINED_FIELD)?;
                    fields.push((Arc::clone(name), reader.value(types, *id, depth)?));
                    Ok(())
                })?;
                Ok(Value::Struct(fields))
            }
            Type::Opaque => self.bytes().map(|_| Value::Other),
        }
    }

    /// Reads past an interface: the name of the type in it, the type's id, a length, and the value. For a nil interface,
    /// only an empty name is sent.
    ///
    /// A new type is defined between its name and its id. If the interface is not within another one, the message ends
    /// after the definition. The lengths are not useful, because they end at the next definition.
    fn interface(&mut self, types: &mut Types, depth: usize) -> Result<Value, GobError> {
        if self.bytes()?.is_empty() {
            return Ok(Value::Other);
        }
        let id = loop {
            let id = self.int()?;
            if id >= 0 {
                break id;
            }
            self.define(types, id)?;
            if !self.bytes.is_empty() {
                self.uint()?;
            } else if let Some((next, later)) = self.later.split_first() {
                (self.bytes, self.later) = (next, later);
            } else {
                return Err(CUT);
            }
        };
        self.uint()?;
        self.whole_value(types, id, depth).map(|_| Value::Other)
    }
}
