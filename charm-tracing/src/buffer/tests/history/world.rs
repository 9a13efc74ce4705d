use std::path::Path;
use std::time::{Duration, SystemTime};

use super::super::super::disk::Disk;
use super::super::super::header::FIRST_RECORD;
use super::super::super::record::{MARKER, Record};
use super::super::super::store::{Appended, DrainLease};
use super::super::super::{Backoff, Buffer, BufferConfig, BufferError, NewRecord, Priority, Progress};
use super::super::now;
use super::model::{LEASE, Model, Report};
use super::operation::{Operation, Trace, eighths};
use super::{MAX_AGE, MAX_BYTES, MAX_DISPATCHES};

/// The buffer's file on the disk.
pub(in super::super) const PATH: &str = "/charm/buffer";

/// Two processes and their disk.
#[derive(Debug)]
pub(in super::super) struct World {
    pub(in super::super) disk: Disk,
    pub(in super::super) model: Model,
    processes: [Process; 2],
    current: usize,
}

#[derive(Debug)]
struct Process {
    buffer: Buffer,
    held: Option<Record>,
    lease: Option<DrainLease>,
}

impl Process {
    fn on(disk: &Disk) -> Self {
        Self { buffer: open(disk), held: None, lease: None }
    }
}

impl World {
    pub(in super::super) fn new(seed: u64) -> Self {
        Self::on(Disk::new(seed), Model::new())
    }

    /// Two new processes on a disk where this should be in the buffer.
    pub(in super::super) fn on(disk: Disk, model: Model) -> Self {
        let processes = [Process::on(&disk), Process::on(&disk)];
        Self { disk, model, processes, current: 0 }
    }

    /// Does what the model does, and checks that it comes to the same.
    #[track_caller]
    pub(in super::super) fn run(&mut self, operation: Operation) -> Report {
        let report = self.act(operation);
        let before = numbers(self.model.waiting());
        let expected = self.model.apply(operation);
        assert_eq!(report, expected, "{operation:?} with {before:?}");
        self.assert_file_is_not_too_large();
        report
    }

    /// Does it. The model tells only the time.
    #[track_caller]
    pub(in super::super) fn act(&mut self, operation: Operation) -> Report {
        let now = self.model.now();
        let process = &mut self.processes[self.current];
        let buffer = &process.buffer;
        match operation {
            Operation::Append(trace) => append(buffer, &trace, Buffer::append, now),
            Operation::AppendToSend(trace) => append(buffer, &trace, Buffer::append_to_send, now),
            Operation::Trim => reported(buffer.trim().map(|dropped| Report::Trimmed(dropped.len()))),
            Operation::Oldest => {
                process.held = None;
                reported(buffer.oldest().map(|oldest| {
                    let found = oldest.as_ref().map(|record| (number_of(record), record.progress));
                    process.held = oldest;
                    Report::Oldest(found)
                }))
            }
            Operation::Progress(done) => match &process.held {
                None => Report::Done,
                Some(record) => reported(buffer.set_progress(record, eighths(done)).map(Report::Progressed)),
            },
            Operation::Acknowledge => match process.held.take() {
                None => Report::Done,
                Some(record) => reported(buffer.acknowledge(&record).map(Report::Acknowledged)),
            },
            Operation::Claim => reported(buffer.claim_drain(now, LEASE).map(|lease| {
                let claimed = lease.is_some();
                process.lease = lease.or(process.lease.take());
                Report::Claimed(claimed)
            })),
            Operation::Release => match process.lease.take() {
                None => Report::Done,
                Some(lease) => reported(buffer.release_drain(lease).map(|()| Report::Done)),
            },
            Operation::SetBackoff(failures) => {
                let backoff = Backoff { failures, ..Backoff::default() };
                reported(buffer.set_backoff(backoff).and_then(|()| buffer.backoff()).map(|remembered| {
                    assert_eq!(remembered, backoff);
                    Report::Done
                }))
            }
            Operation::Replace => {
                *process = Process::on(&self.disk);
                Report::Done
            }
            Operation::Switch => {
                self.current = 1 - self.current;
                Report::Done
            }
        }
    }

    #[track_caller]
    fn assert_file_is_not_too_large(&self) {
        let file = self.disk.len(Path::new(PATH));
        // Live ones, one that is to be sent, as many dead ones or 64 KiB, and the one with which they become too many.
        let most = FIRST_RECORD + 2 * MAX_BYTES + MAX_BYTES.max(64 * 1024) + 2 * MAX_BYTES;
        assert!(file <= most, "{file} bytes");
    }
}

/// How the traces are told apart.
pub(in super::super) fn numbers(traces: &[Trace]) -> Vec<u64> {
    traces.iter().map(|trace| trace.number).collect()
}

/// What waits on this disk, all of which this takes out.
#[track_caller]
pub(in super::super) fn waiting_on(disk: &Disk) -> Vec<u64> {
    let (waiting, acknowledged) = drain(&open(disk));
    assert_eq!(waiting, acknowledged);
    waiting
}

/// The same after a power cut: that there are more than the limits allow may be noticed only while they are taken out.
#[track_caller]
pub(in super::super) fn waiting_after_power_cut_on(disk: &Disk) -> Vec<u64> {
    drain(&open(disk)).0
}

/// The same with a buffer that is never full.
#[track_caller]
pub(in super::super) fn waiting_without_limits_on(disk: &Disk) -> Vec<u64> {
    drain(&open_with(disk, u32::MAX, u64::MAX)).0
}

/// What was read, and what of it was acknowledged.
#[track_caller]
fn drain(buffer: &Buffer) -> (Vec<u64>, Vec<u64>) {
    let (mut waiting, mut acknowledged) = (Vec::new(), Vec::new());
    while let Some(record) = buffer.oldest().unwrap() {
        let number = number_of(&record);
        waiting.push(number);
        if buffer.acknowledge(&record).unwrap() {
            acknowledged.push(number);
        }
    }
    assert_eq!(buffer.waiting().unwrap(), 0);
    (waiting, acknowledged)
}

/// The number of the trace of [`dispatch_on`].
pub(in super::super) const NEXT: u64 = u64::MAX;

/// What the next dispatch takes out of the buffer on this disk after it has stored its own trace, which must not fail.
#[track_caller]
pub(in super::super) fn dispatch_on(disk: &Disk) -> Vec<u64> {
    let trace =
        Trace { number: NEXT, priority: Priority::Interesting, len: 70, progress: Progress::default() };
    let payload = payload(&trace);
    let buffer = open(disk);
    let appended = buffer.append(&new_record(&trace, &payload), now()).unwrap();
    assert!(appended.kept_as.is_some(), "{appended:?}");
    drain(&buffer).0
}

fn open(disk: &Disk) -> Buffer {
    open_with(disk, MAX_DISPATCHES, MAX_BYTES)
}

fn open_with(disk: &Disk, max_dispatches: u32, max_bytes: u64) -> Buffer {
    let lock_wait = Duration::from_secs(20);
    let config = BufferConfig { path: PATH.into(), max_dispatches, max_bytes, max_age: MAX_AGE, lock_wait };
    Buffer::with_file_system(config, Box::new(disk.clone()))
}

type Append = fn(&Buffer, &NewRecord<'_>, SystemTime) -> Result<Appended, BufferError>;

fn append(buffer: &Buffer, trace: &Trace, append: Append, now: SystemTime) -> Report {
    let payload = payload(trace);
    match append(buffer, &new_record(trace, &payload), now) {
        Ok(appended) => Report::Appended { evicted: appended.evicted, kept: appended.kept_as.is_some() },
        Err(BufferError::TooLarge { .. }) => Report::TooLarge,
        Err(_) => Report::Failed,
    }
}

fn reported(result: Result<Report, BufferError>) -> Report {
    result.unwrap_or(Report::Failed)
}

fn new_record<'a>(trace: &Trace, payload: &'a [u8]) -> NewRecord<'a> {
    NewRecord { trace_id: trace_id(trace.number, payload.len()), priority: trace.priority, payload }
}

/// The number of the trace, and how long it is.
fn trace_id(number: u64, len: usize) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    id[8..].copy_from_slice(&(len as u64).to_be_bytes());
    id
}

/// The bytes of a trace. Of some they look like the start of a record, again and again.
fn payload(trace: &Trace) -> Vec<u8> {
    filled(trace.number, trace.len)
}

fn filled(number: u64, len: usize) -> Vec<u8> {
    let number = number.to_be_bytes();
    let pattern = if number[7].is_multiple_of(3) { [&MARKER[..], &number].concat() } else { number.to_vec() };
    let mut payload = pattern.repeat(len / pattern.len() + 1);
    payload.truncate(len);
    payload
}

/// Which trace this is, after a check that it is that one whole.
#[track_caller]
fn number_of(record: &Record) -> u64 {
    let number = u64::from_be_bytes(record.trace_id[..8].try_into().unwrap());
    assert_eq!(record.trace_id, trace_id(number, record.payload.len()), "another length");
    assert!(record.payload == filled(number, record.payload.len()), "the bytes of trace {number} changed");
    number
}
