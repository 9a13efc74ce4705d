//! A small Juju: one unit of one charm, run as the real agent runs it; and an [`Integration`] of two such units.
//!
//! The charm is a real process in a charm directory of its own, with an environment built from nothing and hook tools
//! first on `PATH`. They are links to a `jujuc`, as Juju's own are, so a charm may ask the agent directly over its unix
//! socket, where a thread of the [`SimulatedJuju`] lets a [`Model`] answer. What the tools mean is the model's business;
//! what is here is everything between the model and the charm.
//!
//! ```no_run
//! use charm_testing::juju::{Deployment, Event};
//!
//! let mut juju = Deployment::new("target/debug/my-charm".as_ref()).start();
//! juju.model().set_leader(true);
//! let relation = juju.add_relation("tracing", "tempo", &["tempo/0"]);
//! let outcome = juju.dispatch(Event::relation_created("tracing", relation));
//! assert!(outcome.success(), "{outcome}");
//! assert_eq!(juju.model().local_app_data(relation)["receivers"], r#"["otlp_http"]"#);
//! ```

mod agent;
mod deployment;
mod environment;
mod event;
mod hook_tools;
mod integration;
mod outcome;
mod process;
mod simulated_juju;
mod tool_fault;

pub use deployment::Deployment;
pub use event::Event;
pub use integration::Integration;
pub use outcome::Outcome;
pub use simulated_juju::SimulatedJuju;
pub use tool_fault::ToolFault;
pub use tracing_relation::juju::testing::{ActionOutcome, LogLine, Model};
