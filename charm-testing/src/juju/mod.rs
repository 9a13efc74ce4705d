//! A small Juju: one unit of one charm, run as the real agent runs it; and an [`Integration`] of two such units.
//!
//! The charm is a real process in a charm directory of its own, with an environment built from nothing and hook tools
//! first on `PATH`. They are links to a `jujuc`, as Juju's own are, so a charm may ask the agent directly over its unix
//! socket, where a thread of the [`Juju`] lets the in-memory model of
//! `tracing-relation` answer. What the tools mean is the model's business; what is here is everything between the model and
//! the charm.

mod agent;
mod charm_files;
mod deployment;
mod environment;
mod event;
mod hook_tools;
mod integration;
mod outcome;
mod process;
mod relation;
mod secret;
mod storage;
mod tool_fault;
mod unit;

pub use event::Event;
pub use integration::Integration;
pub use outcome::Outcome;
pub use relation::Relation;
pub use secret::Secret;
pub use storage::Storage;
pub use tool_fault::ToolFault;
pub use tracing_relation::juju::testing::{ActionOutcome, LogLine, Status};
pub use unit::Juju;
