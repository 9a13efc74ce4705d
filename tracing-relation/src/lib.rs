//! The `tracing` relation interface of Juju.
