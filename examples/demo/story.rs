//! What happens to the units, and what one sees of it.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, DirEntry};
use std::io::{self, Write};
use std::process::{Command, ExitCode};

use serde_json::json;
use tests::collector::Collector;
use tests::juju::{Deployment, Event, Integration, LogLine, Outcome, SimulatedJuju};
use tests::tree;

use crate::arguments::{Backend, Endpoint};

/// The unit whose traces are shown.
const APP: &str = "app/0";
/// Where they wait, in its charm directory.
const QUEUE: &str = ".charm_tracing_buffer";
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
    app.show_queue();

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
        say!("All {traces} traces were delivered to {url}, and none waits any more.");
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
    /// How many of them still wait.
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
        let files = self.files_waiting();
        if !files.is_empty() {
            let (count, bytes) = (files.len(), files.iter().sum::<u64>());
            let traces = if count == 1 { "trace" } else { "traces" };
            say!("{indent}waiting in {QUEUE}: {count} {traces}, {bytes} bytes");
        } else if !outcome.log.iter().any(is_warning) {
            match self.waiting {
                1 => say!("{indent}its trace was delivered"),
                all => say!("{indent}{all} traces were delivered: its own, and those that have waited"),
            }
            self.waiting = 0;
        }
    }

    /// Prints the directory in which traces wait.
    fn show_queue(&self) {
        say!("Each trace is a file, and each file is the body of a request that any OTLP receiver takes:\n");
        say!("$ ls -l {QUEUE}");
        let mut ls = Command::new("ls");
        ls.args(["-l", QUEUE]).current_dir(self.juju.charm_dir()).env("LC_ALL", "C");
        let listing = ls.output().expect("`ls` can be started").stdout;
        show_text(&indented(&String::from_utf8_lossy(&listing)));
        say!("");
    }

    /// The sizes of the traces that wait, in bytes.
    fn files_waiting(&self) -> Vec<u64> {
        let Ok(entries) = fs::read_dir(self.juju.charm_dir().join(QUEUE)) else { return Vec::new() };
        let entries = entries.map(|entry| entry.expect("the directory can be read"));
        let is_trace = |entry: &DirEntry| {
            entry.path().extension().is_some_and(|extension| extension == "otlp" || extension == "idle")
        };
        entries.filter(is_trace).map(|entry| entry.metadata().expect("it is still there").len()).collect()
    }
}

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
