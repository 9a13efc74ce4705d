//! Hook tools that do not work, as real processes: each tool can be broken by itself, in every way a process can fail.
//!
//! For that the hook tools have to be the program `faulty-jujuc`. A tool that is not broken works as ever, and so does one
//! that is broken for one argument only, such as a relation's id, when it is called without it.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use tracing_relation::juju::{Dispatch, ProcessHookTools};

/// How a hook tool does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolFault {
    /// It is not there.
    Missing,
    /// It ends with this exit code and says this on standard error.
    Exits(u8, &'static str),
    /// It is killed by the system, as when memory runs out.
    Killed,
    /// It succeeds, and prints this.
    Prints(&'static [u8]),
    /// It succeeds, and prints this many bytes that mean nothing.
    Floods(usize),
    /// It never ends, and prints nothing.
    Hangs,
}

/// The dispatch with hook tools each of which may take `TOOL_MILLISECONDS`, if that is set: for charms that meet one that
/// hangs.
#[must_use]
pub fn impatient(dispatch: &Dispatch) -> Dispatch {
    let dispatch = dispatch.clone();
    match dispatch.var("TOOL_MILLISECONDS").and_then(|text| text.parse().ok()).map(Duration::from_millis) {
        Some(patience) => dispatch.with_hook_tools(Arc::new(ProcessHookTools::new().with_timeout(patience))),
        None => dispatch,
    }
}

impl ToolFault {
    /// Breaks a tool of the unit in this directory, or mends it. Without an argument it is broken for all.
    pub(super) fn set(unit: &Path, tool: &str, argument: &str, fault: Option<Self>, program: &Path) {
        let (link, description) = (unit.join("tools").join(tool), description(unit, tool));
        for stale in [&link, &description] {
            // It may have been missing before.
            _ = fs::remove_file(stale);
        }
        assert!(
            argument.is_empty() || fault != Some(Self::Missing),
            "what is missing is so whatever the arguments"
        );
        if fault != Some(Self::Missing) {
            symlink(program, link).expect("tools can be linked");
        }
        if let Some(text) = fault.and_then(|fault| fault.describe(argument)) {
            fs::create_dir_all(description.parent().expect("it is in the unit's directory"))
                .and_then(|()| fs::write(description, text))
                .expect("the unit's directory takes a file");
        }
    }

    /// A line that says what to do, one with the argument, and what to print.
    fn describe(self, argument: &str) -> Option<Vec<u8>> {
        let (line, rest) = match self {
            Self::Missing => return None,
            Self::Exits(code, stderr) => (format!("exit {code}"), stderr.as_bytes()),
            Self::Killed => ("kill".to_owned(), &b""[..]),
            Self::Prints(stdout) => ("print".to_owned(), stdout),
            Self::Floods(bytes) => (format!("flood {bytes}"), &b""[..]),
            Self::Hangs => ("hang".to_owned(), &b""[..]),
        };
        Some([line.as_bytes(), b"\n", argument.as_bytes(), b"\n", rest].concat())
    }
}

/// Does what is planned for the hook tool that this process was started as; `None` if that is nothing.
#[must_use]
pub fn strike() -> Option<ExitCode> {
    let socket = env::var_os("JUJU_AGENT_SOCKET_ADDRESS")?;
    let started_as = env::args_os().next()?;
    let tool = Path::new(&started_as).file_name()?.to_str()?;
    let plan = fs::read(description(Path::new(&socket).parent()?, tool)).ok()?;
    let mut parts = plan.splitn(3, |byte| *byte == b'\n');
    let mut line = || str::from_utf8(parts.next()?).ok();
    let (line, argument) = (line()?, line()?);
    let rest = parts.next()?;
    if !argument.is_empty() && env::args().all(|given| given != argument) {
        return None;
    }
    let (what, number) = line.split_once(' ').unwrap_or((line, ""));
    // Whoever reads may have had enough.
    match what {
        "exit" => _ = io::stderr().write_all(rest),
        "print" => _ = io::stdout().write_all(rest),
        "flood" => _ = io::stdout().write_all(&b"x".repeat(number.parse().ok()?)),
        "kill" => _ = kill_process(getpid(), Signal::KILL),
        _ => thread::sleep(Duration::from_hours(1)),
    }
    Some(ExitCode::from(number.parse().ok().filter(|_| what == "exit").unwrap_or(0)))
}

fn description(unit: &Path, tool: &str) -> PathBuf {
    unit.join("faults").join(tool)
}
