use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, io};

use super::connection::Connection;
use super::rpc::{self, Answer, Answers, Response};
use crate::juju::hook_tools::{MAX_STDERR, MAX_STDOUT, deadline, too_long};
use crate::juju::{HookToolCall, HookToolError, HookToolErrorKind, HookToolOutput, HookTools, running};
use HookToolErrorKind::{AnswerLost, InvalidOutput};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

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
///
/// Tools are searched in the directories of `PATH` at the time of creation. A process inherits the environment and the
/// working directory of the charm. A standard output of more than 16 MiB is an error
/// ([`InvalidOutput`]). The first 64 KiB of standard error are kept.
#[derive(Debug)]
pub struct AgentHookTools {
    directories: Vec<PathBuf>,
    timeout: Duration,
    agent: Option<Agent>,
}

impl AgentHookTools {
    /// Creates hook tools for the agent and the `PATH` in the environment of this process, with a time limit of 60 s for
    /// each tool. After it, the error is [`TimedOut`](HookToolErrorKind::TimedOut).
    ///
    /// Juju itself has no time limit: a tool that waits for a lost controller never ends.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_vars(|name| env::var(name).ok())
    }

    pub(in crate::juju) fn from_vars(var: impl Fn(&str) -> Option<String>) -> Self {
        let tools = Self { directories: Vec::new(), timeout: DEFAULT_TIMEOUT, agent: Agent::from_vars(var) };
        tools.with_path(env::var_os("PATH").unwrap_or_default())
    }

    /// Runs each tool as a process, even if the agent could be called over its socket.
    #[must_use]
    pub fn without_socket(self) -> Self {
        Self { agent: None, ..self }
    }

    /// Searches tools in these directories instead. They are separated by colons, as in `PATH`.
    #[must_use]
    pub fn with_path(self, path: impl AsRef<OsStr>) -> Self {
        Self { directories: env::split_paths(&path).filter(|dir| dir.is_absolute()).collect(), ..self }
    }

    /// Sets the time limit of each tool, unless the call has its own.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Returns the program of a tool; `None` if no directory has one.
    fn find(&self, tool: &str) -> Option<PathBuf> {
        if tool.contains('/') {
            return None;
        }
        let runs = |path: &PathBuf| {
            path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        };
        self.directories.iter().map(|directory| directory.join(tool)).find(runs)
    }

    /// Returns the agent; `None` if the call must be run as a process of this program.
    fn agent_for(&self, call: &HookToolCall, program: Option<&Path>) -> Option<&Agent> {
        let agent = self.agent.as_ref().filter(|agent| agent.is_own())?;
        let has_nul = call.args().iter().any(|arg| arg.contains('\0'));
        let is_jujus_own = match program {
            Some(path) if is_jujus_own(path) => {
                agent.tools.get_or_init(|| path.parent().unwrap_or(path).to_owned());
                true
            }
            Some(_) => false,
            None => agent.sees_no_tools_any_more(),
        };
        (!has_nul && is_jujus_own).then_some(agent)
    }
}

fn run_process(
    program: Option<PathBuf>,
    call: &HookToolCall,
    allowed: Duration,
) -> Result<HookToolOutput, HookToolError> {
    let program = program.ok_or_else(|| {
        let why = Some("no such program in PATH".into());
        HookToolError::new(HookToolErrorKind::NotInHookContext, call.tool(), why)
    })?;
    let mut command = Command::new(program);
    command.args(call.args());
    running::run(command, call.tool(), call.input().unwrap_or_default(), allowed)
}

impl HookTools for AgentHookTools {
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        let (allowed, program) = (call.time_allowed(self.timeout), self.find(call.tool()));
        let agent = self.agent_for(call, program.as_deref());
        match agent.and_then(|agent| agent.run(call, deadline(allowed))) {
            Some(Ok(Ok(response))) => output(call, response),
            Some(Ok(Err(refusal))) => {
                Err(HookToolError::from_exit(call.tool(), Some(1), format!("ERROR {refusal}\n").as_bytes()))
            }
            Some(Err(cause)) => Err(HookToolError::without_answer(call.tool(), allowed, AnswerLost, cause)),
            None => run_process(program, call, allowed),
        }
    }

    fn send(&self, call: &HookToolCall) -> Result<(), HookToolError> {
        let (allowed, program) = (call.time_allowed(self.timeout), self.find(call.tool()));
        let agent = self.agent_for(call, program.as_deref());
        match agent.and_then(|agent| agent.send(call, deadline(allowed))) {
            Some(sent) => {
                sent.map_err(|cause| HookToolError::without_answer(call.tool(), allowed, AnswerLost, cause))
            }
            None => run_process(program, call, allowed).map(drop),
        }
    }

    fn flush(&self) {
        if let Some(agent) = &self.agent {
            agent.flush();
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
    pending: Option<Instant>,
}

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
    fn flush(&self) {
        if self.is_own() {
            self.exchange().flush();
        }
    }

    /// Returns true if the directory of Juju's own tools cannot be searched any more, although a tool was found there
    /// before. Then the charm has changed its root directory or its user, and only its connection reaches the agent.
    fn sees_no_tools_any_more(&self) -> bool {
        self.tools.get().is_some_and(|directory| directory.join(".").metadata().is_err())
    }

    /// Asks the agent to run a tool, and waits for its response, or for the reason why it refuses; `None` if the agent did
    /// not get the request.
    fn run(&self, call: &HookToolCall, deadline: Instant) -> Option<io::Result<Result<Response, String>>> {
        let mut exchange = self.exchange();
        let mut ask = |call: &HookToolCall| {
            exchange.flush();
            let sent = self.transmit(&mut exchange, call, deadline)?;
            Some(sent.and_then(|()| exchange.receive(deadline)))
        };
        let answer = ask(call)?;
        if matches!(&answer, Ok(Err(refusal)) if refusal == rpc::NEEDS_STDIN) && call.input().is_none() {
            // A process would read an empty standard input.
            return ask(&call.clone().stdin([]));
        }
        Some(answer)
    }

    /// Sends a call without waiting for the answer; `None` if the agent did not get the request.
    fn send(&self, call: &HookToolCall, deadline: Instant) -> Option<io::Result<()>> {
        let mut exchange = self.exchange();
        exchange.flush();
        if exchange.hangs {
            return Some(Err(io::ErrorKind::TimedOut.into()));
        }
        self.transmit(&mut exchange, call, deadline)
    }

    /// Sends a call; `None` if the agent cannot be reached.
    ///
    /// Connects if there is no connection. If sending fails on an older one, it connects again, because the agent may have
    /// been restarted since the last call.
    fn transmit(
        &self,
        exchange: &mut Exchange,
        call: &HookToolCall,
        deadline: Instant,
    ) -> Option<io::Result<()>> {
        // The directory matters only for a relative path that a tool reads or writes.
        let directory = env::current_dir().unwrap_or_else(|_| "/".into()).into_os_string();
        let mut kept = exchange.line.take().filter(|line| line.connection.is_own());
        loop {
            let is_new = kept.is_none();
            let mut line = match kept.take() {
                Some(line) => line,
                None => Line::open(&self.address).ok()?,
            };
            let bytes = rpc::encode_call(&self.context_id, directory.as_bytes(), call, line.calls);
            match line.connection.send(&bytes, deadline) {
                Ok(()) => {
                    line.calls += 1;
                    line.pending = Some(deadline);
                    exchange.line = Some(line);
                    return Some(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Some(Err(error)),
                Err(_) if is_new => return None,
                Err(_) => {}
            }
        }
    }

    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Exchange {
    /// Receives the answer to the last call. If it does not come, the connection is closed, because it cannot be used any
    /// more.
    fn receive(&mut self, deadline: Instant) -> io::Result<Result<Response, String>> {
        let mut line = self.line.take().ok_or(io::ErrorKind::NotConnected)?;
        let answer = line.answer(deadline)?;
        line.pending = None;
        self.line = Some(line);
        self.hangs = false;
        Ok(answer.result)
    }

    /// Receives the answer to a call that was sent without waiting. The next call must not be sent before, because the
    /// agent may run two calls in either order.
    fn flush(&mut self) {
        let Some(Line { connection, pending: Some(deadline), .. }) = &self.line else { return };
        if connection.is_own() {
            let deadline = *deadline;
            self.hangs = self.receive(deadline).is_err_and(|error| error.kind() == io::ErrorKind::TimedOut);
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

    fn answer(&mut self, deadline: Instant) -> io::Result<Answer> {
        loop {
            match self.answers.next()? {
                Some(answer) if answer.sequence + 1 == self.calls => return Ok(answer),
                Some(_) => return Err(io::Error::other("it answers another call")),
                None => self.answers.feed(&self.connection.receive(deadline)?),
            }
        }
    }
}

/// Converts a response to the result that a process would have.
fn output(call: &HookToolCall, response: Response) -> Result<HookToolOutput, HookToolError> {
    let Response { code, stdout, mut stderr } = response;
    stderr.truncate(MAX_STDERR);
    if stdout.len() > MAX_STDOUT {
        return Err(HookToolError::new(InvalidOutput, call.tool(), Some(too_long().into())));
    }
    // The system keeps only eight bits of a process' exit code.
    match code & 0xff {
        0 => Ok(HookToolOutput { stdout, stderr, pid: None }),
        code => Err(HookToolError::from_exit(call.tool(), i32::try_from(code).ok(), &stderr)),
    }
}
