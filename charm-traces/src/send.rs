use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use charm_tracing::__charm_traces::{Sent, send_by_hand, with_causes};
use charm_tracing::{Certificate, DeliveryProblem, Destination};

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;

use crate::arguments::{Connection, Send};
use crate::output::{BAD, GOOD, WARNING, complain, painted, print};
use crate::program::Outcome;
use crate::show::{chosen_ids, counted};
use crate::stored::{Place, State, Stored, queue_at, read, remove_row};

/// Sends the traces at a path to a backend.
pub(crate) fn send(arguments: &Send) -> anyhow::Result<Outcome> {
    let path = &arguments.chosen.path;
    // A charm that sends at this moment would send the same traces.
    let _lock = if arguments.remove { lock(path)? } else { None };
    let reading = read(path);
    let outcome = Outcome::after(&reading.faults);
    let chosen = chosen_ids(&arguments.chosen, &reading.stored);
    let (stored, others): (Vec<_>, Vec<_>) =
        reading.stored.into_iter().partition(|stored| stored.is_one_of(&chosen));
    let mut partly: HashSet<_> = others.iter().map(|stored| stored.place.path().to_owned()).collect();
    partly.extend(reading.faults.iter().map(|fault| fault.path.clone()));
    // The journal of a dispatch that still runs is not complete, and the next dispatch sends that of a killed one.
    let (left, stored): (Vec<_>, Vec<_>) =
        stored.into_iter().partition(|stored| stored.state == State::Interrupted && path.is_dir());
    if !left.is_empty() {
        print(format_args!(
            "{} of dispatches that were killed or still run: name its file to send one\n",
            counted(left.len(), "trace")
        ))?;
    }
    let destination = destination(&arguments.connection, &arguments.endpoint)?;
    let mut results = Results::default();
    let requests = stored.iter().map(|stored| stored.request.clone());
    let mut ahead = stored.iter();
    let sent = send_by_hand(&destination, arguments.connection.timeout, requests, |sent| {
        let Some(stored) = ahead.next() else { return false };
        results.add(stored, sent)
    });
    if let Err(problem) = sent {
        complain(with_causes(&problem));
        return Ok(Outcome::Bad);
    }
    if arguments.remove {
        partly.extend(results.left.iter().map(|place| place.path().to_owned()));
        results.remove(&partly);
    }
    print(results.summary(stored.len()))?;
    Ok(outcome.and(if results.is_good() { Outcome::Good } else { Outcome::Bad }))
}

/// Returns the destination that the arguments name. Without a certificate, those of the system are trusted.
pub(crate) fn destination(connection: &Connection, endpoint: &str) -> anyhow::Result<Destination> {
    let certificate = match &connection.ca {
        Some(path) => {
            let pem = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            Certificate::Pem(pem)
        }
        None => Certificate::System,
    };
    Ok(Destination::new(endpoint, Some(certificate)))
}

/// Takes the lock that a charm holds while it sends; `None` if the path is no queue that a charm has sent from.
fn lock(path: &Path) -> anyhow::Result<Option<File>> {
    let Ok(file) = OpenOptions::new().write(true).open(queue_at(path).join("sending")) else {
        return Ok(None);
    };
    // A charm's lock is one of the process (`fcntl`), which a lock of the open file (`flock`) does not meet.
    match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::AGAIN | Errno::ACCESS) => bail!("the charm sends its traces right now: try again"),
        // A file system without locks.
        Err(_) => Ok(None),
    }
}

#[derive(Debug, Default)]
struct Results {
    taken: Vec<Place>,
    refused: usize,
    /// The places of what the backend has not taken.
    left: Vec<Place>,
}

impl Results {
    /// Says what became of a trace. Returns false if no other one is worth a try.
    fn add(&mut self, stored: &Stored, sent: Sent) -> bool {
        let id = stored.trace.spans().first().map(|span| span.trace_id.to_string()).unwrap_or_default();
        let line = |style, word, reason: &str| {
            let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            _ = print(format_args!("{id}  {}{reason}\n", painted(style, word)));
        };
        match sent {
            Sent::Taken { rejected_spans: 0, .. } => {
                line(GOOD, "taken", "");
                self.taken.push(stored.place.clone());
            }
            Sent::Taken { rejected_spans, reason } => {
                let count = counted(usize::try_from(rejected_spans).unwrap_or(usize::MAX), "span");
                line(WARNING, "taken", &format!("but not {count}: {}", reason.unwrap_or_default()));
                self.taken.push(stored.place.clone());
            }
            Sent::Refused { reason } => {
                line(BAD, "refused", &reason);
                self.refused += 1;
                self.left.push(stored.place.clone());
            }
            Sent::Kept { problem } => {
                let reason = problem
                    .as_ref()
                    .map_or_else(|| "no time is left".to_owned(), |problem| with_causes(problem));
                line(WARNING, "kept", &reason);
                self.left.push(stored.place.clone());
                // An answer may be about this trace; without one, the others get none either.
                return matches!(problem, Some(DeliveryProblem::NotAccepted { .. }));
            }
        }
        true
    }

    /// Removes what was taken: a file if all of its requests were. `partly` are the files of which something was not sent.
    fn remove(&self, partly: &HashSet<PathBuf>) {
        for place in &self.taken {
            let removed = match place {
                Place::Row(path, id) => remove_row(path, *id).map_err(anyhow::Error::from),
                Place::PartOf(path) if partly.contains(path) || !path.exists() => Ok(()),
                Place::File(path) | Place::PartOf(path) => fs::remove_file(path).map_err(anyhow::Error::from),
            };
            if let Err(error) = removed {
                complain(format_args!("cannot remove {place}: {error:#}"));
            }
        }
    }

    fn is_good(&self) -> bool {
        self.left.is_empty()
    }

    fn summary(&self, all: usize) -> String {
        let (taken, refused) = (self.taken.len(), self.refused);
        format!(
            "{} of {} taken, {refused} refused, {} left\n",
            taken,
            counted(all, "trace"),
            all - taken - refused
        )
    }
}
