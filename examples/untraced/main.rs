//! The requirer charm without tracing, which the benchmarks compare with the traced one: the same source and the same
//! hook tools, but what the source takes for `charm_tracing` is this crate.
#![expect(clippy::print_stderr, reason = "a failed hook says why")]

// Shadows the crate of that name.
extern crate self as charm_tracing;

#[expect(dead_code, reason = "where the traces would go")]
#[path = "../requirer/src/main.rs"]
mod charm;

use std::fmt;
use std::process::ExitCode;

pub(crate) use tracing_relation::{self as relation, juju};
pub(crate) use untraced_attributes::{trace_charm, trace_fn, trace_type};

use juju::Dispatch;

fn main() -> ExitCode {
    charm::main()
}

/// Constructs the charm and lets it handle the event. What Juju told about relations is remembered as a traced charm
/// does it, for the same hook tools.
pub(crate) fn run<C, E: fmt::Debug>(
    new: impl FnOnce(&Dispatch) -> Result<C, E>,
    handle: impl FnOnce(&mut C, &Dispatch) -> Result<(), E>,
) -> ExitCode {
    let dispatch = Dispatch::from_env();
    let memory = dispatch.charm_dir().join(".charm_tracing_relations");
    let dispatch = dispatch.with_relation_memory(memory);
    let result = new(&dispatch).and_then(|mut charm| handle(&mut charm, &dispatch));
    dispatch.remember_relations();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:?}");
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn try_event<T, E>(_name: &str, handle: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    handle()
}

pub(crate) fn current_span() -> Option<NoSpan> {
    None
}

pub(crate) enum NoSpan {}

impl NoSpan {
    pub(crate) fn set_attribute(&self, _attribute: opentelemetry::KeyValue) {
        match *self {}
    }
}

pub(crate) mod opentelemetry {
    pub(crate) struct KeyValue;

    impl KeyValue {
        pub(crate) fn new(_key: &str, _value: bool) -> Self {
            Self
        }
    }
}
