//! Go's `encoding/gob`: the format, and reading any value of it. The few structs that are sent are written in
//! [`gob_writer`](super::gob_writer).
//!
//! The format is specified in the documentation of that Go package. A stream is a sequence of messages. Each has its length
//! in front, and is either the definition of a type, with its negative id, or a value, with the id of its type. A struct is
//! sent as the fields that are not zero, each with its distance from the field before, so a reader needs the definition to
//! know what follows.
//!
//! Reading allocates in proportion to what has arrived, never for a length that was only announced, and never nests deeper
//! than [`DEEPEST`].

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::juju::hook_tools::{MAX_STDERR, MAX_STDOUT, TOO_LONG};

/// How deep values may be nested, so that reading one cannot exhaust the stack.
const DEEPEST: usize = 100;

/// How many types one connection may define. `net/rpc` needs fewer than ten.
const MOST_TYPES: usize = 1000;

/// How long one message may be: all the output that is taken of a tool, and a little for the fields around it.
const LONGEST_MESSAGE: u64 = (MAX_STDOUT + MAX_STDERR + 1024) as u64;

/// A stream that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GobError {
    #[error("{TOO_LONG}")]
    TooLong,
    #[error("not a gob stream: {0}")]
    Malformed(&'static str),
}

use GobError::Malformed;

const TRUNCATED: GobError = Malformed("a message ends within a value");
/// A value goes on in another message.
const CUT: GobError = Malformed("a value ends within an interface");
const UNDEFINED_FIELD: GobError = Malformed("a field is not defined");
const BAD_DEFINITION: GobError = Malformed("the definition of a type is not one");

/// The id of a type: those below 64 are gob's own, others are defined in the stream.
pub(crate) type TypeId = i64;

pub(crate) const BOOL: TypeId = 1;
pub(crate) const INT: TypeId = 2;
pub(crate) const UINT: TypeId = 3;
const FLOAT: TypeId = 4;
pub(crate) const BYTES: TypeId = 5;
pub(crate) const STRING: TypeId = 6;
const COMPLEX: TypeId = 7;
const INTERFACE: TypeId = 8;

/// A stream that is read as its bytes arrive, however they are cut on the way.
#[derive(Debug)]
pub(crate) struct Stream {
    types: Types,
    /// How long a message may be.
    longest: u64,
    buffer: Vec<u8>,
    /// How much of the buffer was read.
    read: usize,
    /// The messages that a value has begun with which goes on in others: one is cut where the type in an interface is defined.
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

    /// Adds bytes that have arrived.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.read);
        self.read = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next value; `None` if it has not arrived whole. Definitions of types are kept.
    pub(crate) fn next(&mut self) -> Result<Option<Value>, GobError> {
        while let Some(message) = self.next_message()? {
            let message = &self.buffer[message];
            let mut reader = Reader::of(message);
            let id = reader.int()?;
            if id < 0 {
                self.types.define(id, &mut reader)?;
                continue;
            }
            match self.types.read_value(message, &self.parts) {
                Err(CUT) => {
                    let length: usize = self.parts.iter().map(Vec::len).sum();
                    if (length + message.len()) as u64 > self.longest {
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

    /// Where the next message is in the buffer, if it is there whole.
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
#[derive(Debug, Default)]
struct Types(HashMap<TypeId, Arc<Type>>);

#[derive(Debug)]
enum Type {
    /// A slice or an array.
    List(TypeId),
    Map(TypeId, TypeId),
    /// The fields with their names.
    Struct(Vec<(String, TypeId)>),
    /// A type with an encoding of its own, such as a time.
    Opaque,
}

/// A value that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// The fields that were sent, each with its name.
    Struct(Vec<(String, Field)>),
    Other,
}

/// A field of a struct that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Bool(bool),
    Int(i64),
    Uint(u64),
    /// A string or a byte slice.
    Bytes(Vec<u8>),
    /// A slice or array of strings or byte slices.
    List(Vec<Vec<u8>>),
    Other,
}

impl Types {
    /// Reads the definition of a type after its negative id.
    fn define(&mut self, negative_id: TypeId, reader: &mut Reader<'_>) -> Result<(), GobError> {
        if self.0.len() >= MOST_TYPES {
            return Err(Malformed("too many types are defined"));
        }
        self.0.insert(negative_id.wrapping_neg(), Arc::new(reader.definition()?));
        Ok(())
    }

    /// Reads a value from the message that holds it, or the rest of it if there were others before.
    fn read_value(&mut self, last: &[u8], before: &[Vec<u8>]) -> Result<Value, GobError> {
        let messages: Vec<&[u8]> = before.iter().map(Vec::as_slice).chain([last]).collect();
        let mut reader = Reader { bytes: messages[0], later: &messages[1..] };
        let id = reader.int()?;
        let kind = self.0.get(&id).cloned();
        let Some(Type::Struct(definition)) = kind.as_deref() else {
            reader.skip_other_than_struct(self, id, DEEPEST)?;
            return Ok(Value::Other);
        };
        let mut fields = Vec::new();
        reader.fields(|reader, number| {
            let (name, id) = definition.get(number).ok_or(UNDEFINED_FIELD)?;
            fields.push((name.clone(), reader.field(self, *id)?));
            Ok(())
        })?;
        Ok(Value::Struct(fields))
    }
}

/// The unread rest of a message, and the messages that a value in it goes on in.
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
        Ok((bits >> 1).cast_signed() ^ -((bits & 1).cast_signed()))
    }

    fn bytes(&mut self) -> Result<&'a [u8], GobError> {
        let length = self.uint()?;
        self.take(usize::try_from(length).map_err(|_| TRUNCATED)?)
    }

    /// The number of elements that follow. Each takes a byte at least.
    fn count(&mut self) -> Result<usize, GobError> {
        let count = self.uint()?;
        usize::try_from(count).ok().filter(|count| *count <= self.bytes.len()).ok_or(TRUNCATED)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], GobError> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(TRUNCATED)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// Reads a struct: `read` takes the value of each field that was sent, by the field's number.
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

    /// Reads the definition of a type: gob's own struct `wireType`, of which one field is set.
    fn definition(&mut self) -> Result<Type, GobError> {
        let mut definition = None;
        self.fields(|reader, kind| {
            let (mut ids, mut named) = (Vec::new(), Vec::new());
            reader.fields(|reader, number| match (kind, number) {
                // The name and the id of the type, which the message has said.
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

    fn name_and_id(&mut self) -> Result<(String, TypeId), GobError> {
        let (mut name, mut id) = (String::new(), 0);
        self.fields(|reader, number| {
            match number {
                0 => name = String::from_utf8_lossy(reader.bytes()?).into_owned(),
                1 => id = reader.int()?,
                _ => return Err(BAD_DEFINITION),
            }
            Ok(())
        })?;
        Ok((name, id))
    }

    /// Reads a value of any type.
    fn field(&mut self, types: &mut Types, id: TypeId) -> Result<Field, GobError> {
        match id {
            BOOL => Ok(Field::Bool(self.uint()? != 0)),
            INT => Ok(Field::Int(self.int()?)),
            UINT => Ok(Field::Uint(self.uint()?)),
            BYTES | STRING => Ok(Field::Bytes(self.bytes()?.to_vec())),
            _ => match types.0.get(&id).map(|kind| &**kind) {
                Some(Type::List(BYTES | STRING)) => {
                    let elements = (0..self.count()?).map(|_| Ok(self.bytes()?.to_vec()));
                    elements.collect::<Result<_, _>>().map(Field::List)
                }
                _ => self.skip(types, id, DEEPEST).map(|()| Field::Other),
            },
        }
    }

    /// Passes over a value.
    fn skip(&mut self, types: &mut Types, id: TypeId, depth: usize) -> Result<(), GobError> {
        let depth = depth.checked_sub(1).ok_or(Malformed("a value is nested too deeply"))?;
        match id {
            BOOL | INT | UINT | FLOAT => return self.uint().map(drop),
            BYTES | STRING => return self.bytes().map(drop),
            COMPLEX => return self.uint().and_then(|_| self.uint()).map(drop),
            INTERFACE => return self.skip_interface(types, depth),
            _ => {}
        }
        let kind = types.0.get(&id).cloned().ok_or(Malformed("a type is not defined"))?;
        match &*kind {
            Type::List(element) => {
                for _ in 0..self.count()? {
                    self.skip(types, *element, depth)?;
                }
                Ok(())
            }
            Type::Map(key, value) => {
                for _ in 0..self.count()? {
                    self.skip(types, *key, depth)?;
                    self.skip(types, *value, depth)?;
                }
                Ok(())
            }
            Type::Struct(definition) => self.fields(|reader, number| {
                let (_, id) = definition.get(number).ok_or(UNDEFINED_FIELD)?;
                reader.skip(types, *id, depth)
            }),
            Type::Opaque => self.bytes().map(drop),
        }
    }

    /// Passes over an interface: the name of the type in it, the type's id, a length, and the value. A nil one has an empty name
    /// only.
    ///
    /// A type that is new is defined between its name and its id, and then, if the interface is not in another one, the message
    /// is at its end. The lengths count to the next definition only, so they are of no use.
    fn skip_interface(&mut self, types: &mut Types, depth: usize) -> Result<(), GobError> {
        if self.bytes()?.is_empty() {
            return Ok(());
        }
        let id = loop {
            let id = self.int()?;
            if id >= 0 {
                break id;
            }
            types.define(id, self)?;
            if !self.bytes.is_empty() {
                self.uint()?;
            } else if let Some((next, later)) = self.later.split_first() {
                (self.bytes, self.later) = (next, later);
            } else {
                return Err(CUT);
            }
        };
        self.uint()?;
        match types.0.get(&id).map(|kind| &**kind) {
            Some(Type::Struct(_)) => self.skip(types, id, depth),
            _ => self.skip_other_than_struct(types, id, depth),
        }
    }

    /// Passes over a value that is not part of another one: unless it is a struct, it has a zero in front.
    fn skip_other_than_struct(
        &mut self,
        types: &mut Types,
        id: TypeId,
        depth: usize,
    ) -> Result<(), GobError> {
        self.uint()?;
        self.skip(types, id, depth)
    }
}
