//! What several of the tests need: [`recording`] and [`futures`] for traced code in the test's own process,
//! [`relation_tools`] counts what a charm asks of Juju.

pub mod futures;
pub mod recording;
pub mod relation_tools;
