//! The charms of these tests as deployed units, and what a test asks about their dispatches.

use std::path::{Path, PathBuf};
use std::time::Duration;

use charm_testing::collector::Collector;
use charm_testing::{Juju, Outcome, Relation, Trace, queue};

const TEST_CHARM: &str = env!("CARGO_BIN_EXE_test-charm");
const STRUCT_CHARM: &str = env!("CARGO_BIN_EXE_struct-charm");
const SESSION_CHARM: &str = env!("CARGO_BIN_EXE_session-charm");
const AUTHORITIES_CHARM: &str = env!("CARGO_BIN_EXE_authorities-charm");
const BACKEND_CHARM: &str = env!("CARGO_BIN_EXE_backend-charm");
const RELATION_CHARM: &str = env!("CARGO_BIN_EXE_relation-charm");

pub(crate) const METADATA: &str = "\
name: traced-charm
requires:
  tracing:
    interface: tracing
    limit: 1
";

/// The most time that tracing may cost a dispatch whatever the backend does: the default budget of 2 s, and what is around it.
const LONGEST_DISPATCH: Duration = Duration::from_millis(2500);

/// How a charm reaches its hook tools.
pub(crate) type Way = fn(Juju) -> Juju;

/// Over the agent's socket, and as processes.
pub(crate) const EITHER_WAY: [Way; 2] = [|juju| juju, Juju::over_processes];

pub(crate) fn test_charm() -> Juju {
    unit(TEST_CHARM)
}

/// See its source for the settings: among them a service name, 3 dispatches at most, and a buffer in a directory that
/// is not there yet.
pub(crate) fn struct_charm() -> Juju {
    unit(STRUCT_CHARM)
}

/// Configured with the variables `TRACE_ENDPOINT`, `TRACE_CA`, `TRACE_CA_RELATION`, `TRACE_BUFFER`,
/// `TRACE_BUFFER_EVENTS`, and `TRACE_SECONDS` for how long it may send; with `TRACE_THREADS` it counts its threads at the end.
pub(crate) fn session_charm() -> Juju {
    unit(SESSION_CHARM)
}

/// A session charm that this command runs.
pub(crate) fn session_charm_by(command: &str) -> Juju {
    let script = format!("#!/bin/sh\nexec {command} {SESSION_CHARM}\n");
    Juju::from_script(&script).unit("app/0").metadata(METADATA)
}

/// Configured with `ASK` and `TOOL_MILLISECONDS`.
pub(crate) fn relation_charm() -> Juju {
    unit(RELATION_CHARM)
}

/// The other side: it tells all charms on its endpoint `tracing` where to send what they ask for. Configured with
/// `CARRY_ON`, `TOOL_MILLISECONDS` and `TRACE_ENDPOINT`.
pub(crate) fn backend_charm() -> Juju {
    let metadata = "name: backend\nprovides: {tracing: {interface: tracing}}\n";
    unit(BACKEND_CHARM).metadata(metadata)
}

/// Trusts whom it is told over `receive-ca-cert`, or the system's store if the option `trust-system` is set.
pub(crate) fn authorities_charm() -> Juju {
    let endpoint = "  receive-ca-cert:\n    interface: certificate_transfer\n";
    unit(AUTHORITIES_CHARM).metadata(&format!("{METADATA}{endpoint}"))
}

fn unit(charm: &str) -> Juju {
    Juju::new(charm).unit("app/0").metadata(METADATA)
}

/// Relates the unit to a backend that receives traces there.
pub(crate) fn relate(juju: &mut Juju, endpoint: &str) -> Relation {
    let relation = juju.relate("tracing", "tempo");
    relation.publish_endpoint(endpoint);
    relation
}

/// The directory in which the traces of a unit wait unless it says otherwise.
pub(crate) fn buffer(juju: &Juju) -> PathBuf {
    juju.charm_dir().join(".charm_tracing_buffer")
}

/// Counts the traces that wait in the default directory.
pub(crate) fn waiting(juju: &Juju) -> usize {
    waiting_in(&buffer(juju))
}

/// Counts the traces that wait in a directory, after a check that none is damaged and that no journal is left.
#[track_caller]
pub(crate) fn waiting_in(directory: &Path) -> usize {
    let traces = queue::traces(directory);
    assert!(traces.iter().all(|trace| trace.is_intact), "{traces:?}");
    assert_eq!(queue::journals(directory), [""; 0].map(PathBuf::from));
    traces.len()
}

/// Asserts that the hook went as it would have gone without tracing: exit code 0, nothing printed.
#[track_caller]
pub(crate) fn assert_untouched(outcome: &Outcome) {
    assert!(outcome.success(), "{outcome}");
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""), "{outcome}");
}

/// Asserts the same, and that tracing did not take longer than it may.
#[track_caller]
pub(crate) fn assert_untouched_and_quick(outcome: &Outcome) {
    assert_untouched(outcome);
    assert!(outcome.duration <= LONGEST_DISPATCH, "{outcome}");
}

/// The lines of `juju-log` above DEBUG, as `LEVEL message`.
pub(crate) fn notices(outcome: &Outcome) -> Vec<String> {
    outcome.notices()
}

/// The id that the dispatch logged for its trace.
#[track_caller]
pub(crate) fn trace_id(outcome: &Outcome) -> String {
    outcome.trace_id().unwrap_or_else(|| panic!("no trace was started: {outcome}"))
}

/// The ids of the traces that the backend took, in the order it got them; one that it got twice is there twice.
pub(crate) fn delivered(collector: &Collector) -> Vec<String> {
    collector.trace_ids()
}

/// The spans that arrived, after a check that they are whole traces.
#[track_caller]
pub(crate) fn whole_traces(collector: &Collector) -> Trace {
    let spans = collector.trace();
    spans.check().expect("whole traces");
    spans
}
