//! Hook tools that do not work: each can be broken by itself, in every way that a charm may meet.
//!
//! The agent plays the fault, so that it is the same for a tool that is a process and one that is asked for over the socket.

use std::collections::BTreeMap;

/// A way in which a hook tool does not work, for [`Juju::break_tool`](crate::Juju::break_tool).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolFault {
    /// The tool is not there.
    Missing,
    /// The tool ends with this exit code, and prints this on standard error.
    Exits(u8, &'static str),
    /// The tool's process is killed by the system, as when memory runs out; over the socket, the agent hangs up.
    Killed,
    /// The tool succeeds, and prints this.
    Prints(&'static [u8]),
    /// The tool succeeds, and prints this many bytes that mean nothing.
    Floods(usize),
    /// The tool never ends, and prints nothing.
    Hangs,
}

/// The hook tools of a unit that are broken.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(BTreeMap<String, (String, ToolFault)>);

impl Faults {
    /// Breaks a tool, or mends it. Without an argument it is broken for all.
    pub(super) fn set(&mut self, tool: &str, argument: &str, fault: Option<ToolFault>) {
        assert!(
            argument.is_empty() || fault != Some(ToolFault::Missing),
            "what is missing is so whatever the arguments"
        );
        match fault {
            Some(fault) => _ = self.0.insert(tool.to_owned(), (argument.to_owned(), fault)),
            None => _ = self.0.remove(tool),
        }
    }

    /// Returns the fault of a tool that is called with these arguments.
    pub(super) fn of(&self, tool: &str, args: &[String]) -> Option<ToolFault> {
        let (argument, fault) = self.0.get(tool)?;
        (argument.is_empty() || args.contains(argument)).then_some(*fault)
    }
}
