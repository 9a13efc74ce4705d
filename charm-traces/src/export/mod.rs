//! Writes traces for other programs.

mod chrome;
mod write;

pub(crate) use write::export;
