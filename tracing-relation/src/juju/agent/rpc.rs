//! The call `Jujuc.Main` of Go's `net/rpc`: the request of the charm, and the answer of the agent.
//!
//! A call is two values, the header and the argument, and so is its answer. Go compares fields by name, so the names below
//! must not change; they are those of Juju 2.8 to 4.1. The definitions of the types are always the same, so they stand here
//! as Go's own client sends them.

use super::gob::{GobError, Stream, TypeId, Value};
use super::gob_writer::{Field, bytes, message, strings, uint};
use crate::juju::HookToolCall;

// The ids are in the order in which Go's own client defines the types, and the definitions below have them.
const HEADER: TypeId = 64;
const REQUEST: TypeId = 65;

/// The error with which the agent refuses a tool that reads standard input, if the request has none.
pub(crate) const NEEDS_STDIN: &str = "hook tool requires stdin, none supplied";

/// The output of a hook tool, and its exit code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) code: i64,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// The answer to the call with this number: a response, or the reason why the agent did not run the tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) sequence: u64,
    pub(crate) result: Result<Response, String>,
}

/// The definition of Go's `rpc.Request`: the fields `ServiceMethod`, a string, and `Seq`, a number without sign.
const HEADER_DEFINITION: &[u8] =
    b".\x7f\x03\x01\x01\x07Request\x01\xff\x80\0\x01\x02\x01\x0dServiceMethod\x01\x0c\0\x01\x03Seq\x01\x06\0\0\0";

/// The definitions of Juju's `jujuc.Request` and of its list of arguments. After the name of a field, `\x0c` stands for a
/// string, `\x02` for a boolean, `\x0a` for bytes, and `\xff\x84` for the list. The token is empty on a unix socket, and Juju 4
/// does not have it.
const REQUEST_DEFINITION: &[u8] = b"f\xff\x81\x03\x01\x01\x07Request\x01\xff\x82\0\x01\x07\
    \x01\x09ContextId\x01\x0c\0\x01\x03Dir\x01\x0c\0\x01\x0bCommandName\x01\x0c\0\x01\x04Args\x01\xff\x84\0\
    \x01\x08StdinSet\x01\x02\0\x01\x05Stdin\x01\x0a\0\x01\x05Token\x01\x0c\0\0\0\
    \x16\xff\x83\x02\x01\x01\x08[]string\x01\xff\x84\0\x01\x0c\0\0";

/// Encodes a call of a hook tool in this working directory, an absolute path. `sequence` is its number on the connection, from
/// 0. The first call also defines the types.
pub(crate) fn encode_call(context_id: &str, directory: &[u8], call: &HookToolCall, sequence: u64) -> Vec<u8> {
    let (define, mut out) = (sequence == 0, Vec::with_capacity(512));
    if define {
        out.extend_from_slice(HEADER_DEFINITION);
    }
    message(&mut out, HEADER, &[&|out| bytes(out, b"Jujuc.Main"), &|out| uint(out, sequence)]);
    if define {
        out.extend_from_slice(REQUEST_DEFINITION);
    }
    let fields: [Field<'_>; 6] = [
        &|out| bytes(out, context_id.as_bytes()),
        &|out| bytes(out, directory),
        &|out| bytes(out, call.tool().as_bytes()),
        &|out| strings(out, call.args()),
        &|out| uint(out, call.input().is_some().into()),
        &|out| bytes(out, call.input().unwrap_or_default()),
    ];
    message(&mut out, REQUEST, &fields);
    out
}

/// A reader of the answers of one connection, which arrive in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) stream: Stream,
    /// The number of the call and the error, from an answer whose response has not arrived yet.
    pub(crate) header: Option<(u64, String)>,
}

impl Answers {
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.stream.feed(bytes);
    }

    /// Returns the next answer; `None` if it has not arrived completely.
    pub(crate) fn next(&mut self) -> Result<Option<Answer>, GobError> {
        while let Some(value) = self.stream.next()? {
            match self.header.take() {
                None => self.header = Some(header(value)?),
                // A second value follows an error as well, and is ignored.
                Some((sequence, error)) if !error.is_empty() => {
                    return Ok(Some(Answer { sequence, result: Err(error) }));
                }
                Some((sequence, _)) => return Ok(Some(Answer { sequence, result: Ok(response(value)?) })),
            }
        }
        Ok(None)
    }
}

const UNEXPECTED: GobError = GobError::Malformed("a value or field has another type than Juju's");

fn header(value: Value) -> Result<(u64, String), GobError> {
    let Value::Struct(fields) = value else { return Err(UNEXPECTED) };
    let (mut sequence, mut error) = (0, String::new());
    for (name, value) in fields {
        match (&*name, value) {
            ("Seq", Value::Uint(number)) => sequence = number,
            ("Error", Value::Bytes(text)) => error = String::from_utf8_lossy(&text).into_owned(),
            ("Seq" | "Error", _) => return Err(UNEXPECTED),
            _ => {}
        }
    }
    Ok((sequence, error))
}

fn response(value: Value) -> Result<Response, GobError> {
    let Value::Struct(fields) = value else { return Err(UNEXPECTED) };
    let mut response = Response::default();
    for (name, value) in fields {
        match (&*name, value) {
            ("Code", Value::Int(code)) => response.code = code,
            ("Stdout", Value::Bytes(bytes)) => response.stdout = bytes,
            ("Stderr", Value::Bytes(bytes)) => response.stderr = bytes,
            ("Code" | "Stdout" | "Stderr", _) => return Err(UNEXPECTED),
            _ => {}
        }
    }
    Ok(response)
}
