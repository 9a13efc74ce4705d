//! The entry for the fuzz targets in `fuzz`. Only their build and the build of the tests contain it.

pub use crate::cos_agent::fuzzed::cos_agent;
pub use crate::juju::agent::fuzzed::agent_answer;
