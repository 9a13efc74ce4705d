//! Finds out why no traces arrive.

mod backend;
mod command;
mod finding;
mod remembered;
mod waiting;

pub(crate) use command::doctor;
