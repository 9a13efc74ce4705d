use std::collections::BTreeSet;
use std::path::Path;
use std::time::SystemTime;

use charm_tracing::__charm_traces::QueueState;

use super::finding::Finding;
use crate::output::local_time;
use crate::show::counted;
use crate::stored::{State, Stored, contents, read};
use crate::summary::Summary;

/// Says what waits, how the backend answered to earlier dispatches, and what was lost.
pub(super) fn findings(charm_dir: &Path, queue: &Path, has_endpoint: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Ok(enabled) = std::env::var("CHARM_TRACING_ENABLED")
        && enabled != "1"
    {
        let fact = format!("CHARM_TRACING_ENABLED is {enabled}, which switches tracing off");
        findings.push(Finding::bad(fact, "unset it, also in the environment of the charm"));
    }
    if !queue.exists() && !charm_dir.join(".charm_tracing_lock").exists() {
        findings.push(Finding::notice(
            format!("no dispatch was traced here: there is no {}", queue.display()),
            "is this the charm directory, and does the charm call charm_tracing::run? --queue names another buffer_path",
        ));
    }
    if queue.is_symlink() {
        findings.push(Finding::bad(
            format!("{} is a symbolic link, and the charm does not use it", queue.display()),
            "remove it: the charm makes a directory of its own there, or where buffer_path says",
        ));
    }
    let mut reading = read(charm_dir);
    if !queue.starts_with(charm_dir) && queue.is_dir() {
        let other = read(queue);
        reading.stored.extend(other.stored);
        reading.faults.extend(other.faults);
    }
    if !reading.stored.is_empty() || reading.faults.is_empty() {
        findings.extend(stored(&reading.stored, has_endpoint));
    }
    for fault in &reading.faults {
        findings.push(Finding::notice(
            fault.to_string(),
            "the next dispatch removes and counts a damaged trace, and leaves other files alone",
        ));
    }
    let state = contents(&queue.join("state")).ok().flatten().unwrap_or_default();
    let state = QueueState::parse(&String::from_utf8_lossy(&state));
    findings.extend(of_state(&state, SystemTime::now()));
    findings.extend(sampling(&reading.stored));
    findings
}

fn stored(stored: &[Stored], has_endpoint: bool) -> Vec<Finding> {
    if stored.is_empty() {
        return vec![Finding::good("no trace waits")];
    }
    let bytes: usize = stored.iter().map(|stored| stored.request.len()).sum();
    let oldest =
        stored.iter().map(|stored| Summary::of(&stored.trace)).min_by_key(|summary| summary.start_nanos);
    let since = oldest.map(|summary| local_time(summary.start_nanos)).unwrap_or_default();
    let fact = format!("{} with {} kB, the oldest since {since}", waits(stored.len()), bytes.div_ceil(1000));
    let advice = if has_endpoint {
        "the next dispatches send them, oldest first; charm-traces send does so now"
    } else {
        "they wait until the charm knows an endpoint, the newest 100 of them; charm-traces show has them"
    };
    let mut findings = vec![Finding::notice(fact, advice)];
    let interrupted = stored.iter().filter(|stored| stored.state == State::Interrupted).count();
    if interrupted > 0 {
        findings.push(Finding::notice(
            format!(
                "{} of them of a dispatch that was killed, or runs right now",
                counted(interrupted, "trace")
            ),
            "nothing of tracing is wrong: charm-traces show has the span in which it was",
        ));
    }
    findings
}

fn waits(count: usize) -> String {
    if count == 1 { "1 trace waits".to_owned() } else { format!("{count} traces wait") }
}

fn of_state(state: &QueueState, now: SystemTime) -> Vec<Finding> {
    let mut findings = Vec::new();
    if state.failures > 0 {
        let (failures, kept) = (state.failures, state.not_taken);
        findings.push(Finding::bad(
            format!("the backend took nothing in this many dispatches in a row: {failures}; traces that it did not take: {kept}"),
            "later ones make a short attempt of 0.3 s, one in eight a full one; Juju's log at DEBUG says why",
        ));
    }
    if let Some(until) = state.paused_until.filter(|until| *until > now) {
        let nanos = until.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let until = local_time(u64::try_from(nanos).unwrap_or(u64::MAX));
        findings.push(Finding::notice(
            format!("the backend asked not to be sent traces before {until}"),
            "wait, or raise its rate limit",
        ));
    }
    for (key, count) in &state.losses {
        let advice = match &**key {
            "charm_tracing.dropped_traces" => {
                "raise buffer_max_events or buffer_max_size_mib, or mend why traces are not sent"
            }
            "charm_tracing.refused_traces" => {
                "the backend answered 400, 413 or 422: its words are in a warning of Juju's log"
            }
            "charm_tracing.rejected_spans" => "the backend's words are in a warning of Juju's log",
            _ => "the disk was full or read-only, or a file was damaged: free the disk, or set buffer_path",
        };
        findings.push(Finding::bad(format!("{key} is {count} since it was reported last"), advice));
    }
    findings
}

/// The tail sampling of the charmed collectors takes traces of which the name of the service ends in `-charm` as those of charms.
fn sampling(stored: &[Stored]) -> Vec<Finding> {
    let names: BTreeSet<_> = stored.iter().map(|stored| Summary::of(&stored.trace).service).collect();
    let others = names.into_iter().filter(|name| !name.ends_with("-charm") || name.len() == "-charm".len());
    let finding = |name: String| {
        Finding::notice(
            format!("service.name is \"{name}\", which does not end in -charm"),
            "a collector with tail sampling (opentelemetry-collector, grafana-agent) keeps 1 % of such traces by default: leave \
             service_name out, or raise tracing_sampling_rate_workload there",
        )
    };
    others.map(finding).collect()
}
