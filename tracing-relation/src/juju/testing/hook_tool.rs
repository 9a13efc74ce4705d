use std::env;
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use crate::juju::agent::gob::Stream;
use crate::juju::agent::rpc::{self, Answers, Request, Response};

/// Runs a hook tool as Juju's own program does: sends the call to the agent in the environment, prints the answer, and
/// returns the exit code.
///
/// It reads standard input only if the agent says that the tool needs it, so the caller may leave standard input open.
#[must_use]
pub fn run_hook_tool(tool: &str, args: Vec<String>) -> ExitCode {
    let response = ask(tool, args).unwrap_or_else(|error| Response {
        code: 1,
        stdout: Vec::new(),
        stderr: format!("ERROR {error}\n").into_bytes(),
    });
    let printed = io::stdout().write_all(&response.stdout).and_then(|()| io::stdout().flush());
    let complained = io::stderr().write_all(&response.stderr);
    // If the caller has closed its end of a pipe, only the exit code can report the failure.
    let code = if printed.and(complained).is_err() { 1 } else { response.code };
    ExitCode::from(u8::try_from(code & 0xff).unwrap_or(u8::MAX))
}

fn ask(tool: &str, args: Vec<String>) -> Result<Response, String> {
    let context_id = variable("JUJU_CONTEXT_ID")?;
    let address = variable("JUJU_AGENT_SOCKET_ADDRESS")?;
    let directory = env::current_dir().map_err(|error| error.to_string())?.into_os_string().into_vec();
    let mut request = Request { context_id, directory, tool: tool.to_owned(), args, stdin: None };

    let dialled = super::agent::socket_address(&address).and_then(|found| UnixStream::connect_addr(&found));
    let mut stream = dialled.map_err(|error| format!("dial unix {address}: connect: {error}"))?;
    let mut answers = Answers { stream: Stream::limited_to(u64::MAX), header: None };
    let mut call = |request: &Request, sequence| {
        let call = rpc::encode_call(request, sequence);
        stream.write_all(&call).map_err(|error| error.to_string())?;
        receive(&mut stream, &mut answers)
    };
    match call(&request, 0)? {
        Err(error) if error == rpc::NEEDS_STDIN => {
            let mut stdin = Vec::new();
            let read = io::stdin().read_to_end(&mut stdin);
            read.map_err(|error| format!("failed to read stdin: {error}"))?;
            request.stdin = Some(stdin);
            call(&request, 1)?
        }
        answer => answer,
    }
}

fn receive(stream: &mut UnixStream, answers: &mut Answers) -> Result<Result<Response, String>, String> {
    let mut buffer = [0; 16 * 1024];
    loop {
        if let Some(answer) = answers.next().map_err(|error| error.to_string())? {
            return Ok(answer.result);
        }
        match stream.read(&mut buffer).map_err(|error| error.to_string())? {
            0 => return Err("unexpected EOF".to_owned()),
            count => answers.feed(&buffer[..count]),
        }
    }
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).ok().filter(|value| !value.is_empty()).ok_or_else(|| format!("{name} not set"))
}
