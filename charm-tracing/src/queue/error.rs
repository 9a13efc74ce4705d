use std::io;
use std::path::PathBuf;

/// The reason why an operation of the queue failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    /// Something other than the queue's directory has its name.
    #[error("cannot keep traces in {}: it is {what}", path.display())]
    Refused { path: PathBuf, what: &'static str },
    /// The charm has changed its root directory, so the path leads elsewhere.
    #[error("cannot keep traces in {}: the charm has changed its root directory", path.display())]
    Elsewhere { path: PathBuf },
    /// The trace alone is larger than the limit of all waiting traces.
    #[error("cannot keep a trace of {size} bytes: {limit} is the limit")]
    TooLarge { size: u64, limit: u64 },
    #[error("cannot {action} {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

impl QueueError {
    /// Returns true if there is no space left, at least for this user.
    pub(crate) fn is_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};

        matches!(self, Self::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }
}
