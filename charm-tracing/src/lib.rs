//! Distributed tracing of Juju charms.

#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "no session delivers yet"))]
mod buffer;
#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "no session delivers yet"))]
pub mod delivery;
