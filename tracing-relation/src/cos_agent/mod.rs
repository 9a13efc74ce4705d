//! The `cos_agent` interface as far as traces go, for the charm on a machine that asks its collector where to send them.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod provider;
mod wire;

pub use provider::CosAgentProvider;
