//! The hook tools, as the charm starts them: one program under many names.
//!
//! Like Juju's own it knows nothing but how to ask the agent. It reads standard input only when the agent says that
//! the tool needs it, so a charm may leave standard input open for all the others.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use super::protocol::{Reply, Request};

/// The names that the simulated Juju puts on `PATH`.
pub const NAMES: &[&str] = &[
    "action-fail",
    "action-get",
    "action-log",
    "action-set",
    "application-version-set",
    "config-get",
    "is-leader",
    "juju-log",
    "network-get",
    "relation-get",
    "relation-ids",
    "relation-list",
    "relation-set",
    "state-delete",
    "state-get",
    "state-set",
    "status-get",
    "status-set",
];

/// Whether this process was started under the name of a hook tool.
///
/// A program that is also something else, such as a demo in one file, asks this first and leaves the rest to [`main`].
#[must_use]
pub fn is_asked_for() -> bool {
    name().is_some_and(|name| NAMES.iter().any(|known| name == *known))
}

/// Runs the hook tool that this process was started as.
#[must_use]
pub fn main() -> ExitCode {
    let (code, stdout, stderr) = match ask() {
        Ok(Reply::Done { code, stdout, stderr }) => (code, stdout, stderr),
        Ok(Reply::NeedsStdin) => (1, Vec::new(), b"ERROR hook tool requires stdin, none supplied\n".to_vec()),
        Err(reason) => (1, Vec::new(), format!("ERROR {reason}\n").into_bytes()),
    };
    let printed = io::stdout().write_all(&stdout).and_then(|()| io::stdout().flush());
    let complained = io::stderr().write_all(&stderr);
    // The caller may have closed its end; then only the exit code is left to tell it.
    if printed.and(complained).is_err() { ExitCode::FAILURE } else { ExitCode::from(code) }
}

fn ask() -> Result<Reply, String> {
    let context_id = variable("JUJU_CONTEXT_ID")?.into_vec();
    let address = variable("JUJU_AGENT_SOCKET_ADDRESS")?;
    let address = Path::new(&address);
    let directory = env::current_dir().map_err(|error| error.to_string())?.into_os_string().into_vec();
    let argv = name().into_iter().chain(env::args_os().skip(1)).map(OsString::into_vec).collect();

    let mut request = Request { context_id, directory, stdin: None, argv };
    let reply = exchange(address, &request)?;
    if reply != Reply::NeedsStdin {
        return Ok(reply);
    }
    let mut stdin = Vec::new();
    io::stdin().read_to_end(&mut stdin).map_err(|error| format!("failed to read stdin: {error}"))?;
    request.stdin = Some(stdin);
    exchange(address, &request)
}

fn exchange(address: &Path, request: &Request) -> Result<Reply, String> {
    let dialled = UnixStream::connect(address);
    let mut stream = dialled.map_err(|error| format!("dial unix {}: connect: {error}", address.display()))?;
    request.write(&mut stream).and_then(|()| Reply::read(&mut stream)).map_err(|error| error.to_string())
}

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).filter(|value| !value.is_empty()).ok_or_else(|| format!("{name} not set"))
}

fn name() -> Option<OsString> {
    let started_as = env::args_os().next()?;
    let name = Path::new(&started_as).file_name()?;
    Some(OsString::from_vec(name.as_bytes().to_vec()))
}
