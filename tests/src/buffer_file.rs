//! A look into a charm's buffer file from outside, for tests that are about what waits in it.

use std::fs;
use std::ops::Range;
use std::path::Path;

const MAGIC: &[u8] = b"charm-tracing\r\n\x1a";
const LIVE_RECORDS: Range<usize> = 72..76;

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
