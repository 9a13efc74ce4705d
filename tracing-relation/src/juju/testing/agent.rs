//! The unit agent's side of its socket, for tests. It answers hook tools over Go's `net/rpc`, as Juju's own agent does.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{ffi::OsString, fmt, fs};

use super::result::ToolResult;
use crate::juju::agent::gob::{GobError, Stream, TypeId, Value};
use crate::juju::agent::gob_writer::{Field, bytes, int, message, uint};
use crate::juju::agent::rpc;

/// A call of a hook tool, as the agent receives it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentRequest {
    /// The context id that the tool sent (`JUJU_CONTEXT_ID`).
    pub context_id: String,
    /// The working directory of the tool.
    pub directory: PathBuf,
    /// The name of the tool.
    pub tool: String,
    /// Its arguments. Bytes that are not UTF-8 are replaced.
    pub args: Vec<String>,
    /// All of its standard input, if it was sent.
    pub stdin: Option<Vec<u8>>,
    /// The id of the process that sent the call: the charm, or a hook tool.
    pub process: i32,
    /// The number of the connection, from 0.
    pub connection: usize,
}

/// The agent's reaction to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentAnswer {
    /// The tool has run.
    Done(ToolResult),
    /// The tool was not run for this reason, such as `bad request: ...`.
    Refused(String),
    /// The tool reads standard input, but none was sent.
    NeedsStdin,
    /// The agent never answers.
    Hangs,
    /// The agent closes the connection without an answer, as if it was killed.
    HangsUp,
    /// The agent sends these bytes, which are not a valid answer, and closes the connection.
    Babbles(Vec<u8>),
}

/// An agent that listens on a socket until it is dropped. Each connection has its own thread.
pub struct Agent {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    answer: Box<dyn Fn(AgentRequest) -> AgentAnswer + Send + Sync>,
    stopping: AtomicBool,
    connections: Mutex<Vec<UnixStream>>,
}

impl Agent {
    /// Listens on a path, or on an abstract socket if the address begins with `@`, and answers each call.
    ///
    /// # Errors
    ///
    /// The agent cannot listen on the address.
    pub fn listen(
        address: &str,
        answer: impl Fn(AgentRequest) -> AgentAnswer + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let address = socket_address(address)?;
        let listener = bind(&address)?;
        let (stopping, connections) = (AtomicBool::new(false), Mutex::default());
        let shared = Arc::new(Shared { answer: Box::new(answer), stopping, connections });
        let serving = Arc::clone(&shared);
        let thread = thread::spawn(move || serving.accept(&listener));
        Ok(Self { address, shared, thread: Some(thread) })
    }
}

/// Returns the address in a value of `JUJU_AGENT_SOCKET_ADDRESS`.
pub(super) fn socket_address(text: &str) -> io::Result<SocketAddr> {
    match text.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(text),
    }
}

/// Binds a socket, and tries again while the address is in use. Another thread that starts a process holds a copy of every
/// open file for an instant, also of a dropped listener at the same address.
fn bind(address: &SocketAddr) -> io::Result<UnixListener> {
    for _ in 0..200 {
        match UnixListener::bind_addr(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => thread::sleep(Duration::from_millis(5)),
            bound => return bound,
        }
    }
    UnixListener::bind_addr(address)
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        // A connection is the only way to wake `accept`.
        drop(UnixStream::connect_addr(&self.address));
        if let Some(thread) = self.thread.take() {
            // A panic of the thread is ignored, because the test has already seen it: its tools got no answer.
            drop(thread.join());
        }
        if let Some(path) = self.address.as_pathname() {
            drop(fs::remove_file(path));
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &UnixListener) {
        let mut threads = Vec::new();
        for stream in listener.incoming() {
            if self.stopping.load(Ordering::Acquire) {
                break;
            }
            let Ok(stream) = stream else { continue };
            if let Ok(copy) = stream.try_clone() {
                self.connections.lock().unwrap_or_else(PoisonError::into_inner).push(copy);
            }
            let (shared, connection) = (Arc::clone(self), threads.len());
            // A tool that was killed with its charm leaves a broken stream. The error is ignored, so that later connections
            // are served.
            threads.push(thread::spawn(move || drop(shared.serve(&stream, connection))));
        }
        for connection in self.connections.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            drop(connection.shutdown(Shutdown::Both));
        }
        for thread in threads {
            drop(thread.join());
        }
    }

    /// Answers the calls of one connection.
    fn serve(&self, mut stream: &UnixStream, connection: usize) -> io::Result<()> {
        let process = rustix::net::sockopt::socket_peercred(stream)?.pid.as_raw_nonzero().get();
        let mut calls = Calls::of(process, connection);
        let mut buffer = [0; 16 * 1024];
        loop {
            let (sequence, request) = loop {
                if let Some(call) = calls.next().map_err(io::Error::other)? {
                    break call;
                }
                match stream.read(&mut buffer)? {
                    0 => return Ok(()),
                    count => calls.stream.feed(&buffer[..count]),
                }
            };
            match (self.answer)(request) {
                AgentAnswer::Done(result) => stream.write_all(&encode_answer(sequence, Ok(&result)))?,
                AgentAnswer::Refused(why) => stream.write_all(&encode_answer(sequence, Err(&why)))?,
                AgentAnswer::NeedsStdin => {
                    stream.write_all(&encode_answer(sequence, Err(rpc::NEEDS_STDIN)))?;
                }
                AgentAnswer::Hangs => while stream.read(&mut buffer)? > 0 {},
                AgentAnswer::HangsUp => return stream.shutdown(Shutdown::Both),
                AgentAnswer::Babbles(bytes) => {
                    stream.write_all(&bytes)?;
                    return stream.shutdown(Shutdown::Both);
                }
            }
        }
    }
}

/// A reader of the calls of a connection.
pub(crate) struct Calls {
    pub(crate) stream: Stream,
    /// The number of a call whose argument has not arrived yet.
    sequence: Option<u64>,
    process: i32,
    connection: usize,
}

impl Calls {
    pub(crate) fn of(process: i32, connection: usize) -> Self {
        Self { stream: Stream::limited_to(u64::MAX), sequence: None, process, connection }
    }

    /// Returns the next call with its number; `None` if it has not arrived completely.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, AgentRequest)>, GobError> {
        while let Some(value) = self.stream.next()? {
            let Value::Struct(fields) = value else { continue };
            let Some(sequence) = self.sequence.take() else {
                let sequence = fields.iter().find_map(|(name, value)| match value {
                    Value::Uint(sequence) if &**name == "Seq" => Some(*sequence),
                    _ => None,
                });
                self.sequence = Some(sequence.unwrap_or_default());
                continue;
            };
            return Ok(Some((sequence, request(fields, self.process, self.connection))));
        }
        Ok(None)
    }
}

fn request(fields: Vec<(Arc<str>, Value)>, process: i32, connection: usize) -> AgentRequest {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let mut request = AgentRequest {
        context_id: String::new(),
        directory: PathBuf::new(),
        tool: String::new(),
        args: Vec::new(),
        stdin: None,
        process,
        connection,
    };
    let (mut stdin, mut stdin_set) = (Vec::new(), false);
    for (name, value) in fields {
        match (&*name, value) {
            ("ContextId", Value::Bytes(bytes)) => request.context_id = text(bytes),
            ("Dir", Value::Bytes(bytes)) => request.directory = OsString::from_vec(bytes).into(),
            ("CommandName", Value::Bytes(bytes)) => request.tool = text(bytes),
            ("Args", Value::List(args)) => request.args = args.into_iter().map(text).collect(),
            ("StdinSet", Value::Bool(set)) => stdin_set = set,
            ("Stdin", Value::Bytes(bytes)) => stdin = bytes,
            _ => {}
        }
    }
    request.stdin = stdin_set.then_some(stdin);
    request
}

const HEADER: TypeId = 65;
const RESPONSE: TypeId = 66;
const NO_RESPONSE: TypeId = 67;

/// The definition of Go's `rpc.Response`, with the fields `ServiceMethod`, `Seq` and `Error`.
const HEADER_DEFINITION: &[u8] = b":\xff\x81\x03\x01\x01\x08Response\x01\xff\x82\0\x01\x03\
    \x01\x0dServiceMethod\x01\x0c\0\x01\x03Seq\x01\x06\0\x01\x05Error\x01\x0c\0\0\0";
/// The definition of Juju's `exec.ExecResponse`, with the fields `Code`, `Stdout` and `Stderr`.
const RESPONSE_DEFINITION: &[u8] = b"9\xff\x83\x03\x01\x01\x0cExecResponse\x01\xff\x84\0\x01\x03\
    \x01\x04Code\x01\x04\0\x01\x06Stdout\x01\x0a\0\x01\x06Stderr\x01\x0a\0\0\0";
/// The definition of a struct without a name and fields.
const NO_RESPONSE_DEFINITION: &[u8] = b"\x0a\xff\x85\x03\x01\x02\xff\x86\0\0\0";

/// Encodes the answer to the call with this number: the result of the tool, or the reason why it was not run. The answer to
/// call 0 also defines the types.
pub(crate) fn encode_answer(sequence: u64, result: Result<&ToolResult, &str>) -> Vec<u8> {
    let mut stream = Vec::new();
    if sequence == 0 {
        stream.extend([HEADER_DEFINITION, RESPONSE_DEFINITION, NO_RESPONSE_DEFINITION].concat());
    }
    let error = result.err().unwrap_or_default();
    let header: [Field<'_>; 3] =
        [&|out| bytes(out, b"Jujuc.Main"), &|out| uint(out, sequence), &|out| bytes(out, error.as_bytes())];
    message(&mut stream, HEADER, &header);
    match result {
        Ok(ToolResult { code, stdout, stderr }) => {
            let code = i64::from(*code);
            let response: [Field<'_>; 3] =
                [&|out| int(out, code), &|out| bytes(out, stdout), &|out| bytes(out, stderr)];
            message(&mut stream, RESPONSE, &response);
        }
        Err(_) => message(&mut stream, NO_RESPONSE, &[]),
    }
    stream
}
