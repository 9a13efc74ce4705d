//! Checks that the queue handles any bytes in its files and in the Python library's buffer, for the fuzzer.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::disk::Disk;
use super::file_system::Kind;
use super::name::journal_name;
use super::python::{FILE, requests};
use super::waiting::{NewTrace, Queue};

const PATH: &str = "/charm/queue";
const UNIT: &str = "app/0";

/// Checks that any files in the queue are harmless: another trace is stored and read beside them.
///
/// The input is the bytes of the file `state`, of a waiting trace and of a journal.
///
/// # Panics
///
/// If that does not hold.
pub fn queue_directory(input: &[u8]) {
    let disk = Disk::new(0);
    disk.put(PATH, Kind::Directory, b"");
    let damaged = format!("0000000000000007-{:032x}-{:08x}.otlp", 7, 0xdead_beef_u32);
    for name in ["state", &damaged, &journal_name(UNIT, 0)] {
        disk.put_file(Path::new(PATH).join(name), input);
    }
    let mut queue = queue(&disk);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let state = queue.state().expect("a state");
    queue.set_state(&state).expect("a place for the state");
    assert_eq!(queue.state().expect("a state"), state);
    let lock = queue.lock_unit(Path::new("/charm")).expect("a lock");
    let recovered = queue.recover(&lock, UNIT, now).expect("a number");
    let own = NewTrace { trace_id: [1; 16], idle: false, request: &b"the trace of this dispatch"[..] };
    let own = queue.store(&own, now, None).expect("a place for the trace");
    let mut damaged = 0;
    let mut read = Vec::new();
    for name in queue.waiting().expect("a list") {
        read.extend(queue.read(name, &mut damaged).expect("a trace or none").map(|_| name));
    }
    assert_eq!(read.last(), Some(&own));
    assert_eq!(read.len() + usize::try_from(damaged).expect("a few"), 2 + recovered.traces as usize);
}

/// Checks that any file in the place of the Python library's buffer is imported: each request in it is stored once,
/// unchanged, and the file is removed if there was a request.
///
/// # Panics
///
/// If that does not hold.
pub fn python_buffer(input: &[u8]) {
    let mut expected: Vec<Vec<u8>> = requests(input).map(|request| request.bytes.to_vec()).collect();
    for request in &expected {
        assert_eq!(requests(request).count(), 1, "what was found is a request of its own");
    }
    let disk = Disk::new(0);
    disk.put(PATH, Kind::Directory, b"");
    let file = Path::new("/charm").join(FILE);
    disk.put_file(&file, input);
    let queue = queue(&disk);
    queue.import_python(Path::new("/charm")).expect("a place for all of them");
    assert_eq!(disk.get(&file).is_none(), !expected.is_empty());
    let names = queue.waiting().expect("a list").into_iter();
    let mut stored: Vec<_> =
        names.map(|name| queue.read(name, &mut 0).expect("a file").expect("a whole one")).collect();
    stored.sort();
    expected.sort();
    expected.dedup();
    assert_eq!(stored, expected);
}

fn queue(disk: &Disk) -> Queue {
    Queue::on(Arc::new(disk.clone()), PATH.into(), u32::MAX, u64::MAX)
}
