//! Hook tools over the unit agent's socket, without a process for each.
//!
//! Juju's own hook tools are one small program, `jujuc`, under many names. It makes one Go `net/rpc` call, `Jujuc.Main`,
//! on the agent's socket, prints what comes back, and exits with the code that comes back. Here the charm makes that call
//! itself.
//!
//! # Promises
//!
//! - A tool gives the same result as its process would: the same output, exit code and [error
//!   kind](super::HookToolErrorKind).
//! - A program that shadows one of Juju's tools in `PATH` is obeyed: it is run as a process.
//! - A request that was sent whole is never sent again, because the tool may have written. If its answer does not come,
//!   the error is [`AnswerLost`](super::HookToolErrorKind::AnswerLost) or [`TimedOut`](super::HookToolErrorKind::TimedOut).
//! - One connection, made by the first call and kept; close-on-exec; one call at a time. There is no thread.
//! - A forked child does not use the connection of its parent. A connection that the charm has closed, or whose number
//!   is another file by now, is left alone.
//! - A charm that changes its root directory, user or network during a dispatch keeps its connection.
//!
//! # The parts
//!
//! [`gob`] and [`gob_writer`] are Go's encoding, [`rpc`] the messages of the call; all work on bytes in memory. [`connection`] is the socket,
//! and [`agent_tools`] chooses between socket and process.

mod agent_tools;
mod connection;
pub(super) mod gob;
pub(super) mod gob_writer;
pub(super) mod rpc;

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
#[cfg(test)]
mod tests;

pub use agent_tools::AgentHookTools;
