//! What a dispatch leaves if it is killed: a file beside the buffer, into which its spans are written while it runs.
//!
//! ```text
//!  0  magic      12   "ct-flight\r\n\x1a"
//! 12  version     4   1
//! 16  id          8   the last bytes of the trace's id, never 0
//! 24  crc32       4   over bytes 0..24
//! 28  chunk           length (4), crc32 of what follows (4), as many bytes
//! ..  chunk
//! ```
//!
//! Integers are little endian. What the chunks say is not this module's business.
//!
//! Dispatches that run at the same time have a file each: `<file>.flight` and, where that is taken, `<file>.flight1` and so
//! on; the buffer's header says up to which number there may be any. A dispatch holds the lock of its file while it lives,
//! so **what can be locked and is not empty belongs to a dispatch that was killed**. It ends with one record in the queue,
//! whoever puts it there:
//!
//! | after | the queue has | the next process finds | and |
//! |---|---|---|---|
//! | a chunk, or a part of one | nothing | a flight | makes a record of its whole chunks |
//! | the record, but not the header that counts it | a record behind the tail | both | counts the record in, and empties the flight with its id |
//! | the header that counts it, and names the flight as `closing` | the record, or none if it was delivered | both | empties the flight |
//! | that, too | the record | an empty flight | uses the file for its own |

use std::io;
use std::path::{Path, PathBuf};

use super::fs::BufferFile;
use super::record::{read_u32, read_u64};
use super::rewrite::with_suffix;

const MAGIC: [u8; 12] = *b"ct-flight\r\n\x1a";
const VERSION: u32 = 1;
const HEAD: usize = 28;
/// What stands before the bytes of a chunk.
const PREFIX: usize = 8;
/// More is not read of a flight: a dispatch that writes its spans twice, when they begin and when they end, has less.
const READ_AT_MOST: u64 = 64 * 1024 * 1024;

/// The file of a flight, locked.
#[derive(Debug)]
pub(crate) struct FlightFile {
    pub(super) file: Box<dyn BufferFile>,
    pub(super) slot: u32,
    pub(super) id: u64,
    tail: u64,
}

/// Bytes on their way into a flight.
#[derive(Debug)]
pub(crate) struct Chunk(Vec<u8>);

impl Default for Chunk {
    fn default() -> Self {
        Self(vec![0; PREFIX])
    }
}

impl Chunk {
    pub(crate) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len() - PREFIX
    }

    pub(crate) fn clear(&mut self) {
        self.0.truncate(PREFIX);
    }

    /// With what stands before it. None if it is longer than that can say.
    fn framed(&mut self) -> Option<&[u8]> {
        let (prefix, bytes) = self.0.split_at_mut(PREFIX);
        prefix[..4].copy_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
        prefix[4..].copy_from_slice(&crc32fast::hash(bytes).to_le_bytes());
        Some(&self.0)
    }
}

impl FlightFile {
    /// A file that is locked, of a flight that ended here or was killed.
    pub(super) fn found(file: Box<dyn BufferFile>, slot: u32) -> io::Result<Self> {
        let tail = file.facts()?.len;
        let id = if tail > 0 { id_in(&*file)?.unwrap_or(0) } else { 0 };
        Ok(Self { file, slot, id, tail })
    }

    /// Whether somebody was killed who has written here.
    pub(crate) fn is_empty(&self) -> bool {
        self.tail == 0
    }

    /// Begins another one in the same file.
    pub(crate) fn begin(&mut self, trace_id: &[u8; 16]) -> io::Result<()> {
        debug_assert!(self.is_empty(), "what was there is in the queue by now");
        let id = id(trace_id);
        let mut head = [0; HEAD];
        head[..12].copy_from_slice(&MAGIC);
        head[12..16].copy_from_slice(&VERSION.to_le_bytes());
        head[16..24].copy_from_slice(&id.to_le_bytes());
        let crc = crc32fast::hash(&head[..24]);
        head[24..].copy_from_slice(&crc.to_le_bytes());
        self.file.write_all_at(&head, 0)?;
        (self.id, self.tail) = (id, HEAD as u64);
        Ok(())
    }

    /// Writes a chunk and empties it. Nothing waits for the disk: what the kernel has survives the process.
    ///
    /// # Errors
    ///
    /// The disk is full, for example. The chunk is not in the flight then, and is empty all the same.
    pub(crate) fn write(&mut self, chunk: &mut Chunk) -> io::Result<()> {
        let written = match chunk.framed() {
            Some(bytes) => self.file.write_all_at(bytes, self.tail).map(|()| self.tail += bytes.len() as u64),
            None => Err(io::ErrorKind::FileTooLarge.into()),
        };
        chunk.clear();
        written
    }

    /// The bytes of all whole chunks.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        let len = usize::try_from(self.tail.min(READ_AT_MOST)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; len];
        let read = self.file.read_at(&mut bytes, 0)?;
        bytes.truncate(read);
        if self.id == 0 {
            return Ok(Vec::new());
        }
        let (mut at, mut kept) = (HEAD, 0);
        while let Some(chunk) = chunk_at(&bytes, at) {
            bytes.copy_within(chunk.clone(), kept);
            kept += chunk.len();
            at = chunk.end;
        }
        bytes.truncate(kept);
        Ok(bytes)
    }

    /// Nothing that is in it is needed any more.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.tail = 0;
        Ok(())
    }
}

fn chunk_at(bytes: &[u8], at: usize) -> Option<std::ops::Range<usize>> {
    let start = at + PREFIX;
    let prefix = bytes.get(at..start)?;
    let end = start.checked_add(usize::try_from(read_u32(prefix, 0)).ok()?)?;
    (crc32fast::hash(bytes.get(start..end)?) == read_u32(prefix, 4)).then_some(start..end)
}

/// Of the flight of a trace. Dispatches that Juju gives the same trace share it, which matters only if one of them is killed
/// before or after another one was in the very moment in which it stored its record, or the header was damaged.
pub(super) fn id(trace_id: &[u8; 16]) -> u64 {
    read_u64(trace_id, 8).max(1)
}

/// Of the flight in this file, if it is one.
pub(super) fn id_in(file: &dyn BufferFile) -> io::Result<Option<u64>> {
    let mut head = [0; HEAD];
    let whole = file.read_at(&mut head, 0)? == HEAD;
    let ours = head[..12] == MAGIC
        && read_u32(&head, 12) == VERSION
        && read_u32(&head, 24) == crc32fast::hash(&head[..24]);
    Ok((whole && ours).then(|| read_u64(&head, 16)))
}

/// The file of the flight with this number.
pub(super) fn path_of(buffer: &Path, slot: u32) -> PathBuf {
    match slot {
        0 => with_suffix(buffer, "flight"),
        _ => with_suffix(buffer, &format!("flight{slot}")),
    }
}
