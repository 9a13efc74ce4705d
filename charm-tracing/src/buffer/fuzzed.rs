//! What holds of any file that is found where the buffer should be, or where the Python library's is.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::disk::Disk;
use super::fs::FileSystem as _;
use super::header::{Closing, FIRST_RECORD, Hint};
use super::python::requests;
use super::record::{Kind, MARKER, Priority, Progress, RECORD_HEADER, RecordHeader, read_u32};
use super::{Buffer, BufferConfig, NewRecord, import_python};

const PATH: &str = "/buffer";
const PYTHONS: &str = "/.charm_tracing_buffer.raw";
const MAX_DISPATCHES: u32 = 8;
const OURS: NewRecord<'_> = NewRecord {
    trace_id: [0xAB; 16],
    priority: Priority::Interesting,
    payload: b"the trace of this dispatch",
};

/// Any file is survived without an error: what is in it can be drained, and a trace that is appended to it, before that or
/// afterwards, leaves too.
///
/// The first byte of an input says whether the rest is the file as it is, or is to be [`sealed`], which no search would find:
/// with a header of which the checksum is wrong, or, for what a power cut could leave at the worst, with one that is believed
/// whatever it says about the records. Then the limits may cost any of them.
///
/// # Panics
///
/// If that does not hold.
pub fn buffer_file(input: &[u8]) {
    let Some((how, rest)) = input.split_first() else { return };
    let (as_it_is, lies) = (how & 1 == 0, how & 3 == 3);
    let file = if as_it_is { rest.to_vec() } else { sealed(rest, lies) };
    for drained_before in [true, false] {
        let disk = Disk::new(0);
        disk.put(Path::new(PATH), &file);
        let buffer = buffer_on(&disk);
        let most = file.len() / RECORD_HEADER + 2;
        if drained_before {
            drain(&buffer, most);
            assert_eq!(buffer.waiting().expect("a count"), 0);
        }
        buffer.legacy().expect("a legacy");
        buffer.forsaken_flights().expect("flights");
        buffer.claim_drain(now(), Duration::from_secs(1)).expect("an answer");
        let appended = buffer.append(&OURS, now()).expect("a place for the trace");
        assert!(appended.kept_as.is_some() || lies, "{appended:?}");
        assert!(buffer.waiting().expect("a count") <= MAX_DISPATCHES);
        let next = buffer_on(&disk);
        let left = drain(&next, most + 1);
        assert!(left.last().is_some_and(|last| last == OURS.payload) || lies, "not the last");
        assert_eq!(next.waiting().expect("a count"), 0);
    }
}

/// Any file where the Python library has its buffer is taken over whole: each request that is found is stored as it is, and
/// the file is gone.
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
    disk.put(Path::new(PYTHONS), input);
    let config = BufferConfig { max_dispatches: u32::MAX, max_bytes: u64::MAX, ..config() };
    let buffer = Buffer::with_file_system(config, Box::new(disk.clone()));
    let imported = import_python(&buffer, Path::new("/"), now());
    assert_eq!(imported as usize, expected.len());
    assert!(disk.open_existing(Path::new(PYTHONS)).expect("a disk").is_none());
    let mut stored = drain(&buffer, expected.len() + 1);
    stored.sort();
    expected.sort();
    assert_eq!(stored, expected);
}

/// A file of our format, the checksums of which hold: numbers of the header, then the records. Wherever there is a marker, what
/// follows becomes the header of a record.
fn sealed(input: &[u8], believed: bool) -> Vec<u8> {
    const NUMBERS: usize = 10;

    let mut numbers = [0; NUMBERS * 4];
    let (given, rest) = input.split_at(input.len().min(numbers.len()));
    numbers[..given.len()].copy_from_slice(given);
    let number = |at: usize| read_u32(&numbers, at * 4);
    let mut hint = Hint {
        head: FIRST_RECORD + u64::from(number(0)),
        boring_head: FIRST_RECORD + u64::from(number(1)),
        tail: FIRST_RECORD + rest.len() as u64,
        live_bytes: number(2).into(),
        next_sequence: number(3).into(),
        pending: number(4).into(),
        live_records: number(5),
        live_boring: number(6),
        closing: Closing { id: number(7).into(), slot: number(8) },
        slots: number(9),
        ..Hint::empty()
    };
    let mut file = hint.encode().to_vec();
    file.extend_from_slice(rest);
    let first = hint.encode().len();
    let mut at = first;
    while let Some(end) = at.checked_add(RECORD_HEADER).filter(|end| *end <= file.len()) {
        if file[at..].starts_with(&MARKER) {
            let header = record_at(&file[at..], end - at);
            file[at..end].copy_from_slice(&header.encode());
            hint.last = at as u64;
            at = end;
        } else {
            at += 1;
        }
    }
    file[..first].copy_from_slice(&hint.encode());
    file[first - 1] ^= u8::from(!believed);
    file
}

fn record_at(bytes: &[u8], header: usize) -> RecordHeader {
    // The header names the end of the file as its tail, so no record goes beyond it.
    let payload = &bytes[header..];
    let payload = payload.get(..read_u32(bytes, 8) as usize).unwrap_or(payload);
    RecordHeader {
        live: bytes[4] != 0,
        kind: Kind::Trace,
        priority: if bytes[6] == 0 { Priority::Boring } else { Priority::Interesting },
        payload_len: u32::try_from(payload.len()).expect("a small input"),
        // A damaged payload is what the first byte of the trace's id is for.
        payload_crc: crc32fast::hash(payload) ^ u32::from(bytes[32] == 0xff),
        sequence: read_u32(bytes, 16).into(),
        written_at: 1_700_000_000_000 + u64::from(read_u32(bytes, 24)),
        trace_id: [bytes[32]; 16],
        progress: Progress::default(),
        flown: bytes[7] & 1 == 1,
    }
}

/// Takes everything out, at most so many.
fn drain(buffer: &Buffer, most: usize) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    while let Some(record) = buffer.oldest().expect("a record, or none") {
        // False if more than the limits allow was found by reading it.
        buffer.acknowledge(&record).expect("an answer");
        payloads.push(record.payload);
        assert!(payloads.len() <= most, "no end");
    }
    payloads
}

fn buffer_on(disk: &Disk) -> Buffer {
    Buffer::with_file_system(config(), Box::new(disk.clone()))
}

fn config() -> BufferConfig {
    BufferConfig {
        path: PATH.into(),
        max_dispatches: MAX_DISPATCHES,
        max_bytes: 1 << 20,
        max_age: Duration::from_hours(24 * 365),
        lock_wait: Duration::from_secs(1),
    }
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}
