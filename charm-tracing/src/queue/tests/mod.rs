//! The promises of the queue, one file for each kind.

mod damage;
mod history;
mod journal;
mod limits;
mod place;
mod python;
mod real;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::disk::Disk;
use super::file_system::Kind;
use super::name::TraceName;
use super::place::Missing;
use super::waiting::{Dropped, NewTrace, Queue, QueueConfig, Stored};
use super::{Backoff, Losses, QueueError, State};

const PATH: &str = "/charm/queue";

fn config(path: impl Into<PathBuf>, max_dispatches: u32, max_bytes: u64) -> QueueConfig {
    QueueConfig { path: path.into(), max_dispatches, max_bytes }
}

/// Opens the queue of a process with these limits.
fn limited(disk: &Disk, max_dispatches: u32, max_bytes: u64) -> Queue {
    Queue::with_file_system(config(PATH, max_dispatches, max_bytes), Arc::new(disk.clone()))
}

/// Opens the queue of a process without limits.
fn unlimited(disk: &Disk) -> Queue {
    limited(disk, u32::MAX, u64::MAX)
}

/// Makes a disk with an empty queue.
fn disk_with_queue() -> Disk {
    let disk = Disk::new(7);
    disk.put(PATH, Kind::Directory, b"");
    disk
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// Stores a text as a trace whose id is made of its first byte.
fn store_at(queue: &Queue, text: &str, idle: bool, now: SystemTime) -> Result<Stored, QueueError> {
    let trace_id = [text.as_bytes()[0]; 16];
    queue.store(&NewTrace { trace_id, idle, request: text.as_bytes() }, now, false)
}

fn store(queue: &Queue, text: &str) -> TraceName {
    store_at(queue, text, false, now()).unwrap().name
}

/// Reads the texts that wait, oldest first.
#[track_caller]
fn texts(queue: &Queue) -> Vec<String> {
    let (waiting, mut damaged) = (queue.waiting().unwrap(), 0);
    let read = waiting.iter().filter_map(|name| queue.read(*name, &mut damaged).unwrap());
    let texts = read.map(|request| String::from_utf8(request).unwrap()).collect();
    assert_eq!(damaged, 0);
    texts
}

/// Lists the names in the queue's directory.
fn names(disk: &Disk) -> Vec<String> {
    let below = |path: &String| path.strip_prefix(PATH)?.strip_prefix('/').map(str::to_owned);
    disk.paths().iter().filter_map(below).collect()
}

/// Counts the files and directories of the disk that are half made.
fn half_made(disk: &Disk) -> usize {
    disk.paths().iter().filter(|path| Path::new(path).extension().is_some_and(|it| it == "part")).count()
}
