//! Runs hook tools over the unit agent's socket, without a process for each.
//!
//! Juju's own hook tools are one small program, `jujuc`, with many names. It makes one Go `net/rpc` call, `Jujuc.Main`, on
//! the agent's socket, prints the output in the answer, and exits with the code in the answer. Here the charm makes this
//! call itself.
//!
//! # Promises
//!
//! - A tool gives the same result as its process would: the same output, exit code and [error
//!   kind](super::HookToolErrorKind).
//! - A program that shadows one of Juju's tools in `PATH` is run as a process.
//! - A request that was sent completely is never sent again, because the tool may have written. If its answer does not
//!   come, the error is [`AnswerLost`](super::HookToolErrorKind::AnswerLost) or
//!   [`TimedOut`](super::HookToolErrorKind::TimedOut).
//! - There is one connection, which the first call opens and later calls use. It is close-on-exec, and has one call at a
//!   time. There is no thread.
//! - A forked child does not use the connection of its parent. A connection is not used if the charm has closed it, or if
//!   its file descriptor is now another file.
//! - A charm that changes its root directory, user or network during a dispatch keeps its connection.
//!
//! # The parts
//!
//! [`gob`] and [`gob_writer`] read and write Go's encoding, and [`rpc`] the messages of the call; all three work on bytes
//! in memory. [`connection`] is the socket, and [`agent_tools`] chooses between socket and process.

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
