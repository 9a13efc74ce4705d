//! The requirer side of the relation, as a charm uses it, against a Juju in memory.

mod any_databag;
mod charm;
mod growth;
mod logging;
mod promises;
mod vectors;
