use std::error::Error;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, io, process};

use super::connection::Connection;
use super::gob::GobError;
use super::rpc::{self, Answer, Answers, Request, Response};
use crate::juju::hook_tool_error::not_done_after;
use crate::juju::hook_tools::{MAX_STDERR, MAX_STDOUT, TOO_LONG};
use crate::juju::{
    HookToolCall, HookToolError, HookToolErrorKind, HookToolOutput, HookTools, ProcessHookTools,
};
use HookToolErrorKind::{AnswerLost, InvalidOutput, TimedOut};

/// The number of links that are followed from a tool to its program. The system has a limit as well.
const MOST_LINKS: usize = 40;

/// Hook tools that are run over the unit agent's socket, or as processes if that is not possible. This is the default of a
/// charm.
///
/// A tool is run over the socket if Juju's environment names one (`JUJU_AGENT_SOCKET_NETWORK` is `unix`) and the program
/// with its name in `PATH` is a link to Juju's own, `jujuc` or `jujud`. So a program that a test or a debugging wrapper
/// puts before Juju's tools is run. A forked child of the charm also runs processes.
///
/// A hook tool takes 1 to 5 ms as a process, and 0.2 ms over the socket.
#[derive(Debug)]
pub struct AgentHookTools {
    processes: ProcessHookTools,
    agent: Option<Agent>,
}

impl AgentHookTools {
    /// Creates hook tools for the agent and the `PATH` in the environment of this process, with a time limit of 60 s for
    /// each tool.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_vars(|name| env::var(name).ok())
    }

    pub(in crate::juju) fn from_vars(var: impl Fn(&str) -> Option<String>) -> Self {
        Self { processes: ProcessHookTools::new(), agent: Agent::from_vars(var) }
    }

    /// Searches tools in these directories instead. They are separated by colons, as in `PATH`.
    #[must_use]
    pub fn with_path(self, path: impl AsRef<OsStr>) -> Self {
        Self { processes: self.processes.with_path(path), ..self }
    }

    /// Sets the time limit of each tool, unless the call has its own.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { processes: self.processes.with_timeout(timeout), ..self }
    }

    /// Returns the agent; `None` if this call must be run as a process.
    fn agent_for(&self, call: &HookToolCall) -> Option<&Agent> {
        let agent = self.agent.as_ref().filter(|agent| agent.is_own())?;
        let has_nul = call.args().iter().any(|arg| arg.contains('\0'));
        let is_jujus_own = match self.processes.find(call.tool()) {
            Some(path) if is_jujus_own(&path) => {
                agent.tools.get_or_init(|| path.parent().unwrap_or(&path).to_owned());
                true
            }
            Some(_) => false,
            None => agent.sees_no_tools_any_more(),
        };
        (!has_nul && is_jujus_own).then_some(agent)
    }
}

impl HookTools for AgentHookTools {
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        let deadline = Deadline::after(call.time_allowed(self.processes.timeout()));
        let over_socket = self.agent_for(call).and_then(|agent| agent.run(call, deadline));
        over_socket.unwrap_or_else(|| self.processes.run(call))
    }

    fn send(&self, call: &HookToolCall) -> Result<(), HookToolError> {
        let deadline = Deadline::after(call.time_allowed(self.processes.timeout()));
        let over_socket = self.agent_for(call).and_then(|agent| agent.send(call, deadline));
        over_socket.unwrap_or_else(|| self.processes.run(call).map(drop))
    }

    fn settle(&self) {
        if let Some(agent) = &self.agent {
            agent.settle();
        }
    }
}

/// Returns true if the program is a link to `jujuc` or `jujud`, the program of all of Juju's hook tools.
fn is_jujus_own(program: &Path) -> bool {
    let mut path = program.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = fs::read_link(&path) else { return false };
        if target.file_name().is_some_and(|name| name == "jujuc" || name == "jujud") {
            return true;
        }
        path.pop();
        path.push(target);
    }
    false
}

/// The agent of this unit in this dispatch.
#[derive(Debug)]
struct Agent {
    address: String,
    context_id: String,
    /// The id of the process that created this; a forked child has another one.
    process: u32,
    /// The directory in which the first of Juju's own tools was found.
    tools: OnceLock<PathBuf>,
    exchange: Mutex<Exchange>,
}

/// The calls of a dispatch, in sequence.
#[derive(Debug, Default)]
struct Exchange {
    line: Option<Line>,
    /// True if a call that was sent without waiting took too long, and the agent has answered no call since.
    hangs: bool,
}

/// A connection, and the state of the protocol on it.
#[derive(Debug)]
struct Line {
    connection: Connection,
    answers: Answers,
    /// The number of calls that were sent.
    calls: u64,
    /// The deadline of the answer to the last call; `None` if it has come.
    pending: Option<Deadline>,
}

/// The time at which a call has taken too long.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    allowed: Duration,
    /// The time; `None` if it is too far in the future for `Instant`.
    at: Option<Instant>,
}

/// The reason why there is no answer.
type NoAnswer = (HookToolErrorKind, Box<dyn Error + Send + Sync>);

impl Agent {
    fn from_vars(var: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let var = |name| var(name).filter(|value| !value.is_empty());
        (var("JUJU_AGENT_SOCKET_NETWORK")? == "unix").then_some(())?;
        Some(Self {
            address: var("JUJU_AGENT_SOCKET_ADDRESS")?,
            context_id: var("JUJU_CONTEXT_ID")?,
            process: process::id(),
            tools: OnceLock::new(),
            exchange: Mutex::default(),
        })
    }

    /// Returns true if this process is the dispatch. A forked child must not touch the lock, because a thread of its parent
    /// may hold it.
    fn is_own(&self) -> bool {
        self.process == process::id()
    }

    /// Waits for the answer to a call that was sent without waiting.
    fn settle(&self) {
        if self.is_own() {
            self.exchange().settle();
        }
    }

    /// Returns true if the directory of Juju's own tools cannot be searched any more, although a tool was found there
    /// before. Then the charm has changed its root directory or its user, and only its connection reaches the agent.
    fn sees_no_tools_any_more(&self) -> bool {
        self.tools.get().is_some_and(|directory| directory.join(".").metadata().is_err())
    }

    /// Runs a tool to its end; `None` if the agent did not get the request.
    fn run(&self, call: &HookToolCall, deadline: Deadline) -> Option<Result<HookToolOutput, HookToolError>> {
        let mut exchange = self.exchange();
        let mut request = self.request(call);
        let mut answer = self.ask(&mut exchange, &request, deadline)?;
        if matches!(&answer, Ok(Err(refusal)) if refusal == rpc::NEEDS_STDIN) && request.stdin.is_none() {
            // A process would read an empty standard input.
            request.stdin = Some(Vec::new());
            answer = self.ask(&mut exchange, &request, deadline)?;
        }
        Some(match answer {
            Ok(Ok(response)) => output(call, response),
            Ok(Err(refusal)) => {
                Err(HookToolError::from_exit(call.tool(), Some(1), format!("ERROR {refusal}\n").as_bytes()))
            }
            Err(no_answer) => Err(error(call, no_answer)),
        })
    }

    /// Sends a call without waiting for the answer; `None` if the agent did not get the request.
    fn send(&self, call: &HookToolCall, deadline: Deadline) -> Option<Result<(), HookToolError>> {
        let mut exchange = self.exchange();
        exchange.settle();
        let sent = if exchange.hangs {
            Err(deadline.missed())
        } else {
            self.transmit(&mut exchange, &self.request(call), deadline)?
        };
        Some(sent.map_err(|no_answer| error(call, no_answer)))
    }

    /// Sends a request and waits for the answer; `None` if the agent did not get the request.
    fn ask(
        &self,
        exchange: &mut Exchange,
        request: &Request,
        deadline: Deadline,
    ) -> Option<Result<Result<Response, String>, NoAnswer>> {
        exchange.settle();
        let sent = self.transmit(exchange, request, deadline)?;
        Some(sent.and_then(|()| exchange.receive(deadline)))
    }

    /// Sends a request; `None` if the agent cannot be reached.
    ///
    /// Connects if there is no connection. If sending fails on an older one, it connects again, because the agent may have
    /// been restarted since the last call.
    fn transmit(
        &self,
        exchange: &mut Exchange,
        request: &Request,
        deadline: Deadline,
    ) -> Option<Result<(), NoAnswer>> {
        let mut kept = exchange.line.take().filter(|line| line.connection.is_own());
        loop {
            let is_new = kept.is_none();
            let mut line = match kept.take() {
                Some(line) => line,
                None => Line::open(&self.address).ok()?,
            };
            let bytes = rpc::encode_call(request, line.calls);
            match line.connection.send(&bytes, deadline.at) {
                Ok(()) => {
                    line.calls += 1;
                    line.pending = Some(deadline);
                    exchange.line = Some(line);
                    return Some(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Some(Err(deadline.missed())),
                Err(_) if is_new => return None,
                Err(_) => {}
            }
        }
    }

    fn request(&self, call: &HookToolCall) -> Request {
        Request {
            context_id: self.context_id.clone(),
            // The directory matters only for a relative path that a tool reads or writes.
            directory: env::current_dir().unwrap_or_else(|_| "/".into()).into_os_string().into_vec(),
            tool: call.tool().to_owned(),
            args: call.args().to_vec(),
            stdin: call.input().map(<[u8]>::to_vec),
        }
    }

    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.settle();
    }
}

impl Exchange {
    /// Receives the answer to the last call. If it does not come, the connection is closed, because it cannot be used any
    /// more.
    fn receive(&mut self, deadline: Deadline) -> Result<Result<Response, String>, NoAnswer> {
        let mut line = self.line.take().ok_or_else(|| (AnswerLost, "there is no connection".into()))?;
        let answer = line.answer(deadline)?;
        line.pending = None;
        self.line = Some(line);
        self.hangs = false;
        Ok(answer.result)
    }

    /// Receives the answer to a call that was sent without waiting. The next call must not be sent before, because the
    /// agent may run two calls in either order.
    fn settle(&mut self) {
        let Some(Line { connection, pending: Some(deadline), .. }) = &self.line else { return };
        if connection.is_own() {
            let deadline = *deadline;
            self.hangs = self.receive(deadline).is_err_and(|(kind, _)| kind == TimedOut);
        } else {
            self.line = None;
        }
    }
}

impl Line {
    fn open(address: &str) -> io::Result<Self> {
        let connection = Connection::open(address)?;
        Ok(Self { connection, answers: Answers::default(), calls: 0, pending: None })
    }

    fn answer(&mut self, deadline: Deadline) -> Result<Answer, NoAnswer> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.answers.next() {
                Ok(Some(answer)) if answer.sequence + 1 == self.calls => return Ok(answer),
                Ok(Some(_)) => return Err((AnswerLost, "it answers another call".into())),
                Ok(None) => {}
                Err(error @ GobError::TooLong) => return Err((InvalidOutput, error.into())),
                Err(error) => return Err((AnswerLost, error.into())),
            }
            match self.connection.receive(&mut buffer, deadline.at) {
                Ok(bytes) => self.answers.feed(bytes),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(deadline.missed()),
                Err(error) => return Err((AnswerLost, error.into())),
            }
        }
    }
}

impl Deadline {
    fn after(allowed: Duration) -> Self {
        Self { allowed, at: Instant::now().checked_add(allowed) }
    }

    fn missed(self) -> NoAnswer {
        (TimedOut, not_done_after(self.allowed).into())
    }
}

/// Converts a response to the result that a process would have.
fn output(call: &HookToolCall, response: Response) -> Result<HookToolOutput, HookToolError> {
    let Response { code, stdout, mut stderr } = response;
    stderr.truncate(MAX_STDERR);
    if stdout.len() > MAX_STDOUT {
        return Err(error(call, (InvalidOutput, TOO_LONG.into())));
    }
    // The system keeps only eight bits of a process' exit code.
    match code & 0xff {
        0 => Ok(HookToolOutput { stdout, stderr }),
        code => Err(HookToolError::from_exit(call.tool(), i32::try_from(code).ok(), &stderr)),
    }
}

fn error(call: &HookToolCall, (kind, source): NoAnswer) -> HookToolError {
    HookToolError::new(kind, call.tool(), Some(source))
}
