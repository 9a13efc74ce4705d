//! Distributed tracing of Juju charms.

#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "nothing delivers yet"))]
mod buffer;
