//! Stores what Juju said about relations from one dispatch to the next, so that Juju need not be asked again.
//!
//! Each hook tool is a round trip to the unit's agent. But everything that Juju knows about a relation changes only with an
//! event: its members, and the data that the other side has published. So an answer that was read after the last of these
//! events is still true, and a dispatch for any other event runs no hook tool at all.
//!
//! # Invariants
//!
//! - A stored fact was read from Juju, in a dispatch that was not before the last event of its endpoint that was dispatched
//!   to the charm. Every such event drops the facts before the charm's own code runs, even if the dispatch fails later. So
//!   data that an event has withdrawn is never used again, unless the file could not be changed (the last point). `start`,
//!   `install`, `upgrade-charm` and `leader-elected` drop everything.
//! - A relation that had its `relation-broken` counts as gone, even if that hook fails and Juju still lists the relation,
//!   until another event of it comes.
//! - Data that this dispatch has written is not stored, because Juju drops it if the hook fails. A later dispatch reads it.
//! - The facts are valid for 24 hours, for one unit of one model, and are dropped if a backend could not be reached or
//!   temporarily did not accept a trace. (They are kept if it refused a trace for good, because then it was reached.) The
//!   24 hours also limit changes without an event: a relation that was removed by force, leadership that was lost and won
//!   within one hook, or a write to the own application's databag from outside (`juju exec`).
//! - Every event of a relation writes the file. So a dispatch that has read it before, and ends later, finds it changed and
//!   writes nothing. There is no lock, because Juju does not run two dispatches of a unit at once.
//! - A file that is damaged, has another format or version, belongs to another user, is not a regular file, or cannot be
//!   written to (so that its facts could not be dropped) counts as missing. None of these is an error: Juju is asked
//!   instead.
//! - An event that must drop facts replaces the file, or removes it if that fails. If both fail (the file is immutable, its
//!   file system is read-only, or a directory has its name), a warning in Juju's log names the file, and this dispatch
//!   neither uses nor writes the memory. A later dispatch that can write the file again does not know of the event, and may
//!   use the outdated facts, for 24 hours at most. A second file could prevent this, but it may fail like the first.
//!
//! The names of the applications at the other end never change, so they are kept for as long as the relations.
//!
//! # The file
//!
//! It has one line with the format's name, its version and the CRC-32 of the rest, and then JSON: see [`record`]. It is
//! written under another name, and renamed when it is whole.

mod facts;
mod file;
mod record;
mod relation_memory;
#[cfg(test)]
mod tests;

pub(crate) use relation_memory::RelationMemory;
