//! Both sides of the relation, as charms use them, against a Juju in memory.

mod any_databag;
mod charm;
mod conformance;
mod generations;
mod growth;
mod logging;
mod promises;
mod provider;
mod schema;
mod vectors;
