//! The promises of the buffer, one file for each kind.

mod cost;
mod crash;
mod damage;
mod files;
mod flight;
mod history;
mod limits;
mod linkless;
mod power_cut;
mod python;
mod refusal;
mod sharing;

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::record::{Progress, Record};
use super::{Buffer, BufferConfig, Losses, NewRecord, Priority};

/// A buffer in a directory that goes away with it.
struct Fixture {
    directory: tempfile::TempDir,
    buffer: Buffer,
}

impl Fixture {
    fn new(max_dispatches: u32, max_bytes: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let buffer = open(directory.path(), max_dispatches, max_bytes);
        Self { directory, buffer }
    }

    fn roomy() -> Self {
        Self::new(1000, 10 << 20)
    }

    fn path(&self) -> &Path {
        self.buffer.path()
    }

    /// The same file, as the next dispatch sees it.
    fn reopened(&self) -> Buffer {
        open(self.directory.path(), 1000, 10 << 20)
    }

    /// Names of the files in the directory.
    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn open(directory: &Path, max_dispatches: u32, max_bytes: u64) -> Buffer {
    Buffer::new(config(directory, max_dispatches, max_bytes))
}

fn config(directory: &Path, max_dispatches: u32, max_bytes: u64) -> BufferConfig {
    let path = directory.join("buffer");
    BufferConfig {
        path,
        max_dispatches,
        max_bytes,
        max_age: Duration::MAX,
        lock_wait: Duration::from_secs(20),
    }
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn trace(priority: Priority, payload: &[u8]) -> NewRecord<'_> {
    NewRecord { trace_id: [9; 16], priority, payload }
}

fn append(buffer: &Buffer, text: &str) {
    append_as(buffer, Priority::Interesting, text);
}

fn append_as(buffer: &Buffer, priority: Priority, text: &str) {
    buffer.append(&trace(priority, text.as_bytes()), now()).unwrap();
}

fn text(record: &Record) -> String {
    String::from_utf8_lossy(&record.payload).into_owned()
}

/// Takes everything out, oldest first.
fn drain(buffer: &Buffer) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(record) = buffer.oldest().unwrap() {
        assert!(buffer.acknowledge(&record).unwrap());
        texts.push(text(&record));
    }
    assert_eq!(buffer.waiting().unwrap(), 0);
    texts
}
