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
use super::waiting::{Dropped, NewTrace, Queue};
use super::{Backoff, Losses, QueueError, State};

const PATH: &str = "/charm/queue";

/// Opens the queue of a process with these limits.
fn limited(disk: &Disk, max_dispatches: u32, max_bytes: u64) -> Queue {
    Queue::on(Arc::new(disk.clone()), PATH.into(), max_dispatches, max_bytes)
}

/// Opens the queue of a process without limits.
pub(crate) fn unlimited(disk: &Disk) -> Queue {
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

/// The result of a dispatch that stores a trace.
#[derive(Debug)]
struct Stored {
    name: TraceName,
    dropped: Dropped,
    /// The traces that wait now; `None` if the limits were not applied, or that failed.
    waiting: Option<Vec<TraceName>>,
}

/// Stores a trace, and applies the limits unless it is about to be sent.
fn store_new(
    queue: &Queue,
    new: &NewTrace<'_>,
    now: SystemTime,
    to_send: bool,
) -> Result<Stored, QueueError> {
    let mut dropped = Dropped::default();
    let name = queue.store(new, now, (!to_send).then_some(&mut dropped))?;
    let waiting = (!to_send).then(|| queue.trim(&mut dropped).ok()).flatten();
    Ok(Stored { name, dropped, waiting })
}

/// Stores a text as a trace whose id is made of its first byte, and applies the limits.
fn store_at(queue: &Queue, text: &str, idle: bool, now: SystemTime) -> Result<Stored, QueueError> {
    let trace_id = [text.as_bytes()[0]; 16];
    store_new(queue, &NewTrace { trace_id, idle, request: text.as_bytes() }, now, false)
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
