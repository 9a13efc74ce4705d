//! The story: what happens to the units, and what one sees of it.

use std::collections::BTreeMap;
use std::env;
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::time::Duration;

use charm_testing::collector::Collector;
use charm_testing::{Event, Integration, Juju, LogLine, Outcome, Trace, queue};
use serde_json::json;

use crate::arguments::{Arguments, Backend, Endpoint};
use crate::page;
use crate::paint::{self, BAD, GOOD, HEADING, painted, say, show};
use crate::stop::Stop;

/// The unit whose traces are shown.
const APP: &str = "app/0";
/// Where they wait, in its charm directory.
const QUEUE: &str = ".charm_tracing_buffer";
/// The width of the pictures of traces, without the indentation.
const WIDTH: usize = 98;
/// The unit that knows where traces go.
pub(crate) const TEMPO: &str = "tempo/0";

/// The reason why the story is not told to its end.
pub(crate) enum Halt {
    Signal,
    Failure(String),
}

/// Returns true if every hook succeeded and every trace was delivered.
pub(crate) fn tell(arguments: &Arguments, stop: &Stop) -> Result<bool, Halt> {
    let (collector, endpoint, ca) = match &arguments.backend {
        Backend::BuiltIn => {
            let (collector, endpoint) = start_collector().map_err(Halt::Failure)?;
            (Some(collector), endpoint, None)
        }
        Backend::Remote { endpoint, ca } => (None, endpoint.clone(), ca.as_ref()),
    };
    let mut app = App::deploy(stop)?;
    if let Some(ca) = ca {
        app.juju.set_config("tracing-ca", json!(ca));
    }

    say!("A unit of an example charm comes up. There is no tracing backend yet: traces wait on disk.\n");
    let mut well = app.show_hook("install")? & app.show_hook("start")?;
    app.show_queue();

    let (url, port) = (&endpoint.url_without_port, endpoint.port);
    let command = "$ juju deploy ./provider-charm.charm tempo";
    let command = format!("{command} --config external-url={url} --config otlp-http-port={port}");
    say!("{}\n", painted(HEADING, &command));
    let mut tempo = deploy_tempo(&endpoint)?;
    for hook in ["install", "start"] {
        well &= show_line(&tempo.dispatch(Event::hook(hook)));
        app.go_on()?;
    }

    say!("\n{}\n", painted(HEADING, "$ juju integrate app:tracing tempo:tracing"));
    well &= show_integration(&mut app, &mut tempo)?;

    if app.waiting == 0 {
        say!("\nFrom now on the charm knows where to send its traces, without asking Juju.\n");
    } else {
        say!("\nThe next event tries again.\n");
    }
    well &= app.show_hook("update-status")?;
    Ok(end(&app, well, collector.as_ref(), &endpoint, arguments))
}

/// Starts the built-in collector and connects to it once, because a port can be had where no connection can.
fn start_collector() -> Result<(Collector, Endpoint), String> {
    const PATIENCE: Duration = Duration::from_secs(2);
    let refused =
        |error| format!("the built-in collector needs the loopback interface, which is at fault: {error}");
    let collector = Collector::try_start().map_err(refused)?;
    let endpoint = Endpoint::parse(&collector.endpoint())?;
    TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, endpoint.port).into(), PATIENCE).map_err(refused)?;
    Ok((collector, endpoint))
}

/// Runs the hooks of the integration and prints them, until both units have nothing more to do; whether all
/// succeeded.
fn show_integration(app: &mut App, tempo: &mut Juju) -> Result<bool, Halt> {
    let mut relation = Integration::new((&mut app.juju, "tracing"), (tempo, "tracing"));
    let [of_app, of_tempo] = relation.relations();
    let mut published = Databags::default();
    while let Some(outcome) = relation.run_next_hook(&mut app.juju, tempo) {
        let well = show_line(&outcome);
        published.show(APP, of_app.local_app_data());
        published.show(TEMPO, of_tempo.local_app_data());
        if outcome.unit == APP {
            app.show_delivery(&outcome, "           ");
        }
        if !well {
            return Ok(false);
        }
        app.go_on()?;
    }
    Ok(true)
}

/// Prints what has arrived, and whether the story came true.
fn end(
    app: &App,
    well: bool,
    collector: Option<&Collector>,
    endpoint: &Endpoint,
    arguments: &Arguments,
) -> bool {
    let mut delivered = app.waiting == 0;
    if let Some(collector) = collector {
        let spans = collector.trace();
        // Every push was answered before the charm exited.
        delivered &= collector.requests().len() == app.traces.len() && spans.check().is_ok();
        say!("{} spans arrived:\n", spans.len());
        show(&indented(&paint::picture(&spans.picture(WIDTH))));
        page::write(&spans, arguments);
    } else {
        app.show_traces();
        page::write(&app.on_disk, arguments);
    }
    say!("");
    let (traces, url) = (app.traces.len(), &endpoint.url);
    if well && delivered {
        let text = format!("All {traces} traces were delivered to {url}, and none waits any more.");
        say!("{}", painted(GOOD, &text));
    } else {
        let text = format!("Not everything was delivered to {url}; the rest waits for the next event.");
        say!("{}", painted(BAD, &text));
    }
    well && delivered
}

/// The unit that is traced.
struct App<'a> {
    juju: Juju,
    /// The event and the id of each dispatch's trace.
    traces: Vec<(String, String)>,
    /// How many of them still wait.
    waiting: usize,
    /// The spans of those that were on disk when their dispatch had ended.
    on_disk: Trace,
    stop: &'a Stop,
}

impl<'a> App<'a> {
    fn deploy(stop: &'a Stop) -> Result<Self, Halt> {
        let juju = deploy(APP, include_str!("../requirer/charmcraft.yaml"))?;
        Ok(Self { juju, traces: Vec::new(), waiting: 0, on_disk: Trace::default(), stop })
    }

    /// Fails if a signal came: hooks are not interrupted, so that no process of theirs outlives the demo.
    fn go_on(&self) -> Result<(), Halt> {
        if self.stop.is_asked_for() { Err(Halt::Signal) } else { Ok(()) }
    }

    /// Runs a hook and prints all that one can see of it; whether it succeeded.
    fn show_hook(&mut self, name: &str) -> Result<bool, Halt> {
        let outcome = self.juju.dispatch(Event::hook(name));
        let line = "─".repeat(76_usize.saturating_sub(name.len()));
        say!("{}", painted(HEADING, &format!("── {name} {line}")));
        for line in &outcome.log {
            say!("  {}", log_line(&outcome, line));
        }
        show(&(indented(&outcome.stdout) + &indented(&outcome.stderr)));
        say!("  {}", end_of(&outcome));
        self.show_delivery(&outcome, "  ");
        say!("");
        self.go_on()?;
        Ok(outcome.success())
    }

    /// Prints what has become of the traces so far.
    fn show_delivery(&mut self, outcome: &Outcome, indent: &str) {
        let id = outcome.trace_id().unwrap_or_default();
        self.waiting += 1;
        let on_disk = queue::traces(&self.juju.charm_dir().join(QUEUE));
        if let Some(own) = on_disk.iter().find(|trace| trace.trace_id == id) {
            self.on_disk.extend(own.trace().unwrap_or_default());
        }
        self.traces.push((outcome.event.clone(), id));
        if !on_disk.is_empty() {
            let (count, bytes) = (on_disk.len(), on_disk.iter().map(|trace| trace.bytes).sum::<u64>());
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
        say!("{}", painted(HEADING, &format!("$ ls -l {QUEUE}")));
        let mut ls = Command::new("ls");
        ls.args(["-l", QUEUE]).current_dir(self.juju.charm_dir()).env("LC_ALL", "C");
        let listing = ls.output().expect("`ls` can be started").stdout;
        show(&indented(&String::from_utf8_lossy(&listing)));
        say!("");
    }

    /// Prints what there is to know of traces that went to a backend which is not asked: the spans of those that waited
    /// on disk, and the ids of all.
    fn show_traces(&self) {
        say!("The traces that waited on disk, as their files had them:\n");
        show(&indented(&paint::picture(&self.on_disk.picture(WIDTH))));
        say!("\nAll of them, to look them up at the backend by their ids:\n");
        for (event, id) in &self.traces {
            say!("  {}  {APP}: {event} event", painted(HEADING, id));
        }
    }
}

/// The backend's charm, told that its workload is at this endpoint.
fn deploy_tempo(endpoint: &Endpoint) -> Result<Juju, Halt> {
    let mut tempo = deploy(TEMPO, include_str!("../provider/charmcraft.yaml"))?;
    tempo.set_config("external-url", endpoint.url_without_port.as_str());
    tempo.set_config("otlp-http-port", endpoint.port);
    Ok(tempo)
}

fn deploy(unit: &str, charmcraft: &str) -> Result<Juju, Halt> {
    let refused = |error: std::io::Error| Halt::Failure(error.to_string());
    let myself = env::current_exe().map_err(refused)?;
    let mut juju = Juju::try_new(myself).map_err(refused)?.unit(unit).charmcraft(charmcraft);
    juju.set_leader(true);
    Ok(juju)
}

/// The databags that the applications have published, to print what is new.
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
        say!("           {}", log_line(outcome, line));
    }
    show(&(indented(&outcome.stdout) + &indented(&outcome.stderr)));
    outcome.success()
}

fn end_of(outcome: &Outcome) -> String {
    let took = outcome.duration.as_secs_f64() * 1e3;
    let style = if outcome.success() { GOOD } else { BAD };
    let how = match outcome.code() {
        Some(code) => format!("exit code {code}"),
        None => "killed".to_owned(),
    };
    format!("{} after {took:.1} ms", painted(style, &how))
}

/// A line of Juju's log, with the agent as `juju debug-log` names it.
fn log_line(outcome: &Outcome, line: &LogLine) -> String {
    let agent = format!("unit-{}", outcome.unit.replace('/', "-"));
    painted(paint::of_level(&line.level), &format!("{agent}: {} {}", line.level, line.message))
}

/// A dispatch that is traced says so, and which event it is for.
fn is_usual(line: &LogLine) -> bool {
    ["Starting root trace with id=", "Emitting Juju event "].iter().any(|usual| line.message.contains(usual))
}

fn is_warning(line: &LogLine) -> bool {
    matches!(line.level.as_str(), "WARNING" | "ERROR" | "CRITICAL")
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |indented, line| indented + "  " + line + "\n")
}
