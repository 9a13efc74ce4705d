//! What a dispatch finds of those before it, and leaves to the next if it does not get to its end.

use std::path::Path;
use std::time::SystemTime;

use crate::buffer::{
    Buffer, BufferError, Chunk, FlightFile, Legacy, Losses, NewRecord, Priority, import_python,
};
use crate::delivery::{DeliveryProblem, DeliveryReport, Trace};
use crate::encode::flight::{self, Left};
use crate::span::quietly;

/// A file for the flight of this dispatch. If a killed one has left its own there, that is stored first, and the number says
/// so. None if there can be no file: such a dispatch leaves nothing.
pub(crate) fn take_off(buffer: &Buffer) -> (Option<FlightFile>, u32) {
    let found = buffer.open_flight().and_then(|mut file| {
        let recovered = if file.is_empty() { 0 } else { recover(buffer, &mut file)? };
        Ok((Some(file), recovered))
    });
    found.unwrap_or_else(|error| {
        log::debug!("nothing would be left of this dispatch if it were killed: {error}");
        (None, 0)
    })
}

/// What is to be told, beside the traces in the queue.
#[derive(Debug, Default)]
pub(crate) struct Inheritance {
    pub(crate) losses: Losses,
    /// Killed dispatches whose traces are in the queue now.
    pub(crate) recovered: u32,
}

/// Puts into the queue what others have left beside it: the Python library in its own buffer, and killed dispatches. Both
/// are older than the trace of this dispatch, which the queue is to have behind them.
pub(crate) fn inherit(buffer: &Buffer, charm_dir: &Path) -> Inheritance {
    import_python(buffer, charm_dir, SystemTime::now());
    let Legacy { losses, forsaken } = buffer.legacy().unwrap_or_default();
    let recovered = if forsaken { recover_forsaken(buffer) } else { 0 };
    Inheritance { losses, recovered }
}

/// Stores what was left by killed dispatches that ran beside others. How many those were.
fn recover_forsaken(buffer: &Buffer) -> u32 {
    let forsaken = buffer.forsaken_flights().unwrap_or_else(|error| {
        log::debug!("cannot look for what killed dispatches have left: {error}");
        Vec::new()
    });
    let recover = |mut file| {
        recover(buffer, &mut file).unwrap_or_else(|error| {
            log::debug!("cannot store what a killed dispatch has left: {error}");
            0
        })
    };
    forsaken.into_iter().map(recover).sum()
}

fn recover(buffer: &Buffer, file: &mut FlightFile) -> Result<u32, BufferError> {
    let left =
        file.read().inspect_err(|error| log::debug!("cannot read what a killed dispatch has left: {error}"));
    // What makes us panic is not to do so again in every dispatch.
    let left = left.ok().and_then(|log| quietly(|| flight::left(&log))?);
    let record = left.as_ref().map(|Left { request, trace_id, boring }| NewRecord {
        trace_id: *trace_id,
        priority: if *boring { Priority::Boring } else { Priority::Interesting },
        payload: request,
    });
    buffer.recover(file, record.as_ref(), SystemTime::now()).map(u32::from)
}

/// What becomes of the flight of a dispatch that has ended when its trace is not in the queue: it was sent, or the file is
/// the last place that is left for it.
pub(crate) fn land(buffer: &Buffer, trace: &Trace, report: &mut DeliveryReport) {
    let Some(mut file) = buffer.landed() else { return };
    // A delivery that was interrupted does not say, but only a trace that was stored has no flight any more.
    let done = if report.lost || matches!(report.problem, Some(DeliveryProblem::Interrupted)) {
        let mut chunk = Chunk::default();
        let boring = trace.priority == Priority::Boring;
        flight::finished(chunk.bytes(), &trace.payload, trace.trace_id, boring);
        // It may have been emptied to make room on the disk.
        let begun = if file.is_empty() { file.begin(&trace.trace_id) } else { Ok(()) };
        begun.and_then(|()| file.write(&mut chunk)).map(|()| {
            (report.lost, report.buffered, report.arrives) = (false, true, true);
            report.waiting += 1;
        })
    } else {
        file.clear()
    };
    if let Err(error) = done {
        // What is there is not the trace, and takes room.
        let _ = file.clear();
        log::debug!("cannot write the flight of this dispatch: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::BufferConfig;

    fn buffer(directory: &Path) -> Buffer {
        Buffer::new(BufferConfig {
            path: directory.join("buffer"),
            max_dispatches: 10,
            max_bytes: 10 << 20,
            max_age: std::time::Duration::MAX,
            lock_wait: std::time::Duration::from_millis(10),
        })
    }

    /// The buffer is busy, and the HTTP client panics: nothing has the trace but its flight.
    #[test]
    fn a_trace_that_was_not_stored_is_not_lost_with_a_delivery_that_panics() {
        let directory = tempfile::tempdir().unwrap();
        let own = buffer(directory.path());
        let mut file = own.open_flight().unwrap();
        file.begin(&[7; 16]).unwrap();
        own.land(file);
        let trace = Trace { payload: b"trace".to_vec(), trace_id: [7; 16], priority: Priority::Interesting };
        let mut report = DeliveryReport::interrupted();
        land(&own, &trace, &mut report);
        drop(own);
        let next = buffer(directory.path());
        let (_, recovered) = take_off(&next);
        assert!(recovered == 1 || report.lost, "gone, and nobody says so: {report:?}");
    }

    /// The hook tool that a killed dispatch was just starting has its open files until it runs.
    #[test]
    fn a_flight_whose_lock_outlives_its_dispatch_for_a_moment_is_recovered_by_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let mut outlived = buffer(directory.path()).open_flight().unwrap();
        outlived.begin(&[7; 16]).unwrap();
        let mut chunk = Chunk::default();
        flight::finished(chunk.bytes(), b"trace", [7; 16], true);
        outlived.write(&mut chunk).unwrap();
        let next = buffer(directory.path());
        let (own, recovered) = take_off(&next);
        assert!(own.is_some() && recovered == 0, "its lock is held");
        drop(outlived);
        assert_eq!(inherit(&next, directory.path()).recovered, 1);
        drop((own, next));
        let last = buffer(directory.path());
        let (_own, recovered) = take_off(&last);
        assert_eq!((recovered, inherit(&last, directory.path()).recovered), (0, 0), "once");
    }
}
