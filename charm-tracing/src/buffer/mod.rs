//! The durable queue of traces that no backend has accepted yet: one file in the charm's directory.
//!
//! # Promises
//!
//! * A trace is in the queue once [`Buffer::append`] returned, whatever happens to the process afterwards.
//! * A record that was acknowledged, or dropped by the limits, never comes back.
//! * What a dispatch has to tell becomes one record even if it is killed, see `flight`.
//! * At most `max_dispatches` records and `max_bytes` of them, none older than `max_age` when another one comes; the oldest
//!   boring ones make room first, then the oldest interesting ones. What was lost is counted, until a trace has told it. A
//!   trace that is stored to be sent at once is one more until that was tried, so that nothing is dropped in the very
//!   moment in which it could leave.
//! * An operation costs the same whatever the file holds: a fixed number of reads and writes, plus steps over dead
//!   records that each cursor takes once.
//! * Bytes that change cost the records that they are part of, never the intact ones around them, and never an error that
//!   lasts. (Bytes that are inserted or missing, which no disk does, may cost the record behind them, too.)
//! * Nobody else can read the file (mode 0600), no symbolic link is followed, and only a regular file of our own is
//!   opened.
//!
//! # Layout
//!
//! ```text
//! 0      header   256 bytes, see `header`: identity (magic, version) and a hint (cursors, counts, lease, back-off, losses)
//! 256    record   56 bytes + payload, see `record`
//! ...    record
//! tail   end of the file
//! ```
//!
//! Integers are little endian. Records are only ever added at the tail; two things in them change in place: how many parts
//! of them were taken, and one byte when they die. **Records are the truth, the hint in the header is only that**: it is
//! believed when its checksum holds and its tail is the end of its last record and of the file, otherwise the records are
//! scanned and the hint is written anew.
//!
//! # What a crash leaves
//!
//! | after | the next process finds | and |
//! |---|---|---|
//! | part of a new record was written | bytes behind the hinted tail | cuts them off |
//! | the new record, but not the header | a record behind the hinted tail | counts it in |
//! | the header that counts a record, but its flight is not empty | `closing` names the flight | empties it |
//! | the new record, before room was made for it | one record too many | makes room |
//! | the header that commits a removal, but not the record's state | `pending` names a live record | marks it dead |
//! | the header of an emptied file, but not the truncation | dead records behind the tail | truncates |
//! | a file that is not ours was renamed (there are no hard links), but not yet replaced | no file; what was to replace it as `<file>.new` | starts afresh; traces that could have been carried over stay in the renamed file |
//! | a rewrite, before its rename | `<file>.new` | removes it at the next rewrite; the file itself is untouched |
//!
//! There is no `fsync` when a trace is appended: the page cache survives the death of the process. A power cut may cost
//! the newest records, and bring back removed ones. Only a rewrite, which moves old records, syncs before it renames. What
//! exactly is promised then is at the top of `tests::power_cut`.
//!
//! # Sharing
//!
//! Every operation takes an advisory lock on the file, with a bounded wait, and gives it back before it returns; nothing
//! holds it across the network. A rewrite replaces the file while it holds the lock of both the old and the new one, and
//! whoever waited for the old one sees that its path now names another file and opens that. That only one process sends
//! the queue at a time is the business of the drain lease in the header.
//!
//! # Other readers and writers
//!
//! Version 1 is read, and rewritten as this one: its header had no counters of losses, and its records no progress. A file
//! whose identity names a later version is kept as `<file>.v<version>`, anything that is not such a file as
//! `<file>.damaged` (after the intact records, if it has any, were carried over); an older file of that name is
//! replaced. In both cases the queue starts afresh.

#[cfg(any(test, fuzzing))]
#[cfg_attr(not(test), expect(dead_code, reason = "nothing goes wrong with the disk of the fuzz targets"))]
mod disk;
mod error;
mod flight;
mod fs;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod header;
mod ledger;
mod python;
mod record;
mod recovery;
mod rewrite;
mod scan;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use error::BufferError;
pub(crate) use flight::{Chunk, FlightFile};
pub(crate) use header::{Backoff, Losses};
pub(crate) use python::import as import_python;
pub(crate) use record::{NewRecord, Priority, Progress, to_millis};
pub(crate) use store::{Buffer, BufferConfig, Legacy};
