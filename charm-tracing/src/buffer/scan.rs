//! Finds the intact records in a stretch of the file, whatever else is in there.

use std::io;

use super::fs::BufferFile;
use super::record::{MARKER, RECORD_HEADER, RecordHeader};

const CHUNK: usize = 64 * 1024;

/// A record and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) offset: u64,
    pub(super) header: RecordHeader,
}

impl Found {
    pub(super) fn end(&self) -> u64 {
        self.offset + self.header.size()
    }
}

/// Steps from intact record to intact record, dead or live, and adds up what lay between them.
///
/// Behind a damaged payload the scan goes on where the record ends, because its header still says where: data that looks
/// like a record must not become one. Behind a damaged header nothing it says is believed, not even a length that leads to
/// another record (one flipped bit can make it skip intact ones): the next marker is looked for. Every byte is read at
/// most a few times, whatever it contains.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    file: &'a dyn BufferFile,
    at: u64,
    end: u64,
    /// End of the last intact record, or where the scan began.
    pub(super) intact_end: u64,
    /// Whether damage was met that has an intact record behind it.
    pub(super) holes: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(file: &'a dyn BufferFile, from: u64, end: u64) -> Self {
        Self { file, at: from, end, intact_end: from, holes: false }
    }

    /// The next intact record, or none when there is no more.
    pub(super) fn next(&mut self) -> io::Result<Option<Found>> {
        while self.at < self.end {
            let Some(header) = header_at(self.file, self.at, self.end)? else {
                self.seek_marker()?;
                continue;
            };
            let found = Found { offset: self.at, header };
            self.at = found.end();
            if self.payload_is_intact(&found)? {
                self.holes |= self.intact_end != found.offset;
                self.intact_end = found.end();
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn payload_is_intact(&self, found: &Found) -> io::Result<bool> {
        if !found.header.live {
            return Ok(true);
        }
        let mut hasher = crc32fast::Hasher::new();
        let mut at = found.offset + RECORD_HEADER as u64;
        let mut chunk = vec![0; CHUNK.min(found.header.payload_len as usize)];
        while at < found.end() {
            let want = chunk.len().min(usize::try_from(found.end() - at).unwrap_or(usize::MAX));
            let read = self.file.read_at(&mut chunk[..want], at)?;
            if read < want {
                return Ok(false);
            }
            hasher.update(&chunk[..want]);
            at += want as u64;
        }
        Ok(hasher.finalize() == found.header.payload_crc)
    }

    /// Moves to the next marker behind the current place, or to the end.
    fn seek_marker(&mut self) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        self.at += 1;
        while self.at < self.end {
            let read = self.file.read_at(&mut chunk, self.at)?;
            if let Some(found) = chunk[..read].windows(MARKER.len()).position(|bytes| bytes == MARKER) {
                self.at += found as u64;
                return Ok(());
            }
            if read < chunk.len() {
                break;
            }
            // A marker may lie across the end of the chunk.
            self.at += (read - (MARKER.len() - 1)) as u64;
        }
        self.at = self.end;
        Ok(())
    }
}

/// The header at this place, if it is intact and its whole record lies before `end`.
pub(super) fn header_at(file: &dyn BufferFile, offset: u64, end: u64) -> io::Result<Option<RecordHeader>> {
    let mut bytes = [0; RECORD_HEADER];
    if offset.saturating_add(RECORD_HEADER as u64) > end || file.read_at(&mut bytes, offset)? < bytes.len() {
        return Ok(None);
    }
    Ok(RecordHeader::decode(&bytes).filter(|header| offset + header.size() <= end))
}
