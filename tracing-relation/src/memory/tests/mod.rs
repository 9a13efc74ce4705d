//! Remembering changes how often Juju is asked, and nothing else.

mod histories;
mod promises;
mod refused;
mod refuted;
mod unit;
