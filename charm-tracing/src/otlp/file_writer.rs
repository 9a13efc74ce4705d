//! Writes the records of a journal into its file.

use std::io;

use opentelemetry::{InstrumentationScope, KeyValue};

use super::journal_format::Records;
use crate::recorder::{JournalFile, JournalWriter, Record, TraceContext};

/// The maximum number of bytes that wait for a file that cannot be written.
const MOST_BYTES_WAITING: usize = 256 * 1024;

/// A writer of the journal of a session into a file.
#[derive(Debug)]
pub(crate) struct FileWriter {
    records: Records,
    /// The records that wait to be written: the first ones, and those of a write that failed.
    out: Vec<u8>,
    stopped: Option<io::Error>,
    file: Box<dyn JournalFile>,
}

impl FileWriter {
    /// Begins the journal of a session in which no span has begun yet.
    pub(crate) fn begin(
        file: Box<dyn JournalFile>,
        resource: &[KeyValue],
        own: &InstrumentationScope,
        trace: TraceContext,
    ) -> Self {
        let mut out = Vec::with_capacity(1024);
        let records = Records::begin(&mut out, resource, own, trace);
        Self { records, out, stopped: None, file }
    }
}

impl JournalWriter for FileWriter {
    fn write(&mut self, span: &Record, ended: bool) {
        if self.stopped.is_none() {
            self.records.write(&mut self.out, span, ended);
        }
    }

    fn flush(&mut self) {
        if self.stopped.is_some() {
            return;
        }
        match self.file.append(&self.out) {
            Ok(()) => self.out.clear(),
            // The error may be temporary: the charm may have all its descriptors open, or the disk may be full for a moment.
            Err(_) if self.out.len() <= MOST_BYTES_WAITING => {}
            Err(error) => {
                self.stopped = Some(error);
                self.out = Vec::new();
            }
        }
    }

    fn into_file(self: Box<Self>) -> Box<dyn JournalFile> {
        if let Some(error) = self.stopped {
            log::debug!("not all of this dispatch would have been left if it had been killed: {error}");
        }
        self.file
    }
}

#[cfg(test)]
mod tests;
