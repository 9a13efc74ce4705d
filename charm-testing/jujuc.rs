//! Juju's `jujuc`, the program of all hook tools: sends the call to the agent over its unix socket, and prints the answer.
//!
//! `build.rs` compiles this file alone, so that `charm-testing` has the program inside: Cargo builds no programs of a
//! package that another one depends on. Therefore it needs nothing but the standard library, and writes and reads only
//! the few gob values that this call has. `tracing-relation/src/juju/agent` explains the format and the call.

#![forbid(unsafe_code)]

use std::env;
use std::io::{self, Read, Write};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;
use std::process::ExitCode;

/// The definition of Go's `rpc.Request`: the fields `ServiceMethod` and `Seq`.
const HEADER_DEFINITION: &[u8] =
    b".\x7f\x03\x01\x01\x07Request\x01\xff\x80\0\x01\x02\x01\x0dServiceMethod\x01\x0c\0\x01\x03Seq\x01\x06\0\0\0";

/// The definitions of Juju's `jujuc.Request` and of its list of arguments.
const REQUEST_DEFINITION: &[u8] = b"f\xff\x81\x03\x01\x01\x07Request\x01\xff\x82\0\x01\x07\
    \x01\x09ContextId\x01\x0c\0\x01\x03Dir\x01\x0c\0\x01\x0bCommandName\x01\x0c\0\x01\x04Args\x01\xff\x84\0\
    \x01\x08StdinSet\x01\x02\0\x01\x05Stdin\x01\x0a\0\x01\x05Token\x01\x0c\0\0\0\
    \x16\xff\x83\x02\x01\x01\x08[]string\x01\xff\x84\0\x01\x0c\0\0";

/// The ids of the two types, as a gob number with sign.
const HEADER: &[u8] = b"\xff\x80";
const REQUEST: &[u8] = b"\xff\x82";

/// The error with which the agent refuses a tool that reads standard input, if the request has none.
const NEEDS_STDIN: &[u8] = b"hook tool requires stdin, none supplied";

fn main() -> ExitCode {
    let (code, stdout, stderr) =
        run().unwrap_or_else(|error| (1, Vec::new(), format!("ERROR {error}\n").into_bytes()));
    let printed = io::stdout().write_all(&stdout).and_then(|()| io::stdout().flush());
    let complained = io::stderr().write_all(&stderr);
    // If the caller has closed its end of a pipe, only the exit code can report the failure.
    ExitCode::from(if printed.and(complained).is_err() { 1 } else { code })
}

/// Returns the exit code and the output of the tool.
fn run() -> Result<(u8, Vec<u8>, Vec<u8>), String> {
    let mut arguments = env::args_os();
    let program = arguments.next().unwrap_or_default();
    let tool = Path::new(&program).file_name().unwrap_or_default().to_owned().into_vec();
    let arguments: Vec<_> = arguments.map(OsStringExt::into_vec).collect();
    let context_id = variable("JUJU_CONTEXT_ID")?;
    let address = variable("JUJU_AGENT_SOCKET_ADDRESS")?;
    let directory = env::current_dir().map_err(|error| error.to_string())?.into_os_string().into_vec();
    let request = |stdin: Option<&[u8]>| {
        [
            bytes(context_id.as_bytes()),
            bytes(&directory),
            bytes(&tool),
            list(&arguments),
            uint(stdin.is_some().into()),
            bytes(stdin.unwrap_or_default()),
        ]
    };

    let connected = socket_address(&address).and_then(|found| UnixStream::connect_addr(&found));
    let mut agent = connected.map_err(|error| format!("dial unix {address}: connect: {error}"))?;
    let [first, argument] = [header(0), message(REQUEST, &request(None))];
    let mut answer = call(&mut agent, &[HEADER_DEFINITION, &first, REQUEST_DEFINITION, &argument].concat())?;
    if answer.error == NEEDS_STDIN {
        let mut stdin = Vec::new();
        let read = io::stdin().read_to_end(&mut stdin);
        read.map_err(|error| format!("failed to read stdin: {error}"))?;
        answer = call(&mut agent, &[header(1), message(REQUEST, &request(Some(&stdin)))].concat())?;
    }
    if answer.error.is_empty() {
        Ok((answer.code, answer.stdout, answer.stderr))
    } else {
        Err(String::from_utf8_lossy(&answer.error).into_owned())
    }
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).ok().filter(|value| !value.is_empty()).ok_or_else(|| format!("{name} not set"))
}

/// Returns the address in a value of `JUJU_AGENT_SOCKET_ADDRESS`: a path, or an abstract name after `@`.
fn socket_address(text: &str) -> io::Result<SocketAddr> {
    match text.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(text),
    }
}

/// The agent's answer to a call.
struct Answer {
    /// The reason why the agent did not run the tool; empty if it did.
    error: Vec<u8>,
    code: u8,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

fn call(mut agent: impl Read + Write, call: &[u8]) -> Result<Answer, String> {
    agent.write_all(call).map_err(|error| error.to_string())?;
    let answer = receive_answer(agent);
    answer.map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        _ => error.to_string(),
    })
}

fn receive_answer(mut agent: impl Read) -> io::Result<Answer> {
    // The fields of the header are `ServiceMethod`, `Seq` and `Error`, those of the response `Code`, `Stdout` and `Stderr`.
    let (_, [_, _, error]) = receive(&mut agent, 1)?;
    let (code, [_, stdout, stderr]) = receive(&mut agent, 0)?;
    let code = u8::try_from((code >> 1) & 0xff).unwrap_or(u8::MAX);
    Ok(Answer { error, code, stdout, stderr })
}

/// Reads the next struct of at most three fields, of which one is a number and the others are bytes.
fn receive(agent: &mut impl Read, number_at: usize) -> io::Result<(u64, [Vec<u8>; 3])> {
    loop {
        let length = read_uint(agent)?;
        let mut content = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        agent.read_exact(&mut content)?;
        let mut content = content.as_slice();
        // A message whose id is negative defines a type. The lowest bit is the sign.
        if read_uint(&mut content)? & 1 == 1 {
            continue;
        }
        let (mut number, mut fields) = (0, <[Vec<u8>; 3]>::default());
        let mut index = 0;
        loop {
            match read_uint(&mut content)? {
                0 => return Ok((number, fields)),
                distance => index += usize::try_from(distance).map_err(io::Error::other)?,
            }
            let Some(field) = fields.get_mut(index - 1) else {
                return Err(io::Error::other("the agent's answer has another field"));
            };
            let value = read_uint(&mut content)?;
            if index - 1 == number_at {
                number = value;
            } else {
                field.resize(usize::try_from(value).map_err(io::Error::other)?, 0);
                content.read_exact(field)?;
            }
        }
    }
}

fn read_uint(source: &mut impl Read) -> io::Result<u64> {
    let mut first = [0];
    source.read_exact(&mut first)?;
    if first[0] < 0x80 {
        return Ok(first[0].into());
    }
    let mut bytes = [0; 8];
    let count = usize::from(first[0].wrapping_neg());
    let Some(start) = bytes.len().checked_sub(count) else {
        return Err(io::Error::other("the agent's answer has a number of more than 8 bytes"));
    };
    source.read_exact(&mut bytes[start..])?;
    Ok(u64::from_be_bytes(bytes))
}

fn header(sequence: u64) -> Vec<u8> {
    message(HEADER, &[bytes(b"Jujuc.Main"), uint(sequence)])
}

/// Encodes a struct. A field whose value is zero is left out, and the next one counts the distance.
fn message(id: &[u8], fields: &[Vec<u8>]) -> Vec<u8> {
    let mut content = id.to_vec();
    let mut distance = 0;
    for field in fields {
        distance += 1;
        if field != &[0] {
            content.extend(uint(distance));
            content.extend(field);
            distance = 0;
        }
    }
    content.push(0);
    bytes(&content)
}

fn uint(value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    if value < 0x80 {
        return vec![bytes[7]];
    }
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or_default();
    // The negated count of the bytes: 0xff for one, 0xf8 for eight.
    let first = bytes[start..].iter().fold(0_u8, |negated, _| negated.wrapping_sub(1));
    [&[first], &bytes[start..]].concat()
}

fn bytes(value: &[u8]) -> Vec<u8> {
    [&uint(value.len() as u64), value].concat()
}

fn list(values: &[Vec<u8>]) -> Vec<u8> {
    let encoded = values.iter().flat_map(|value| bytes(value));
    uint(values.len() as u64).into_iter().chain(encoded).collect()
}
