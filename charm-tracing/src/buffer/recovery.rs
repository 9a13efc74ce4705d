//! Where flights and the queue meet: who gets which file, and how what is in one becomes a record once. The table in `flight`
//! says what a crash at each step leaves.

use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use super::error::BufferError;
use super::flight::{FlightFile, id_in, path_of};
use super::fs::BufferFile;
use super::header::{Closing, Hint};
use super::ledger::Ledger;
use super::record::NewRecord;
use super::store::{Buffer, size};

impl Buffer {
    /// A file for a flight, with a killed dispatch's flight in it if it is not empty: that must be
    /// [`recovered`](Self::recover) first.
    ///
    /// # Errors
    ///
    /// The buffer cannot be used, or there can be no more files.
    pub(crate) fn open_flight(&self) -> Result<FlightFile, BufferError> {
        // Who has no buffer needs no flight, and it would be in a place that nobody meant.
        let (file, _) = self.open(&self.config.path)?;
        *self.opened() = Some(file);
        self.opened_by.store(std::process::id(), Ordering::Relaxed);
        if let Some(flight) = self.lock_flight(0)? {
            return Ok(flight);
        }
        // Another dispatch runs. Numbers are given under the buffer's lock, so that no file is forgotten. Where there is one,
        // there are often many: only when there are no more numbers it is worth looking for a file that is free again.
        let number = |ledger: &mut Ledger<'_>| {
            let slots = ledger.hint.slots;
            let candidates = if slots < Hint::MOST_SLOTS { slots..slots + 1 } else { 1..slots };
            for slot in candidates {
                if slot >= ledger.hint.slots {
                    ledger.hint.slots = slot + 1;
                    ledger.write_hint()?;
                }
                if let Some(flight) = self.lock_flight(slot).map_err(io::Error::other)? {
                    return Ok(flight);
                }
            }
            Err(io::Error::other("too many dispatches run at once"))
        };
        self.locked_within(self.config.lock_wait / 5, "write", number)
    }

    /// The file of this number, unless a dispatch that lives has it.
    fn lock_flight(&self, slot: u32) -> Result<Option<FlightFile>, BufferError> {
        let path = path_of(&self.config.path, slot);
        let failed = |source| BufferError::Open { path: path.clone(), source };
        let (file, facts) = self.open(&path)?;
        let ours = file.try_lock().map_err(failed)?
            // It may have been removed while it was opened.
            && self.fs.identity(&path).map_err(failed)? == Some(facts.id);
        if ours { FlightFile::found(file, slot).map(Some).map_err(failed) } else { Ok(None) }
    }

    /// Stores what a dispatch left that was killed, unless that was done: then, and if there is nothing to be stored, only
    /// the flight is emptied. So it is if the trace is too large, which is counted. False if nothing was stored.
    pub(crate) fn recover(
        &self,
        flight: &mut FlightFile,
        left: Option<&NewRecord<'_>>,
        now: SystemTime,
    ) -> Result<bool, BufferError> {
        self.locked("write", |ledger| {
            // Loading the ledger has emptied it, or found its record, if that was counted or scanned just now.
            let is_stored =
                !flight.file.facts().is_ok_and(|facts| facts.len > 0) || ledger.scanned.contains(&flight.id);
            match left.filter(|_| !is_stored) {
                Some(left) if size(left) > self.config.max_bytes => {
                    ledger.hint.losses.count_dropped();
                    ledger.write_hint()?;
                    flight.clear().map(|()| false)
                }
                Some(left) => self.append_to(ledger, left, now, Some(flight)).map(|_| true),
                None => flight.clear().map(|()| false),
            }
        })
    }

    /// The flights of dispatches that ran beside others and were killed; empty in nearly every dispatch. So is the first one's
    /// if it could not be had at the beginning: a process that is being started holds the locks of the one that starts it for
    /// a moment, and may outlive it. Files that nobody needs are removed.
    pub(crate) fn forsaken_flights(&self) -> Result<Vec<FlightFile>, BufferError> {
        self.locked("write", |ledger| {
            let mut forsaken = Vec::new();
            let before = ledger.hint.slots;
            for slot in (0..before).rev() {
                let path = path_of(&self.config.path, slot);
                let mut is_there = self.fs.identity(&path)?.is_some();
                match if is_there { self.lock_flight(slot) } else { Ok(None) } {
                    Ok(Some(flight)) if !flight.is_empty() => forsaken.push(flight),
                    Ok(Some(_)) if slot > 0 => {
                        self.fs.remove(&path)?;
                        is_there = false;
                    }
                    Ok(_) => {}
                    Err(error) => log::debug!("cannot look at a flight: {error}"),
                }
                if slot > 0 && slot + 1 == ledger.hint.slots && !is_there {
                    ledger.hint.slots = slot;
                }
            }
            if ledger.hint.slots < before {
                ledger.write_hint()?;
            }
            Ok(forsaken)
        })
    }

    /// The flight has ended here, and what is appended next is its trace.
    pub(crate) fn land(&self, flight: FlightFile) {
        *self.flight.lock().unwrap_or_else(PoisonError::into_inner) = Some(flight);
    }

    /// Takes back the flight that has landed, if nothing was appended since.
    pub(crate) fn landed(&self) -> Option<FlightFile> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Ledger<'_> {
    /// Empties the flight whose trace the header counts: who counted it has died, or could not empty it.
    pub(super) fn finish_closing(&mut self) {
        if self.hint.closing.id != 0
            && let Err(error) = self.empty_closing().and_then(|()| self.closed())
        {
            log::debug!("cannot empty a flight of the trace buffer {}: {error}", self.path.display());
        }
    }

    fn empty_closing(&self) -> io::Result<()> {
        let Closing { id, slot } = self.hint.closing;
        self.empty_flight(slot, &[id], |_| Ok(true))
    }

    /// Empties the flights of records that no header had counted, unless somebody holds them: who does so lives and has a
    /// trace of the same id, or is about to recover it and looks at `scanned`.
    pub(super) fn empty_flights(&self) {
        if self.scanned.is_empty() {
            return;
        }
        for slot in 0..self.hint.slots {
            if let Err(error) = self.empty_flight(slot, &self.scanned, |file| file.try_lock()) {
                log::debug!("cannot empty a flight of the trace buffer {}: {error}", self.path.display());
            }
        }
    }

    /// Empties the flight with this number if it is one of these.
    fn empty_flight(
        &self,
        slot: u32,
        ids: &[u64],
        may: impl FnOnce(&dyn BufferFile) -> io::Result<bool>,
    ) -> io::Result<()> {
        let Some(file) = self.fs.open_existing(&path_of(self.path, slot))? else { return Ok(()) };
        let is_it = id_in(&*file)?.is_some_and(|id| ids.contains(&id));
        if is_it && may(&*file)? { file.set_len(0) } else { Ok(()) }
    }

    /// Nothing is left of the flight that the header names.
    pub(super) fn closed(&mut self) -> io::Result<()> {
        self.hint.closing = Closing::default();
        self.write_hint()
    }
}
