//! The directory in which a charm's traces wait, as another process finds it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use flate2::Crc;

use crate::Trace;

/// A trace that waits for a backend: one file of the directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WaitingTrace {
    /// The file, which orders the traces as they are sent.
    pub path: PathBuf,
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// Only the handler ran in its dispatch.
    pub is_idle: bool,
    /// How large the file is.
    pub bytes: u64,
    /// The checksum in the name is that of the bytes.
    pub is_intact: bool,
}

impl WaitingTrace {
    /// Reads the spans in the file.
    ///
    /// # Errors
    /// If the file is gone, or is damaged.
    pub fn trace(&self) -> Result<Trace, String> {
        let bytes = fs::read(&self.path).map_err(|error| error.to_string())?;
        Trace::from_otlp(&bytes).map_err(|error| error.to_string())
    }
}

/// The traces that wait in a directory, oldest first; none if it is missing.
///
/// # Panics
/// If the directory or a trace in it cannot be read.
#[must_use]
pub fn traces(directory: &Path) -> Vec<WaitingTrace> {
    let mut traces: Vec<_> = files(directory).iter().filter_map(|path| parse(path)).collect();
    traces.sort();
    traces
}

/// How many traces wait in a directory, intact or not; 0 if it is missing.
#[must_use]
pub fn waiting(directory: &Path) -> usize {
    traces(directory).len()
}

/// The journals in a directory: of dispatches that run, and of those that were killed.
///
/// # Panics
/// If the directory cannot be read.
#[must_use]
pub fn journals(directory: &Path) -> Vec<PathBuf> {
    let is_journal = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "journal");
    files(directory).into_iter().filter(is_journal).collect()
}

/// Parses `<16 digits>-<trace id>-<crc32>.otlp`, or `.idle`.
fn parse(path: &Path) -> Option<WaitingTrace> {
    let is_idle = match path.extension()?.to_str()? {
        "otlp" => false,
        "idle" => true,
        _ => return None,
    };
    let mut parts = path.file_stem()?.to_str()?.split('-');
    let (stamp, trace_id, crc32) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || (stamp.len(), trace_id.len(), crc32.len()) != (16, 32, 8) {
        return None;
    }
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        // It was sent just now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => panic!("cannot read {}: {error}", path.display()),
    };
    let mut crc = Crc::new();
    crc.update(&bytes);
    Some(WaitingTrace {
        path: path.to_owned(),
        trace_id: trace_id.to_owned(),
        is_idle,
        bytes: bytes.len() as u64,
        is_intact: u32::from_str_radix(crc32, 16) == Ok(crc.sum()),
    })
}

fn files(directory: &Path) -> Vec<PathBuf> {
    match fs::read_dir(directory) {
        Ok(entries) => {
            let entries = entries.flatten();
            entries
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
                .map(|entry| entry.path())
                .collect()
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Vec::new()
        }
        Err(error) => panic!("cannot read {}: {error}", directory.display()),
    }
}
