//! A look into a charm's buffer file from outside, for tests that are about what waits in it.

use std::fs;
use std::ops::Range;
use std::path::Path;

const MAGIC: &[u8] = b"charm-tracing\r\n\x1a";
const LIVE_RECORDS: Range<usize> = 72..76;

/// How many dispatches have left something beside the buffer, for the next one to put into it: those that were killed, or
/// could not write to the buffer. Of those that run, too.
#[must_use]
pub fn flights(file: &Path) -> usize {
    let (Some(directory), Some(name)) = (file.parent(), file.file_name()) else { return 0 };
    let prefix = format!("{}.flight", name.display());
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let flights =
        entries.flatten().filter(|entry| entry.file_name().display().to_string().starts_with(&prefix));
    flights.filter(|entry| entry.metadata().is_ok_and(|metadata| metadata.len() > 0)).count()
}

/// How many traces wait in a buffer file, as its header says; 0 if there is none, or it was never written to. None if it is
/// something else.
#[must_use]
pub fn waiting(file: &Path) -> Option<u32> {
    let Ok(metadata) = fs::symlink_metadata(file) else { return Some(0) };
    if !metadata.is_file() {
        return None;
    }
    let bytes = fs::read(file).ok()?;
    if bytes.is_empty() {
        return Some(0);
    }
    let count = bytes.get(LIVE_RECORDS)?.try_into().ok()?;
    bytes.starts_with(MAGIC).then(|| u32::from_le_bytes(count))
}
