//! Distributed tracing of Juju charms.
