//! The traces that no backend has taken yet: a directory with one file for each, which is exactly the bytes of an OTLP/HTTP
//! request.
//!
//! # Promises
//!
//! * After [`Queue::store`] has returned, the trace survives the death of the process.
//! * A trace that was acknowledged, or dropped by the limits, never comes back.
//! * What a killed dispatch has recorded becomes a waiting trace, see `journal`.
//! * At most `max_dispatches` traces wait, with at most `max_bytes`. Idle ones make room first, then the oldest. A trace that
//!   is about to be sent is stored beyond the limits, so that nothing is dropped in the moment in which it could leave.
//! * A file whose bytes changed costs its trace, which is counted, and no other.
//! * Nobody else can enter the directory (mode 0700), no symbolic link is followed, and files that are not ours are left alone.
//! * No file of the directory stays open between two operations, except `sending` while this process sends.
//!
//! # Layout
//!
//! ```text
//! 0001795918619123-<trace id>-<crc32>.otlp    a waiting trace; the stamp is in milliseconds since 1970 and orders them
//! 0001795918619123-<trace id>-<crc32>.idle    the same, of a dispatch in which nothing but the handler ran
//! <unit>-<trace id>.journal                   of a dispatch that runs, or was killed
//! <...>.part                                  being written; renamed when it is whole
//! replaced-<stamp>                            a file that was in the place of this directory
//! state                                       back-off, losses and whether a large trace waits: lines of a key and a value
//! sending                                     empty; whoever holds its lock sends
//! ```
//!
//! Storing is write and rename, acknowledging is unlink. There is no lock for storing: two dispatches write two files, and
//! each makes the limits hold for what it finds then. Two that count a loss in the same moment may count one of them.
//!
//! # What a crash leaves
//!
//! | after | the next dispatch finds | and |
//! |---|---|---|
//! | a part of a file was written | a `.part` | removes it when it is a minute old |
//! | a trace was stored, before the limits were looked at | one trace too many | makes room |
//! | a trace was stored, before its journal was removed | both | removes the journal |
//! | a killed dispatch's trace was stored, before its journal was removed | both | removes the journal |
//! | what is left of a trace was stored, before the whole was removed | both | sends what is left twice |
//! | the backend took a trace, before it was removed | the trace | sends it twice |
//! | some traces of the Python library's buffer were stored | its file | writes the same files again |
//! | a file in the directory's place was moved, before the directory has its name | `<path>.part` | renames it |
//!
//! A charm that unmounts the queue's storage while it runs leaves its journal there: it becomes an interrupted trace when the
//! storage is mounted again.
//!
//! There is no `fsync`: the page cache survives the death of the process. A power cut may cost the newest traces, leave
//! damaged ones, which the checksum in their names shows, and bring back removed ones.

#[cfg(any(test, fuzzing))]
#[cfg_attr(fuzzing, allow(dead_code, reason = "the fuzz targets let nothing fail"))]
mod disk;
mod error;
mod file_system;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod journal;
mod name;
mod place;
mod python;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use error::QueueError;
pub(crate) use journal::Recovered;
pub(crate) use name::{TraceName, millis};
pub(crate) use place::Missing;
pub(crate) use state::{Backoff, Losses, State};
pub(crate) use store::{NewTrace, Queue, QueueConfig};
