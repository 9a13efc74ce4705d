//! The locked file of one operation: its hint in memory, its records on the disk, and the order in which the two change.
//!
//! A record is added before the header that counts it. A record is removed by the header first, which names it as
//! `pending`, and by its own state second: whoever opens the file next finishes what was begun. So each write leaves a
//! file that means either what it meant before or what it shall mean, and no count is ever off by one.

use std::io;
use std::path::Path;

use super::flight;
use super::fs::{BufferFile, FileSystem};
use super::header::{Closing, FIRST_RECORD, FIRST_RECORD_1, HEADER, Hint, Identity, Lease, begins_like_ours};
use super::record::{
    DEAD, NewRecord, PROGRESS_OFFSET, Progress, RECORD_HEADER, Record, RecordHeader, STATE_OFFSET,
};
use super::scan::{Found, Scanner, header_at};

/// How many records and bytes a file may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) max_records: u32,
    pub(super) max_bytes: u64,
}

/// Dead bytes below which a file is not worth rewriting.
const REWRITE_FLOOR: u64 = 64 * 1024;
/// A lease that ends later than this was written by another clock.
const LONGEST_LEASE_MS: u64 = 60_000;

/// An open and locked buffer file.
#[derive(Debug)]
pub(super) struct Ledger<'a> {
    pub(super) fs: &'a dyn FileSystem,
    /// Replaced when the file is rewritten; the lock goes with it.
    pub(super) file: &'a mut Box<dyn BufferFile>,
    pub(super) path: &'a Path,
    pub(super) limits: Limits,
    pub(super) hint: Hint,
    /// Sequence numbers of the records that the limits cost in this operation.
    pub(super) evicted: Vec<u64>,
    /// The flights whose records a scan has found in this operation.
    pub(super) scanned: Vec<u64>,
    /// Whether a scan has told in this operation where the records are, all of them.
    scanned_all: bool,
}

/// What can go wrong between two records.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The file does not say what the hint promises. A scan helps.
    Damaged,
    /// The operating system refused. Nothing helps.
    Io(io::Error),
}

impl Trouble {
    /// What is left to say when the records do not fit although they were just counted.
    fn after_a_scan(self) -> io::Error {
        match self {
            Self::Io(error) => error,
            Self::Damaged => {
                io::Error::new(io::ErrorKind::InvalidData, "records changed although the file is locked")
            }
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<'a> Ledger<'a> {
    /// Reads the header of a file of this length, and puts right what does not fit.
    pub(super) fn load(
        fs: &'a dyn FileSystem,
        file: &'a mut Box<dyn BufferFile>,
        path: &'a Path,
        limits: Limits,
        len: u64,
    ) -> io::Result<Self> {
        let mut bytes = [0; HEADER];
        let read = file.read_at(&mut bytes, 0)?;
        let mut ledger = Self {
            fs,
            file,
            path,
            limits,
            hint: Hint::empty(),
            evicted: Vec::new(),
            scanned: Vec::new(),
            scanned_all: false,
        };
        if begins_like_ours(&bytes[..read]) {
            ledger.write_hint()?;
            return Ok(ledger);
        }
        match Identity::of(&bytes) {
            Identity::Ours(Some(hint)) if hint.tail <= len && ends_with_a_record(&**ledger.file, &hint)? => {
                ledger.hint = hint;
                ledger.finish_removal()?;
                ledger.finish_closing();
                if hint.tail < len {
                    ledger.take_in(hint.tail, len)?;
                }
            }
            Identity::Ours(hint) => {
                log::debug!("the header of the trace buffer {} does not fit its records", path.display());
                ledger.hint = hint.unwrap_or(Hint { slots: Hint::MOST_SLOTS, ..ledger.hint }).emptied();
                ledger.finish_closing();
                ledger.take_in(FIRST_RECORD, len)?;
            }
            Identity::Version1(hint) => {
                ledger.hint = hint.unwrap_or(ledger.hint);
                ledger.finish_removal()?;
                ledger.rewrite(FIRST_RECORD_1, len, None)?;
            }
            Identity::OtherVersion(version) => ledger.set_aside(&format!("v{version}"), len, len)?,
            Identity::Foreign => ledger.set_aside("damaged", 0, len)?,
        }
        // A process that died between adding a record and making room for it leaves one too many.
        if ledger.is_too_full() {
            ledger.recount()?;
            ledger.repairing(Self::make_room)?;
        }
        Ok(ledger)
    }

    /// Adds a record, then makes room. That the record alone fits is for the caller to have checked.
    ///
    /// `closing`: the flight that has the trace until the header says that the record has.
    pub(super) fn append(
        &mut self,
        new: &NewRecord<'_>,
        header: &RecordHeader,
        closing: Closing,
    ) -> io::Result<()> {
        let before = self.hint;
        let found = Found { offset: before.tail, header: *header };
        self.hint.closing = closing;
        self.count_in(&found);
        (self.hint.last, self.hint.tail) = (found.offset, found.end());
        let written = self
            .file
            .write_all_at(&header.encode(), found.offset)
            .and_then(|()| self.file.write_all_at(new.payload, found.offset + RECORD_HEADER as u64))
            .and_then(|()| self.write_hint());
        if let Err(error) = written {
            // Half a record must not be taken for a whole one later: the caller sends this trace another way.
            self.hint = before;
            let _ = self.file.set_len(before.tail);
            return Err(error);
        }
        // From here on the trace is stored, and says so. What fails now is made up for by the next operation.
        if let Err(error) = self.repairing(Self::make_room) {
            log::debug!("cannot make room in the trace buffer {}: {error}", self.path.display());
        }
        if self.dead_bytes() > self.hint.live_bytes.max(REWRITE_FLOOR)
            && let Err(error) = self.rewrite(self.hint.head, self.hint.tail, None)
        {
            log::debug!("cannot rewrite the trace buffer {}: {error}", self.path.display());
        }
        Ok(())
    }

    /// Drops what was written before this moment, in milliseconds since 1970.
    pub(super) fn expire(&mut self, before: u64) -> io::Result<()> {
        self.repairing(|ledger| {
            while ledger.hint.live_records > 0 {
                let oldest = ledger.first_live(ledger.hint.head, |_| true)?.ok_or(Trouble::Damaged)?;
                ledger.hint.head = oldest.offset;
                if oldest.header.written_at >= before {
                    break;
                }
                ledger.drop_for_good(&oldest)?;
            }
            Ok(())
        })
    }

    /// The oldest live record.
    pub(super) fn oldest(&mut self) -> io::Result<Option<Record>> {
        self.repairing(|ledger| {
            let Some(found) = ledger.first_live(ledger.hint.head, |_| true)? else { return Ok(None) };
            if found.offset != ledger.hint.head {
                ledger.hint.head = found.offset;
                ledger.write_hint()?;
            }
            let mut payload = vec![0; found.header.payload_len as usize];
            let read = ledger.file.read_at(&mut payload, found.offset + RECORD_HEADER as u64)?;
            if read < payload.len() || crc32fast::hash(&payload) != found.header.payload_crc {
                return Err(Trouble::Damaged);
            }
            Ok(Some(Record {
                sequence: found.header.sequence,
                trace_id: found.header.trace_id,
                payload,
                progress: found.header.progress,
                offset: found.offset,
            }))
        })
    }

    /// Removes a record for good; false if it is gone already.
    pub(super) fn remove(&mut self, record: &Record) -> io::Result<bool> {
        self.repairing(|ledger| {
            let Some(found) = ledger.find(record)? else { return Ok(false) };
            ledger.kill(&found)?;
            Ok(true)
        })
    }

    /// Notes how much of a record was taken; false if it is gone already.
    pub(super) fn set_progress(&mut self, record: &Record, progress: Progress) -> io::Result<bool> {
        self.repairing(|ledger| {
            let Some(found) = ledger.find(record)? else { return Ok(false) };
            ledger.file.write_all_at(&progress.encode(), found.offset + PROGRESS_OFFSET)?;
            Ok(true)
        })
    }

    /// Takes the drain lease unless a living process has it.
    pub(super) fn claim(&mut self, lease: Lease, now: u64) -> io::Result<bool> {
        let held = self.hint.lease;
        let valid = held.until > now && held.until - now <= LONGEST_LEASE_MS;
        if held.pid != 0 && valid && self.fs.process_exists(held.pid) {
            return Ok(false);
        }
        let until = lease.until.min(now.saturating_add(LONGEST_LEASE_MS));
        self.hint.lease = Lease { until, ..lease };
        self.write_hint()?;
        Ok(true)
    }

    pub(super) fn write_hint(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.hint.encode(), 0)
    }

    /// Counts the records of a stretch behind the ones that are counted, and cuts off what is torn at its end.
    fn take_in(&mut self, from: u64, len: u64) -> io::Result<()> {
        let mut scanner = Scanner::new(&**self.file, from, len);
        let (mut hint, mut flown) = (self.hint, Vec::new());
        while let Some(found) = scanner.next()? {
            hint.last = found.offset;
            if found.header.flown && found.header.live {
                flown.push(flight::id(&found.header.trace_id));
            }
            hint.next_sequence = hint.next_sequence.max(found.header.sequence.saturating_add(1));
            if found.header.live {
                count(&mut hint, &found);
            }
        }
        let (end, holes) = (scanner.intact_end, scanner.holes);
        self.scanned = flown;
        self.empty_flights();
        if holes {
            log::warn!("the trace buffer {} was damaged; the intact traces are kept", self.path.display());
            self.hint.next_sequence = hint.next_sequence;
            self.rewrite(FIRST_RECORD, len, None)?;
        } else {
            self.hint = Hint { tail: end.max(FIRST_RECORD), ..hint };
            self.file.set_len(self.hint.tail)?;
            if self.hint.live_records == 0 {
                self.empty()?;
            } else {
                self.write_hint()?;
            }
        }
        Ok(())
    }

    /// Believes nothing but the records.
    fn rescan(&mut self) -> io::Result<()> {
        let len = self.file.facts()?.len;
        self.hint = self.hint.emptied();
        self.scanned_all = true;
        self.take_in(FIRST_RECORD, len)
    }

    pub(super) fn count_in(&mut self, found: &Found) {
        count(&mut self.hint, found);
        self.hint.next_sequence = found.header.sequence.saturating_add(1);
    }

    fn is_too_full(&self) -> bool {
        self.hint.live_records > self.limits.max_records || self.hint.live_bytes > self.limits.max_bytes
    }

    /// Believes only the records how many there are: after a power cut the header may still count removed ones, or one of
    /// which only a part arrived, and none that is whole must make room for those.
    fn recount(&mut self) -> io::Result<()> {
        let head = self.hint.head;
        self.hint = Hint { head, boring_head: head, ..self.hint.emptied() };
        let len = self.file.facts()?.len;
        self.take_in(head, len)
    }

    fn make_room(&mut self) -> Result<(), Trouble> {
        while self.is_too_full() {
            let boring = self.hint.live_boring > 0;
            let from = if boring { self.hint.boring_head } else { self.hint.head };
            let victim =
                self.first_live(from, |header| !boring || header.is_boring())?.ok_or(Trouble::Damaged)?;
            // The walk is not taken twice: what it stepped over is dead, or not boring.
            *(if boring { &mut self.hint.boring_head } else { &mut self.hint.head }) = victim.offset;
            self.drop_for_good(&victim)?;
        }
        Ok(())
    }

    /// Removes a record that is lost with that.
    fn drop_for_good(&mut self, victim: &Found) -> Result<(), Trouble> {
        self.hint.losses.count_dropped();
        self.kill(victim)?;
        self.evicted.push(victim.header.sequence);
        Ok(())
    }

    /// The first live record at or behind a place that the question accepts.
    fn first_live(
        &self,
        from: u64,
        wanted: impl Fn(&RecordHeader) -> bool,
    ) -> Result<Option<Found>, Trouble> {
        let mut at = from;
        while at < self.hint.tail {
            let found = self.record_at(at)?;
            if found.header.live && wanted(&found.header) {
                return Ok(Some(found));
            }
            at = found.end();
        }
        if self.hint.live_records > 0 { Err(Trouble::Damaged) } else { Ok(None) }
    }

    fn record_at(&self, offset: u64) -> Result<Found, Trouble> {
        let header = header_at(&**self.file, offset, self.hint.tail)?.ok_or(Trouble::Damaged)?;
        Ok(Found { offset, header })
    }

    /// Where a record is now. It moved if the file was rewritten since it was read.
    fn find(&self, record: &Record) -> Result<Option<Found>, Trouble> {
        let is_it = |found: &Found| {
            found.header.sequence == record.sequence && found.header.trace_id == record.trace_id
        };
        // What was read in the middle of another record, because the header said so, is none after a scan.
        if !self.scanned_all
            && record.offset >= self.hint.head
            && let Ok(found) = self.record_at(record.offset)
            && is_it(&found)
        {
            return Ok(found.header.live.then_some(found));
        }
        let mut at = self.hint.head;
        while at < self.hint.tail {
            let found = self.record_at(at)?;
            if is_it(&found) {
                return Ok(found.header.live.then_some(found));
            }
            at = found.end();
        }
        Ok(None)
    }

    fn kill(&mut self, found: &Found) -> Result<(), Trouble> {
        let hint = &mut self.hint;
        let boring = u32::from(found.header.is_boring());
        let counts = (
            hint.live_records.checked_sub(1),
            hint.live_bytes.checked_sub(found.header.size()),
            hint.live_boring.checked_sub(boring),
        );
        let (Some(live_records), Some(live_bytes), Some(live_boring)) = counts else {
            return Err(Trouble::Damaged);
        };
        (hint.live_records, hint.live_bytes, hint.live_boring) = (live_records, live_bytes, live_boring);
        for cursor in [&mut hint.head, &mut hint.boring_head] {
            if *cursor == found.offset {
                *cursor = found.end();
            }
        }
        hint.pending = found.offset;
        self.write_hint()?;
        self.finish_removal()?;
        if self.hint.live_records > 0 {
            return Ok(());
        }
        match self.first_live(self.hint.head, |_| true) {
            Ok(None) => Ok(self.empty()?),
            // A removal that a power cut undid was not counted any more, so a record too few was.
            Ok(Some(_)) | Err(Trouble::Damaged) => Ok(self.rescan()?),
            Err(error) => Err(error),
        }
    }

    /// Marks the record dead whose removal the header has committed.
    fn finish_removal(&mut self) -> io::Result<()> {
        if self.hint.pending != 0 {
            self.file.write_all_at(&[DEAD], self.hint.pending + STATE_OFFSET)?;
            self.hint.pending = 0;
        }
        Ok(())
    }

    fn empty(&mut self) -> io::Result<()> {
        self.hint = self.hint.emptied();
        self.write_hint()?;
        self.file.set_len(FIRST_RECORD)
    }

    fn dead_bytes(&self) -> u64 {
        (self.hint.tail - FIRST_RECORD).saturating_sub(self.hint.live_bytes)
    }

    /// Runs a step, and once more after a scan if the file turns out to be damaged.
    fn repairing<T>(&mut self, step: impl Fn(&mut Self) -> Result<T, Trouble>) -> io::Result<T> {
        match step(self) {
            Ok(value) => Ok(value),
            Err(Trouble::Io(error)) => Err(error),
            Err(Trouble::Damaged) => {
                self.rescan()?;
                step(self).map_err(Trouble::after_a_scan)
            }
        }
    }
}

/// Whether the hint is about this file: after a power cut it may be older than the records, and what is appended behind a
/// tail in the middle of one would be lost with it.
fn ends_with_a_record(file: &dyn BufferFile, hint: &Hint) -> io::Result<bool> {
    if hint.last == 0 {
        return Ok(true);
    }
    let last = header_at(file, hint.last, hint.tail)?;
    Ok(last.is_some_and(|header| hint.last + header.size() == hint.tail))
}

pub(super) fn count(hint: &mut Hint, found: &Found) {
    hint.live_records = hint.live_records.saturating_add(1);
    hint.live_boring = hint.live_boring.saturating_add(u32::from(found.header.is_boring()));
    hint.live_bytes += found.header.size();
}
