//! The door for the fuzz targets, which are in `fuzz`: it is there in their build and in that of the tests, in no other.

pub use crate::juju::agent::fuzzed::agent_answer;
