//! Hook tools by either way: as processes, and over the agent's socket.

mod either_way;
mod over_the_socket;
mod processes;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use super::testing::{Agent, AgentAnswer, AgentRequest};
use super::{AgentHookTools, HookToolCall, HookTools};

/// A directory for `PATH` in which `a-tool` is the shell: a script without a file, which another test's fork could hold open
/// for writing just when this one executes it.
fn shell() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    symlink("/bin/sh", directory.path().join("a-tool")).expect("a link");
    directory
}

/// A directory for `PATH` in which `a-tool` is a link to Juju's own program, which writes the file `ran` if it is run.
fn jujus_own() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join("jujuc");
    fs::write(&program, format!("#!/bin/sh\necho ran as \"$@\" > {}/ran\n", directory.path().display()))
        .expect("written");
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("ours");
    symlink(&program, directory.path().join("a-tool")).expect("a link");
    directory
}

fn script(script: &str) -> HookToolCall {
    HookToolCall::new("a-tool").arg("-c").arg(script)
}

/// Hook tools of an agent that listens in the directory.
fn tools_of(directory: &Path) -> AgentHookTools {
    tools_at(directory.join("agent.socket").to_str().expect("UTF-8")).with_path(directory)
}

fn tools_at(address: &str) -> AgentHookTools {
    AgentHookTools::from_vars(|name| {
        let value = match name {
            "JUJU_AGENT_SOCKET_NETWORK" => "unix",
            "JUJU_AGENT_SOCKET_ADDRESS" => address,
            "JUJU_CONTEXT_ID" => "app/0-install-1",
            _ => return None,
        };
        Some(value.to_owned())
    })
}

fn listen(directory: &Path, answer: impl Fn(AgentRequest) -> AgentAnswer + Send + Sync + 'static) -> Agent {
    let address = directory.join("agent.socket");
    Agent::listen(address.to_str().expect("UTF-8"), answer).expect("the directory takes a socket")
}

#[track_caller]
fn run(tools: &impl HookTools, call: &HookToolCall) -> String {
    let output = tools.run(call).expect("success");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[track_caller]
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < end, "{what}: not after 30 s");
        std::thread::sleep(Duration::from_millis(1));
    }
}
