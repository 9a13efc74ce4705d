//! Reads and writes JSON that is exchanged with other programs: hook tools, and the other side of a relation, which may be
//! in Python.

mod members;
mod read;
mod write;

pub(crate) use members::Members;
pub use read::JsonError;
pub(crate) use read::{Object, read, read_part, unquoted};
pub(crate) use write::{dumps, to_yaml};
