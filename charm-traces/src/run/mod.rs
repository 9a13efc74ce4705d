//! One dispatch of a charm without Juju.

mod command;
mod declared;
mod event;
mod relation;
mod report;

pub(crate) use command::run;
