//! The example charms, and the charm of the README, in the small Juju.

mod first_charm;
mod guide;
mod machine;
mod provider;
mod readme;
mod requirer;
