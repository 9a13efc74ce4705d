use std::fmt;
use std::path::{Path, PathBuf};

/// The queue of a charm in its directory. An earlier version of the charm, in Python, may have left a file of this name.
pub(crate) const QUEUE: &str = ".charm_tracing_buffer";
/// The buffer of the Python library.
pub(crate) const PYTHON_BUFFER: &str = ".charm_tracing_buffer.raw";
/// The database of `ops-tracing`.
pub(crate) const OPS_DATABASE: &str = ".tracing-data.db";

/// The place of a request on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing else is in the file.
    File(PathBuf),
    /// The file has other requests too.
    PartOf(PathBuf),
    /// A row of a database.
    Row(PathBuf, i64),
}

impl Place {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::PartOf(path) | Self::Row(path, _) => path,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::PartOf(path) => write!(f, "{}", path.display()),
            Self::Row(path, id) => write!(f, "{}, row {id}", path.display()),
        }
    }
}

/// The state of a dispatch, as the way in which its trace is stored shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The dispatch has ended.
    Ended,
    /// Nothing but the handler ran in the dispatch.
    Idle,
    /// The dispatch was killed, or still runs.
    Interrupted,
}

impl State {
    /// Returns the word for a list; nothing for what is usual.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ended => "",
            Self::Idle => "idle",
            Self::Interrupted => "interrupted",
        }
    }
}
