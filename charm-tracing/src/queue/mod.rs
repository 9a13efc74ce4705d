//! The traces that no backend has taken yet: a directory with one file for each, whose bytes are exactly an OTLP/HTTP
//! request.
//!
//! # Promises
//!
//! * After [`Queue::store`] has returned, the trace survives the death of the process.
//! * A trace that was acknowledged, or dropped by the limits, never comes back.
//! * The spans that a killed dispatch has recorded become a waiting trace, see `journal_file`.
//! * At most `max_dispatches` traces wait, with at most `max_bytes`. Beyond that, idle traces are dropped first, then
//!   the oldest. A trace that is about to be sent is stored beyond the limits, so that none is dropped just before it
//!   could be sent. One that cannot be removed waits beyond the limits, and keeps no other from being sent or dropped.
//! * A file whose bytes changed loses its trace, which is counted, and no other.
//! * No other user can enter the directory (mode 0700), no symbolic link is followed, and other files are not touched.
//! * No file of the directory stays open between two operations, except `sending` while this process sends.
//!
//! # Layout
//!
//! ```text
//! 0001795918619123-<trace id>-<crc32>.otlp    a waiting trace; the stamp is in milliseconds since 1970 and orders them
//! 0001795918619123-<trace id>-<crc32>.idle    a waiting trace of a dispatch in which only the handler ran
//! <unit>.journal                              the journal of a dispatch that runs, or was killed
//! <unit>.<number>.journal                     another one, beside a journal of the unit that could not be stored
//! <...>.part                                  a file that is being written; renamed when it is complete
//! replaced-<stamp>                            a file that was in the place of this directory
//! state                                       back-off, losses and whether a large trace waits: lines of a key and a value
//! sending                                     empty; the process that holds its lock sends
//! ```
//!
//! Storing is write and rename; a trace that a backend acknowledged is unlinked. There is no lock for storing: two dispatches write two files,
//! and each applies the limits to the files that it finds. If two count a loss at the same moment, one of them may not
//! be counted.
//!
//! # What a crash leaves
//!
//! | after | the next dispatch finds | and |
//! |---|---|---|
//! | a part of a file was written | a `.part` | removes it when it is a minute old |
//! | a trace was stored, before the limits were applied | one trace too many | drops one when it has stored or sent its own |
//! | a trace was stored, before its journal was removed | both | removes the journal |
//! | a trace was stored, before the losses that it reports left `state` | both | reports them again |
//! | a killed dispatch's trace was stored, before its journal was removed | both | removes the journal |
//! | the rest of a trace was stored, before the whole was removed | both | sends the rest twice |
//! | the backend took a trace, before it was removed | the trace | sends it twice |
//! | some traces of the Python library's buffer were stored | its file | writes the same files again |
//! | a file in the directory's place was moved, before the directory has its name | `<path>.part` | renames it |
//!
//! If a charm unmounts the queue's storage while it runs, its journal stays there, and becomes an interrupted trace
//! when the storage is mounted again.
//!
//! There is no `fsync`, because the page cache survives the death of the process. A power cut may lose the newest
//! traces, damage others, which the checksum in their names shows, and bring back removed ones.

#[cfg(any(test, fuzzing))]
#[cfg_attr(fuzzing, allow(dead_code, reason = "the fuzz targets let nothing fail"))]
mod disk;
mod error;
mod file_system;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed_files;
mod journal_file;
mod name;
mod place;
mod python;
mod state;
#[cfg(test)]
pub(crate) mod tests;
mod waiting;

#[cfg(test)]
pub(crate) use disk::{Disk, Fault};
pub(crate) use error::QueueError;
pub(crate) use file_system::Locking;
pub(crate) use journal_file::Recovered;
pub(crate) use name::{TraceName, millis};
pub(crate) use place::Missing;
#[cfg(feature = "testing")]
pub(crate) use python::requests as python_requests;
pub(crate) use state::{Backoff, Losses, State};
pub(crate) use waiting::{Dropped, NewTrace, Queue};
