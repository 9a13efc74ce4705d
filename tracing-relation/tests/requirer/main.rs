//! The requirer side of the relation, as a charm uses it, against a Juju in memory.

mod any_databag;
mod charm;
mod logging;
mod promises;
mod vectors;
