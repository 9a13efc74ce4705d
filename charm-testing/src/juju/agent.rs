//! The agent's answers to hook tools, for as long as one dispatch runs.
//!
//! One tool at a time, as in Juju. Between dispatches nothing listens, so a process that outlives its hook is refused
//! by the system, and by its context id when the next hook runs.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use tracing_relation::juju::testing::{AgentAnswer, AgentRequest, HookContext, Model, ToolResult};

use super::tool_fault::{Faults, ToolFault};

/// The agent's knowledge of the dispatch that runs.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) context_id: String,
    pub(super) context: HookContext,
    pub(super) model: Model,
    pub(super) faults: Faults,
    /// True if each hook tool is a process.
    pub(super) tools_are_processes: bool,
}

impl Desk {
    pub(super) fn answer(&self, request: AgentRequest) -> AgentAnswer {
        let AgentRequest { context_id, directory, tool, args, stdin, process, .. } = request;
        if context_id != self.context_id {
            let expected = &self.context_id;
            let refusal = format!("bad request: expected context id {expected:?}, got {context_id:?}");
            return AgentAnswer::Refused(refusal);
        }
        if let Some(fault) = self.faults.of(&tool, &args) {
            return self.strike(fault, process);
        }
        let mut argv = [vec![tool], args].concat();
        match FileArgument::of(&mut argv) {
            Some(file) if file.is_stdin() && stdin.is_none() => return AgentAnswer::NeedsStdin,
            Some(file) => file.resolve(&directory),
            None => {}
        }
        AgentAnswer::Done(self.model.run_tool(&self.context, &argv, &stdin.unwrap_or_default()))
    }

    fn strike(&self, fault: ToolFault, process: i32) -> AgentAnswer {
        let done = |code, stdout: Vec<u8>, stderr: &str| {
            AgentAnswer::Done(ToolResult { code, stdout, stderr: stderr.as_bytes().to_vec() })
        };
        match fault {
            ToolFault::Exits(code, stderr) => done(code.into(), Vec::new(), stderr),
            ToolFault::Prints(stdout) => done(0, stdout.to_vec(), ""),
            ToolFault::Floods(bytes) => done(0, vec![b'x'; bytes], ""),
            ToolFault::Killed => {
                match Pid::from_raw(process) {
                    Some(pid) if self.tools_are_processes => _ = kill_process(pid, Signal::KILL),
                    _ => {}
                }
                AgentAnswer::HangsUp
            }
            // A tool that is missing does not ask.
            ToolFault::Hangs | ToolFault::Missing => AgentAnswer::Hangs,
        }
    }
}

/// The `--file` of a command line, in any of the forms that Juju reads.
struct FileArgument<'a> {
    argument: &'a mut String,
    /// The index in the argument at which the path begins.
    start: usize,
}

impl<'a> FileArgument<'a> {
    fn of(argv: &'a mut [String]) -> Option<Self> {
        let mut next_is_path = false;
        for argument in argv.iter_mut().skip(1).take_while(|argument| *argument != "--") {
            if next_is_path {
                return Some(Self { argument, start: 0 });
            }
            match argument.trim_start_matches('-').split_once('=') {
                _ if !argument.starts_with('-') => {}
                None => next_is_path = argument.trim_start_matches('-') == "file",
                Some(("file", path)) => {
                    let start = argument.len() - path.len();
                    return Some(Self { argument, start });
                }
                Some(_) => {}
            }
        }
        None
    }

    fn is_stdin(&self) -> bool {
        &self.argument[self.start..] == "-"
    }

    /// Makes the path one that means the same here as it did where the tool was started.
    fn resolve(self, directory: &Path) {
        if !self.is_stdin() {
            let path = directory.join(&self.argument[self.start..]);
            self.argument.replace_range(self.start.., &path.to_string_lossy());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(line: &str) -> Vec<String> {
        line.split(' ').map(ToOwned::to_owned).collect()
    }

    #[test]
    fn only_a_file_of_one_dash_is_standard_input() {
        let is_stdin = |line: &str| FileArgument::of(&mut argv(line)).is_some_and(|file| file.is_stdin());
        assert!(is_stdin("relation-set -r 1 --file - --app"));
        assert!(is_stdin("relation-set --file=-"));
        assert!(is_stdin("state-set -file -"));
        assert!(!is_stdin("relation-get - tempo --app"));
        assert!(!is_stdin("relation-set --file data.yaml"));
        assert!(!is_stdin("juju-log -- --file -"));
        assert!(!is_stdin("relation-set file=-"));
    }

    #[test]
    fn paths_are_taken_from_where_the_tool_was_started() {
        let resolved = |line: &str| {
            let mut argv = argv(line);
            FileArgument::of(&mut argv).expect("has a file").resolve(Path::new("/charm"));
            argv.join(" ")
        };
        assert_eq!(resolved("relation-set --file data.yaml a=b"), "relation-set --file /charm/data.yaml a=b");
        assert_eq!(resolved("relation-set --file=data.yaml"), "relation-set --file=/charm/data.yaml");
        assert_eq!(resolved("relation-set --file /tmp/x"), "relation-set --file /tmp/x");
        assert_eq!(resolved("relation-set --file -"), "relation-set --file -");
    }
}
