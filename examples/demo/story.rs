//! What happens to the units, and what one sees of it.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;
use tests::collector::Collector;
use tests::juju::{Deployment, Event, Integration, LogLine, Outcome, SimulatedJuju};
use tests::tree;

use crate::arguments::{Backend, Endpoint};

/// The unit whose traces are shown.
const APP: &str = "app/0";
/// The unit that knows where traces go.
pub(crate) const TEMPO: &str = "tempo/0";

/// Prints a line. The reader may have seen enough (`| head`); the story goes on and cleans up.
macro_rules! say {
    ($($line:tt)*) => {
        show_text(&format!("{}\n", format_args!($($line)*)))
    };
}

pub(crate) fn tell(backend: &Backend) -> ExitCode {
    let (collector, endpoint, ca) = match backend {
        Backend::BuiltIn => {
            let collector = Collector::start();
            let endpoint = Endpoint::parse(&collector.endpoint()).expect("the collector has an endpoint");
            (Some(collector), endpoint, None)
        }
        Backend::Remote { endpoint, ca } => (None, endpoint.clone(), ca.as_ref()),
    };
    let mut app = App::deploy();
    if let Some(ca) = ca {
        app.juju.model().set_config("tracing-ca", json!(ca));
    }

    say!("A unit of an example charm comes up. There is no tracing backend yet: traces wait on disk.\n");
    let mut well = app.show_hook("install") & app.show_hook("start");

    say!(
        "$ juju deploy ./provider-charm.charm tempo --config external-url={} --config otlp-http-port={}\n",
        endpoint.url_without_port,
        endpoint.port
    );
    let mut tempo = deploy_tempo(&endpoint);
    for hook in ["install", "start"] {
        well &= show_line(&tempo.dispatch(Event::hook(hook)));
    }

    say!("\n$ juju integrate app:tracing tempo:tracing\n");
    well &= show_integration(&mut app, &mut tempo);

    if app.waiting == 0 {
        say!("\nFrom now on the charm knows where to send its traces, without asking Juju.\n");
    } else {
        say!("\nThe next event tries again.\n");
    }
    well &= app.show_hook("update-status");
    end(&app, well, collector.as_ref(), &endpoint)
}

/// Runs the hooks of the integration and prints them, until both units have nothing more to do; whether all
/// succeeded.
fn show_integration(app: &mut App, tempo: &mut SimulatedJuju) -> bool {
    let mut relation = Integration::new((&mut app.juju, "tracing"), (tempo, "tracing"));
    let (of_app, of_tempo) = relation.ids();
    let mut published = Databags::default();
    while let Some(outcome) = relation.step(&mut app.juju, tempo) {
        let well = show_line(&outcome);
        published.show(APP, app.juju.model().local_app_data(of_app));
        published.show(TEMPO, tempo.model().local_app_data(of_tempo));
        if outcome.unit == APP {
            app.show_delivery(&outcome, "           ");
        }
        if !well {
            return false;
        }
    }
    true
}

/// Prints what has arrived, and whether the story came true.
fn end(app: &App, well: bool, collector: Option<&Collector>, endpoint: &Endpoint) -> ExitCode {
    let mut delivered = app.waiting == 0;
    if let Some(collector) = collector {
        let spans = collector.spans();
        // Every push was answered before the charm exited.
        delivered &= collector.requests().len() == app.traces && tree::check(&spans).is_ok();
        say!("{} spans arrived:\n", spans.len());
        show_text(&indented(&tree::picture(&spans)));
        say!("");
    }
    let (traces, url) = (app.traces, &endpoint.url);
    if well && delivered {
        say!("All {traces} traces were delivered to {url}, and nothing is left in the buffer.");
        ExitCode::SUCCESS
    } else {
        say!("Not everything was delivered to {url}; the rest waits for the next event.");
        ExitCode::FAILURE
    }
}

/// The unit that is traced.
struct App {
    juju: SimulatedJuju,
    /// One for each dispatch.
    traces: usize,
    /// How many of them are still in the buffer.
    waiting: usize,
}

impl App {
    fn deploy() -> Self {
        let juju = deploy(APP, include_str!("../requirer/charmcraft.yaml"));
        Self { juju, traces: 0, waiting: 0 }
    }

    /// Runs a hook and prints all that one can see of it; whether it succeeded.
    fn show_hook(&mut self, name: &str) -> bool {
        let outcome = self.juju.dispatch(Event::hook(name));
        say!("── {name} {}", "─".repeat(76_usize.saturating_sub(name.len())));
        for line in &outcome.log {
            say!("  {}: {} {}", agent(&outcome), line.level, line.message);
        }
        show_text(&(indented(&outcome.stdout) + &indented(&outcome.stderr)));
        say!("  {}", end_of(&outcome));
        self.show_delivery(&outcome, "  ");
        say!("");
        outcome.success()
    }

    /// Prints what has become of the traces so far.
    fn show_delivery(&mut self, outcome: &Outcome, indent: &str) {
        self.traces += 1;
        self.waiting += 1;
        if let Some(bytes) = self.bytes_waiting() {
            say!("{indent}{bytes} bytes of traces wait in .charm_tracing_buffer");
        } else if !outcome.log.iter().any(is_warning) {
            match self.waiting {
                1 => say!("{indent}its trace was delivered"),
                all => say!("{indent}{all} traces were delivered: its own, and those that have waited"),
            }
            self.waiting = 0;
        }
    }

    /// How many bytes the buffer holds, if there are traces in it.
    fn bytes_waiting(&self) -> Option<u64> {
        let file = fs::metadata(self.juju.charm_dir().join(".charm_tracing_buffer")).ok()?;
        Some(file.len()).filter(|bytes| *bytes > EMPTY_BUFFER)
    }
}

/// The header that an empty buffer file still has.
const EMPTY_BUFFER: u64 = 256;

/// The backend's charm, told that its workload is at this endpoint.
fn deploy_tempo(endpoint: &Endpoint) -> SimulatedJuju {
    let tempo = deploy(TEMPO, include_str!("../provider/charmcraft.yaml"));
    for (option, value) in [
        ("external-url", json!(endpoint.url_without_port)),
        ("otlp-http-port", json!(endpoint.port)),
        ("otlp-grpc-port", json!(4317)),
    ] {
        tempo.model().set_config(option, value);
    }
    tempo
}

fn deploy(unit: &str, charmcraft: &str) -> SimulatedJuju {
    let myself = env::current_exe().expect("a running program has a path");
    let juju = Deployment::new(&myself, &myself).unit(unit).charmcraft(charmcraft).start();
    juju.model().set_leader(true);
    juju
}

/// What the applications have published, to print what is new.
#[derive(Default)]
struct Databags(BTreeMap<&'static str, BTreeMap<String, String>>);

impl Databags {
    fn show(&mut self, unit: &'static str, databag: BTreeMap<String, String>) {
        let before = self.0.entry(unit).or_default();
        for (key, value) in databag.iter().filter(|(key, value)| before.get(*key) != Some(value)) {
            say!("           publishes {key} = {value}");
        }
        *before = databag;
    }
}

/// Prints a dispatch in one line, and more only if it has something to say that not every one says; whether it
/// succeeded.
fn show_line(outcome: &Outcome) -> bool {
    say!("  {:7}  {:24}  {}", outcome.unit, outcome.event, end_of(outcome));
    for line in outcome.log.iter().filter(|line| !is_usual(line)) {
        say!("           {}: {} {}", agent(outcome), line.level, line.message);
    }
    show_text(&(indented(&outcome.stdout) + &indented(&outcome.stderr)));
    outcome.success()
}

fn end_of(outcome: &Outcome) -> String {
    let took = outcome.wall.as_secs_f64() * 1e3;
    match outcome.code() {
        Some(code) => format!("exit code {code} after {took:.1} ms"),
        None => format!("killed after {took:.1} ms"),
    }
}

/// As `juju debug-log` names it.
fn agent(outcome: &Outcome) -> String {
    format!("unit-{}", outcome.unit.replace('/', "-"))
}

/// A dispatch that is traced says so, and which event it is for.
fn is_usual(line: &LogLine) -> bool {
    ["Starting root trace with id=", "Emitting Juju event "].iter().any(|usual| line.message.contains(usual))
}

fn is_warning(line: &LogLine) -> bool {
    matches!(line.level.as_str(), "WARNING" | "ERROR" | "CRITICAL")
}

fn show_text(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |indented, line| indented + "  " + line + "\n")
}
