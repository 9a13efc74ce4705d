use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why the buffer could not do what it was asked to.
///
/// None of these lasts because of what the file holds: damage is repaired, not reported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BufferError {
    /// The directory or the file cannot be made or opened: permissions, a read-only or full file system.
    #[error("cannot open the trace buffer {}", path.display())]
    Open { path: PathBuf, source: io::Error },
    /// A symbolic link, a directory, a pipe or a device has the buffer's name.
    #[error("cannot use {} as the trace buffer: it is not a regular file", path.display())]
    NotAFile { path: PathBuf },
    /// Another user owns the file, who could read or change what it holds.
    #[error("cannot use {} as the trace buffer: it belongs to another user", path.display())]
    OtherOwner { path: PathBuf },
    /// Another process kept the lock for longer than this one may wait.
    #[error("cannot lock the trace buffer {} within {waited:?}", path.display())]
    Busy { path: PathBuf, waited: Duration },
    /// The record alone is larger than the whole buffer may be.
    #[error("cannot buffer a trace of {size} bytes: the buffer is limited to {limit}")]
    TooLarge { size: u64, limit: u64 },
    /// Reading or writing the open file failed.
    #[error("cannot {action} the trace buffer {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}
