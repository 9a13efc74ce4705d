//! What Juju has told about relations, kept from one dispatch to the next, so that nobody has to ask again.
//!
//! Each hook tool is a round trip to the unit's agent. But whatever Juju knows about a relation changes with an event: who is
//! in it, and what the other side has published. So what was read after the last of these events still holds, and a
//! dispatch for anything else runs no hook tool at all.
//!
//! # Invariants
//!
//! - What is remembered was read from Juju, in a dispatch that came no earlier than the last event of its endpoint that was
//!   dispatched to the charm. Every such event forgets it before the charm's own code runs, even if the dispatch fails
//!   later: what an event has withdrawn is never used again, unless the file could not be changed (the last point).
//!   `start`, `install`, `upgrade-charm` and `leader-elected` forget everything.
//! - A relation that has seen its `relation-broken` is none, even if that hook fails and Juju goes on listing it, until
//!   another event tells of it.
//! - What this dispatch has written itself is not remembered: Juju drops it if the hook fails. It is read by a later
//!   dispatch.
//! - It holds for a day, for one unit of one model, and not after a backend could not be reached or did not take a trace
//!   for now. (One that refused a trace for good is there.) A day bounds what no event tells, too: a relation that was
//!   removed by force, leadership that was lost and won within one hook, or what somebody else wrote into the own
//!   application's databag (`juju exec`).
//! - Every event of a relation writes the file, so a dispatch that has read before, and ends later, finds it changed and
//!   writes nothing.
//! - A file that is damaged, of another format or version, of another user, not a file, or cannot be written to (and
//!   so could not be forgotten) is none. Nothing that goes wrong here is an error: Juju is asked instead.
//! - An event that must forget empties the file, and removes what it cannot empty. If it can do neither (the file is
//!   immutable, its file system is read-only, or a directory has its name), a warning in Juju's log names the file, and
//!   this dispatch neither uses nor writes the memory. A later dispatch that can write the file again does not know of the
//!   event, and may use what it has withdrawn, for a day at most. To prevent that would take a second file, which may fail
//!   as the first one did.
//!
//! The names of the applications at the other end are kept for as long as the relations: they never change.
//!
//! # The file
//!
//! One line with the format's name, its version and the CRC-32 of the rest, then JSON: see [`record`]. It is replaced in
//! place, under an advisory lock, for which an event waits 50 ms at most. A crash in between leaves a damaged file.

mod as_text;
mod facts;
mod file;
mod record;
mod relation_memory;
#[cfg(test)]
mod tests;

pub(crate) use relation_memory::RelationMemory;
