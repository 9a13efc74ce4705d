//! Tests of a whole charm, without Juju: the charm is a real process, and everything around it is small.
//!
//! A [`Juju`] starts the binary of a charm for an [`Event`], as the unit agent does: in a charm directory, with the
//! variables and hook tools of a dispatch. The [`Outcome`] is all that Juju saw of it. A [`Relation`] has the databags of
//! both sides.
//!
//! ```no_run
//! # macro_rules! env { ($name:literal) => { "/bin/true" } }
//! use charm_testing::{Event, Juju};
//!
//! let mut juju = Juju::new(env!("CARGO_BIN_EXE_my-charm"));
//! juju.set_leader(true);
//! juju.set_config("greeting", "hello");
//!
//! let tempo = juju.relate("tracing", "tempo");
//! let outcome = juju.dispatch(Event::relation_created(&tempo));
//! assert!(outcome.success(), "{outcome}");
//! assert_eq!(tempo.local_app_data()["receivers"], r#"["otlp_http"]"#);
//!
//! let outcome = juju.dispatch(Event::config_changed());
//! assert!(outcome.success(), "{outcome}");
//! assert_eq!(outcome.unit_status.to_string(), "active: says hello");
//! assert_eq!(outcome.opened_ports, ["80/tcp"]);
//!
//! let traces = juju.waiting_traces();
//! assert_eq!(traces.len(), 2);
//! assert!(traces[1].trace()?.failed().is_empty());
//! # Ok::<(), String>(())
//! ```
//!
//! A charm may ask the agent over its socket, as `tracing-relation` does, or start each hook tool as a process;
//! [`Juju::over_processes`] makes it do the latter. The hook tools are in this crate. It needs Linux 5.3 or later.
//!
//! Around that there is an OTLP [`collector`], which can be told how to answer; the [`Trace`] of the spans that it
//! received, as values and as a tree; [`queue`], which looks at the traces that wait for a backend; and [`Integration`],
//! which relates two units of real charms to each other.
//!
//! | to test | use |
//! |---|---|
//! | an event | [`Juju::dispatch`] with one of [`Event`] |
//! | an action, and what its user gets | [`Event::action`], [`Outcome::action`] |
//! | a leader and a follower | [`Juju::set_leader`] |
//! | the configuration | [`Juju::set_config`] |
//! | the other side of a relation | [`Juju::relate`], and the methods of [`Relation`] |
//! | two charms that are related | [`Integration`] |
//! | a secret of others, and one that the charm makes | [`Juju::add_secret`], [`Juju::own_secrets`], and the methods of [`Secret`] |
//! | storage | [`Juju::add_storage`] |
//! | a resource | [`Juju::set_resource`] |
//! | another version of Juju | [`Juju::juju_version`] |
//! | a hook tool that fails, hangs or is missing | [`Juju::break_tool`] with a [`ToolFault`] |
//! | a charm that takes too long | [`Event::killed_after`] |
//! | the traces | [`Collector`](collector::Collector), [`Juju::waiting_traces`] |
//!
//! The guide in the repository has the tests of a whole charm in `docs/guide/testing.md`, and `docs/guide/first-charm.md` makes a
//! charm that has such a test.

pub mod collector;
mod juju;
pub mod otlp_json;
pub mod queue;

pub use charm_tracing::testing::{
    Outline, Resource, Scope, Span, SpanEvent, SpanLink, Trace, TraceError, Value,
};
pub use juju::{
    ActionOutcome, Event, Integration, Juju, LogLine, Outcome, Relation, Secret, Status, Storage, ToolFault,
};

/// Compiled by `build.rs`, and here so that formatter and linter see it.
#[cfg(test)]
#[path = "../jujuc.rs"]
#[expect(dead_code, reason = "it is a program of its own")]
mod jujuc;

/// Makes tests of the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
