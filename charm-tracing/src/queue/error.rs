use std::io;
use std::path::PathBuf;

/// Why the queue could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    /// Something else has the directory's name.
    #[error("cannot keep traces in {}: it is {what}", path.display())]
    Refused { path: PathBuf, what: &'static str },
    /// The charm has changed its root directory, so the path leads elsewhere.
    #[error("cannot keep traces in {}: the charm has changed its root directory", path.display())]
    Elsewhere { path: PathBuf },
    /// The trace alone is larger than all waiting traces may be together.
    #[error("cannot keep a trace of {size} bytes: {limit} is the limit")]
    TooLarge { size: u64, limit: u64 },
    /// An operation failed.
    #[error("cannot {action} {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

impl QueueError {
    /// Returns true if there is no space left, for this user at least.
    pub(crate) fn is_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};

        matches!(self, Self::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }
}
