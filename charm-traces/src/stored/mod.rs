//! Reads traces that wait on the disk, whoever has written them.
//!
//! | written by | file |
//! |---|---|
//! | this project | a directory with a file for each trace, and a journal for each dispatch that was killed |
//! | the Python library `charm_tracing` | `.charm_tracing_buffer.raw`: OTLP requests with a separator between them |
//! | `ops-tracing` | `.tracing-data.db`: a database of `SQLite` with a row for each batch of spans, as OTLP in JSON |
//!
//! Nothing is changed, and no lock is taken.

mod database;
mod place;
mod read;
mod shown;

pub(crate) use database::{destination, remove_row};
pub(crate) use place::{OPS_DATABASE, Place, QUEUE, State};
pub(crate) use read::{Fault, Stored, contents, queue_at, read};
pub(crate) use shown::Shown;
