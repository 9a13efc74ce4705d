use std::fmt::Write as _;

use charm_testing::{ActionOutcome, LogLine, Outcome, Relation};

use charm_tracing::__charm_traces::in_words;

use crate::output::{BAD, GOOD, HEADING, WARNING, WEAK, painted};

/// Writes what Juju saw of a dispatch.
pub(super) fn report(outcome: &Outcome, relations: &[Relation]) -> String {
    let Outcome { unit, event, duration, stdout, stderr, log, .. } = outcome;
    let ended = match (outcome.code(), outcome.signal()) {
        (Some(0), _) => painted(GOOD, "exit code 0"),
        (Some(code), _) => painted(BAD, format!("exit code {code}")),
        (None, signal) => painted(BAD, format!("killed by signal {}", signal.unwrap_or_default())),
    };
    let mut text =
        format!("{}  {ended} after {}\n", painted(HEADING, format!("{unit}: {event}")), in_words(*duration));
    _ = writeln!(text, "  unit status         {}", outcome.unit_status);
    if outcome.application_status.status != "unknown" {
        _ = writeln!(text, "  application status  {}", outcome.application_status);
    }
    if let Some(version) = &outcome.workload_version {
        _ = writeln!(text, "  workload version    {version}");
    }
    if !outcome.opened_ports.is_empty() {
        _ = writeln!(text, "  opened ports        {}", outcome.opened_ports.join(", "));
    }
    if let Some(action) = &outcome.action {
        of_action(&mut text, action);
    }
    for relation in relations {
        let name = format!("{}:{}", relation.endpoint(), relation.id());
        for (whose, databag) in
            [("application", relation.local_app_data()), ("unit", relation.local_unit_data())]
        {
            for (key, value) in databag {
                _ = writeln!(text, "  {name} {whose} databag  {key} = {value}");
            }
        }
    }
    for LogLine { level, message } in log {
        let style = match level.as_str() {
            "ERROR" | "CRITICAL" => BAD,
            "WARNING" => WARNING,
            "DEBUG" | "TRACE" => WEAK,
            _ => anstyle::Style::new(),
        };
        _ = writeln!(text, "  {}", painted(style, format!("{level} {message}")));
    }
    for (name, output) in [("stdout", stdout), ("stderr", stderr)] {
        for line in output.lines() {
            _ = writeln!(text, "  {}  {line}", painted(WEAK, name));
        }
    }
    text
}

fn of_action(text: &mut String, action: &ActionOutcome) {
    for line in &action.log {
        _ = writeln!(text, "  action log          {line}");
    }
    for (key, value) in &action.results {
        _ = writeln!(text, "  action result       {key} = {value}");
    }
    if let Some(failure) = &action.failure {
        _ = writeln!(text, "  action failed       {}", painted(BAD, failure));
    }
}
