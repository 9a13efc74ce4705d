//! Takes over what earlier dispatches left: the journals of those that were killed, the losses that no trace has reported,
//! and the buffer of the Python library.

use std::path::Path;
use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry::trace::SpanContext;
use tracing_relation::juju::Dispatch;

use crate::Config;
use crate::otlp::journal_format::Records;
use crate::queue::{Losses, Missing, Queue, QueueError, Recovered};
use crate::recorder::{Journal, TraceContext, own_scope};

/// Returns the queue of this dispatch; `None` if `buffer_max_events` is 0.
pub(crate) fn queue(config: &Config, dispatch: &Dispatch) -> Option<Queue> {
    (config.buffer_max_events > 0).then(|| {
        let path = config.queue_path(dispatch.charm_dir());
        Queue::new(path, config.buffer_max_events, config.buffer_max_bytes())
    })
}

/// Begins the journal of this dispatch. Before that, stores the traces that killed dispatches of the unit left. `None` if no
/// journal can be written.
pub(crate) fn begin_journal(
    queue: &mut Queue,
    dispatch: &Dispatch,
    resource: &[KeyValue],
    parent: &SpanContext,
) -> Option<(Box<Journal>, Recovered)> {
    // Without a charm directory the process may be a test, which must not find a file of ours in its own directory.
    has_charm_dir(dispatch).then_some(())?;
    let unit = dispatch.unit_name().ok()?;
    let lock = queue.lock_unit(dispatch.charm_dir())?;
    let mut recover = || -> Result<_, QueueError> {
        let is_ready = queue.prepare(Missing::Own)?;
        is_ready.then(|| queue.recover(&lock, unit, SystemTime::now())).transpose()
    };
    let recovered = recover().inspect_err(|error| log::debug!("no journal is written: {error}")).ok()??;
    let mut first = Vec::with_capacity(1024);
    let records = Records::begin(&mut first, resource, &own_scope(), TraceContext::below(parent));
    let file = queue.journal(lock, unit, recovered.next_journal);
    Some((Box::new(Journal::begin(Box::new(records), Box::new(file), first)), recovered))
}

/// Returns true if Juju has named the charm's directory.
pub(crate) fn has_charm_dir(dispatch: &Dispatch) -> bool {
    dispatch.var("JUJU_CHARM_DIR").or(dispatch.var("CHARM_DIR")).is_some()
}

/// Imports the buffer of the Python library if there is one, and returns the losses that no trace has reported yet.
pub(crate) fn losses(queue: &Queue, charm_dir: &Path) -> Losses {
    let read = || -> Result<Losses, QueueError> {
        queue.import_python(charm_dir)?;
        let losses = queue.state()?.losses;
        // The counts in a directory that is refused are not ours. Mostly there are none, and the check comes with the storing.
        let are_ours = losses == Losses::default() || queue.prepare(Missing::Own)?;
        Ok(if are_ours { losses } else { Losses::default() })
    };
    read().unwrap_or_else(|error| {
        log::debug!("cannot read what earlier dispatches have left: {error}");
        Losses::default()
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn losses_in_a_directory_that_is_refused_are_not_reported() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        fs::create_dir(&target).unwrap();
        fs::write(target.join("state"), "lost_traces 3\n").unwrap();
        symlink(&target, directory.path().join("link")).unwrap();
        let read = |name| losses(&Queue::new(directory.path().join(name), 9, 9000), directory.path());
        assert_eq!(read("target"), Losses { lost_traces: 3, ..Losses::default() });
        assert_eq!([read("link"), read("missing")], [Losses::default(); 2]);
    }
}
