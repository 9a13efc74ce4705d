//! The `tracing` relation interface of Juju, and the Juju dispatch environment and hook tools it needs.

pub mod juju;
