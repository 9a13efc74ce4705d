//! What happens to the unit, and what one sees of it.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use tests::collector::Collector;
use tests::juju::{Deployment, Event, Outcome, SimulatedJuju};
use tests::tree;

use crate::arguments::Backend;

const CHARMCRAFT: &str = include_str!("../requirer/charmcraft.yaml");
/// The dispatches of the story; each is one trace.
const TRACES: usize = 4;

/// Prints a line. The reader may have seen enough (`| head`); the story goes on and cleans up.
macro_rules! say {
    ($($line:tt)*) => {
        show_text(&format!("{}\n", format_args!($($line)*)))
    };
}

pub(crate) fn tell(backend: &Backend) -> ExitCode {
    let collector = matches!(backend, Backend::BuiltIn).then(Collector::start);
    let myself = env::current_exe().expect("a running program has a path");
    let mut juju = Deployment::new(&myself, &myself).unit("app/0").charmcraft(CHARMCRAFT).start();
    juju.model().set_leader(true);

    say!("A unit of the example charm comes up. There is no tracing backend yet: traces wait on disk.");
    show(&mut juju, "install", Event::hook("install"), collector.as_ref());
    show(&mut juju, "start", Event::hook("start"), collector.as_ref());

    say!("\n$ juju integrate app:tracing tempo");
    let relation = juju.add_relation("tracing", "tempo", &["tempo/0"]);
    let created = Event::relation_created("tracing", relation);
    show(&mut juju, "tracing-relation-created", created, collector.as_ref());
    for (key, value) in juju.model().local_app_data(relation) {
        say!("  app asks over the relation: {key} = {value}");
    }

    let endpoint = match (backend, &collector) {
        (Backend::Remote { endpoint, ca }, _) => {
            if let Some(ca) = ca {
                juju.model().set_config("tracing-ca", ca.to_string_lossy().into());
            }
            endpoint.clone()
        }
        (Backend::BuiltIn, Some(collector)) => collector.endpoint(),
        (Backend::BuiltIn, None) => unreachable!("the built-in collector was started above"),
    };
    juju.publish_endpoint(relation, &endpoint);
    for (key, value) in juju.model().remote_app_data(relation) {
        say!("  tempo answers:              {key} = {value}");
    }

    say!("\nThe next event delivers what has waited, and itself.");
    let last = show(&mut juju, "update-status", Event::hook("update-status"), collector.as_ref());
    end(&juju, &last, collector.as_ref(), &endpoint)
}

/// Runs one dispatch and prints what Juju logged and what arrived at the collector.
fn show(juju: &mut SimulatedJuju, name: &str, event: Event, collector: Option<&Collector>) -> Outcome {
    say!("\n── {name} {}", "─".repeat(76_usize.saturating_sub(name.len())));
    let outcome = juju.dispatch(event);
    for line in &outcome.log {
        say!("  unit-app-0: {} {}", line.level, line.message);
    }
    show_text(&(indented(&outcome.stdout) + &indented(&outcome.stderr)));
    let took = outcome.wall.as_secs_f64() * 1e3;
    match outcome.code() {
        Some(code) => say!("  exit code {code} after {took:.1} ms"),
        None => say!("  killed after {took:.1} ms"),
    }
    if let Some(collector) = collector
        && !collector.requests().is_empty()
    {
        let spans = collector.spans();
        say!("\n{} spans arrived:\n", spans.len());
        show_text(&indented(&tree::picture(&spans)));
    } else if let Some(bytes) = waiting(juju) {
        say!("  {bytes} bytes of traces wait in .charm_tracing_buffer");
    }
    outcome
}

/// Whether the story came true.
fn end(juju: &SimulatedJuju, last: &Outcome, collector: Option<&Collector>, endpoint: &str) -> ExitCode {
    let delivered = match collector {
        // Every push was answered before the charm exited.
        Some(collector) => {
            collector.wait_for(TRACES, Duration::ZERO).is_ok() && tree::check(&collector.spans()).is_ok()
        }
        None => waiting(juju).is_none(),
    };
    if last.success() && delivered {
        say!("\nAll {TRACES} traces were delivered to {endpoint}, and nothing is left in the buffer.");
        ExitCode::SUCCESS
    } else {
        say!("\nNot everything was delivered to {endpoint}; the rest waits for the next event.");
        ExitCode::FAILURE
    }
}

/// How many bytes the buffer holds, if there are traces in it.
fn waiting(juju: &SimulatedJuju) -> Option<u64> {
    let file = fs::metadata(juju.charm_dir().join(".charm_tracing_buffer")).ok()?;
    Some(file.len()).filter(|bytes| *bytes > EMPTY_BUFFER)
}

/// The header that an empty buffer file still has.
const EMPTY_BUFFER: u64 = 128;

fn show_text(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |indented, line| indented + "  " + line + "\n")
}
