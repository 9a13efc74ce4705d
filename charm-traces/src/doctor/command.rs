use anyhow::bail;

use super::finding::{Finding, Severity};
use super::{backend, remembered, waiting};
use crate::arguments::Doctor;
use crate::output::print;
use crate::program::Outcome;
use crate::stored::QUEUE;

/// Says everything that is known about the way of the traces of a charm.
pub(crate) fn doctor(arguments: &Doctor) -> anyhow::Result<Outcome> {
    let charm_dir = &arguments.charm_dir;
    if !charm_dir.is_dir() {
        bail!("{} is no directory", charm_dir.display());
    }
    let queue = arguments.queue.clone().unwrap_or_else(|| charm_dir.join(QUEUE));
    let mut findings = Vec::new();
    let endpoint = match &arguments.endpoint {
        Some(endpoint) => Some(endpoint.clone()),
        None => remembered::endpoint(charm_dir, &mut findings),
    };
    if let Some(endpoint) = &endpoint {
        findings.extend(backend::findings(&arguments.connection, endpoint));
    }
    findings.extend(waiting::findings(charm_dir, &queue, endpoint.is_some()));
    for finding in &findings {
        print(finding.text())?;
    }
    let is_bad = |finding: &Finding| finding.severity == Severity::Bad;
    Ok(if findings.iter().any(is_bad) { Outcome::Bad } else { Outcome::Good })
}
