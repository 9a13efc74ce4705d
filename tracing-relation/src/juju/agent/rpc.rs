//! The call `Jujuc.Main` of Go's `net/rpc`: the request of the charm, and the answer of the agent.
//!
//! A call is two values, the header and the argument, and so is its answer. Go compares fields by name, so the names below
//! must not change; they are those of Juju 2.8 to 4.1.

use super::gob::{self, GobError, Stream, TypeId, Value};
use super::gob_writer::{StructWriter, define_slice, define_struct, write_message};

// The ids are in the order in which Go's own client defines the types.
const HEADER: TypeId = 64;
const REQUEST: TypeId = 65;
const STRINGS: TypeId = 66;

/// The error with which the agent refuses a tool that reads standard input, if the request has none.
pub(crate) const NEEDS_STDIN: &str = "hook tool requires stdin, none supplied";

/// A hook tool's request to the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) context_id: String,
    /// The working directory, absolute.
    pub(crate) directory: Vec<u8>,
    pub(crate) tool: String,
    pub(crate) args: Vec<String>,
    /// The standard input, if it is sent with the request.
    pub(crate) stdin: Option<Vec<u8>>,
}

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

/// Encodes a call. `sequence` is its number on the connection, from 0. The first call also defines the types.
pub(crate) fn encode_call(request: &Request, sequence: u64) -> Vec<u8> {
    let mut stream = Vec::new();
    let is_first = sequence == 0;
    if is_first {
        let fields = [("ServiceMethod", gob::STRING), ("Seq", gob::UINT)];
        define_struct(&mut stream, HEADER, "Request", &fields);
    }
    let header = StructWriter::default().bytes(b"Jujuc.Main").uint(sequence);
    write_message(&mut stream, HEADER, header);
    if is_first {
        let fields = [
            ("ContextId", gob::STRING),
            ("Dir", gob::STRING),
            ("CommandName", gob::STRING),
            ("Args", STRINGS),
            ("StdinSet", gob::BOOL),
            ("Stdin", gob::BYTES),
            // The token is empty on a unix socket, and Juju 4 does not have it.
            ("Token", gob::STRING),
        ];
        define_struct(&mut stream, REQUEST, "Request", &fields);
        define_slice(&mut stream, STRINGS, "[]string", gob::STRING);
    }
    let argument = StructWriter::default()
        .bytes(request.context_id.as_bytes())
        .bytes(&request.directory)
        .bytes(request.tool.as_bytes())
        .strings(&request.args)
        .bool(request.stdin.is_some())
        .bytes(request.stdin.as_deref().unwrap_or_default());
    write_message(&mut stream, REQUEST, argument);
    stream
}

/// A reader of the answers of one connection, which arrive in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) stream: Stream,
    /// The number of the call and the error, from an answer whose response has not arrived yet.
    pub(crate) header: Option<(u64, String)>,
}

impl Answers {
    /// Adds received bytes.
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
