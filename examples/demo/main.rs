//! Plays a small Juju around the example charm.
fn main() {}
