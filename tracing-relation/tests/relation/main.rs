//! Both sides of the relation, the charm beside a collector, and the side that is sent certificates, as charms use them,
//! against a Juju in memory; and that Juju itself.

mod any_databag;
mod certificate_transfer;
mod charm;
mod conformance;
mod cos_agent;
mod cos_agent_vectors;
mod fuzzed;
mod generations;
mod growth;
mod in_memory_juju;
mod logging;
mod promises;
mod provider;
mod schema;
mod vectors;
