//! A unit that is well, meets a fault, and recovers.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju, Outcome, Relation, Trace, queue};

const SESSION_CHARM: &str = env!("CARGO_BIN_EXE_session-charm");
const RELATION_CHARM: &str = env!("CARGO_BIN_EXE_relation-charm");
const TEST_CHARM: &str = env!("CARGO_BIN_EXE_test-charm");
const KILLED_CHARM: &str = env!("CARGO_BIN_EXE_killed-charm");
const COS_AGENT_CHARM: &str = env!("CARGO_BIN_EXE_cos-agent-charm");
const COS_AGENT_METADATA: &str =
    "{name: traced-charm, provides: {cos-agent: {interface: cos_agent, limit: 1}}}";
/// The unit on the other side of the relation.
pub(crate) const REMOTE_UNIT: &str = "tempo/0";
const METADATA: &str = "{name: traced-charm, requires: {tracing: {interface: tracing, limit: 1}}}";

/// A unit, its backend, and what has happened to them.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) juju: Juju,
    /// Well, until it is told otherwise. It is in the environment, and the other side of the relation says so too.
    pub(crate) backend: Collector,
    /// Other backends. What they take counts as delivered.
    pub(crate) others: Vec<Collector>,
    /// Variables that all hooks have from now on.
    pub(crate) variables: BTreeMap<&'static str, String>,
    /// True if the charm knows of a backend.
    pub(crate) knows_backend: bool,
    /// Where the traces wait.
    pub(crate) buffer: PathBuf,
    /// The document's remark about the traces that were delivered at once.
    pub(crate) remark: String,
    pub(crate) relation: Relation,
    /// How long the hook takes if nothing is wrong.
    usual: Duration,
    /// The hooks without the fault, before and afterwards.
    well: Vec<Outcome>,
    earlier: usize,
    hooks: Vec<Outcome>,
}

/// The traces of a trial, counted by where they are.
#[derive(Debug)]
pub(crate) struct Traces {
    pub(crate) all: usize,
    pub(crate) afterwards: usize,
    pub(crate) lost: usize,
    pub(crate) twice: usize,
}

/// A charm with a `Session` in its own `main`; see its source for the variables.
pub(crate) fn session_charm() -> Juju {
    unit(SESSION_CHARM)
}

/// A charm that asks the relation for its endpoint, with an attribute and `run`.
pub(crate) fn relation_charm() -> Juju {
    unit(RELATION_CHARM)
}

/// A charm that asks the collector on its machine for its endpoint, with an attribute and `run`.
pub(crate) fn cos_agent_charm() -> Juju {
    unit(COS_AGENT_CHARM).metadata(COS_AGENT_METADATA)
}

/// A charm with an attribute and `run`, whose events do what their names do not say; see its source.
pub(crate) fn test_charm() -> Juju {
    unit(TEST_CHARM)
}

/// A charm with a `Session` that ends as the variable `WORK` says; see its source.
pub(crate) fn killed_charm() -> Juju {
    unit(KILLED_CHARM)
}

/// A session charm whose processes are started by this shell script, which is to end with `exec "$CHARM"`.
pub(crate) fn session_charm_by(script: &str) -> Juju {
    let script = format!("#!/bin/sh\nCHARM={SESSION_CHARM}\n{script}\n");
    Juju::from_script(&script).unit("app/0").metadata(METADATA)
}

fn unit(charm: &str) -> Juju {
    Juju::new(charm).unit("app/0").metadata(METADATA)
}

impl Trial {
    /// Starts a unit that learns of its backend over this endpoint, and has delivered its first trace.
    pub(crate) fn start(mut juju: Juju, endpoint: &str) -> Self {
        let backend = Collector::start();
        juju.set_leader(true);
        let relation = juju.relate(endpoint, "tempo");
        let buffer = juju.charm_dir().join(".charm_tracing_buffer");
        let mut trial = Self {
            juju,
            backend,
            others: Vec::new(),
            variables: BTreeMap::new(),
            knows_backend: true,
            buffer,
            remark: String::new(),
            relation,
            usual: Duration::ZERO,
            well: Vec::new(),
            earlier: 0,
            hooks: Vec::new(),
        };
        trial.publish(&trial.backend.endpoint());
        trial.usual = trial.recover();
        trial
    }

    /// The hook of this trial, with everything as it is now.
    pub(crate) fn event(&self) -> Event {
        self.with_variables(Event::hook("update-status"))
    }

    /// An event with everything as it is now.
    pub(crate) fn with_variables(&self, event: Event) -> Event {
        let event = event.env("TRACE_ENDPOINT", &self.backend.endpoint());
        let event = self.variables.iter().fold(event, |event, (name, value)| event.env(name, value));
        if self.knows_backend { event } else { event.env_remove("TRACE_ENDPOINT") }
    }

    /// So many hooks under the fault.
    pub(crate) fn hooks(&mut self, count: usize) {
        for _ in 0..count {
            self.hook(self.event());
        }
    }

    /// A hook under the fault.
    pub(crate) fn hook(&mut self, event: Event) -> &Outcome {
        let outcome = self.juju.dispatch(event);
        self.hooks.push(outcome);
        self.hooks.last().unwrap()
    }

    /// Hooks of other units that met the fault as well.
    pub(crate) fn others_hooks(&mut self, outcomes: Vec<Outcome>) {
        self.hooks.extend(outcomes);
    }

    /// So many traces wait because there was no backend, before anything is wrong. They count as the fault's.
    pub(crate) fn buffered(&mut self, count: usize) {
        let knows_backend = std::mem::replace(&mut self.knows_backend, false);
        for _ in 0..count {
            let outcome = self.juju.dispatch(self.event());
            assert!(outcome.success(), "{outcome}");
        }
        self.knows_backend = knows_backend;
        self.earlier += count;
        assert_eq!(queue::waiting(&self.buffer), self.earlier);
    }

    /// A hook without the fault; how long it took.
    pub(crate) fn recover(&mut self) -> Duration {
        self.knows_backend = true;
        let outcome = self.juju.dispatch(self.event());
        assert!(outcome.success(), "it is well: {outcome}");
        assert_eq!(outcome.notices(), [""; 0], "it is well: {outcome}");
        let wall = outcome.duration;
        self.well.push(outcome);
        wall
    }

    /// Keeps the traces in another directory from now on.
    pub(crate) fn keep_in(&mut self, directory: PathBuf) {
        self.variables.insert("TRACE_BUFFER", directory.to_str().unwrap().to_owned());
        self.buffer = directory;
    }

    /// Sends to another backend from now on.
    pub(crate) fn send_to(&mut self, endpoint: &str) {
        self.variables.insert("TRACE_ENDPOINT", endpoint.to_owned());
        self.publish(endpoint);
    }

    /// Sends to the unit's own backend again.
    pub(crate) fn send_home(&mut self) {
        let endpoint = self.backend.endpoint();
        self.send_to(&endpoint);
    }

    fn publish(&self, endpoint: &str) {
        let protocol = r#"{"name": "otlp_http", "type": "http"}"#;
        self.receivers(&format!(r#"[{{"protocol": {protocol}, "url": "{endpoint}"}}]"#));
    }

    /// Lets the other side of the relation say this of its receivers.
    pub(crate) fn receivers(&self, text: &str) {
        self.relation.set_remote_app_data("receivers", text);
        // Over `cos_agent` the unit says it.
        self.relation.set_remote_unit_data(REMOTE_UNIT, "receivers", text);
    }

    /// Replaces the relation, which is no longer there, by a new one.
    pub(crate) fn relate_again(&mut self) {
        let endpoint = self.relation.endpoint().to_owned();
        self.relation = self.juju.relate(&endpoint, "tempo");
        self.send_home();
    }

    /// A file in the charm directory, and its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.juju.charm_dir().join(name)
    }

    pub(crate) fn outcomes(&self) -> &[Outcome] {
        &self.hooks
    }

    pub(crate) fn usual(&self) -> Duration {
        self.usual
    }

    /// How many traces wait, of the fault and of others, and how many killed dispatches have left a journal.
    pub(crate) fn waiting(&self) -> usize {
        queue::waiting(&self.buffer) + queue::journals(&self.buffer).len()
    }

    /// Counts the traces after the recovery, each of whose own traces has arrived. So many had been delivered
    /// before it.
    pub(crate) fn traces(&self, traced: bool, at_once: usize) -> Traces {
        let all = if traced { self.earlier + self.hooks.len() } else { 0 };
        let delivered = self.delivered();
        let twice = self.twice();
        if twice == 0 {
            self.spans().check().expect("whole traces");
        }
        for outcome in &self.well {
            let arrived = self.arrived().contains(&outcome.trace_id().unwrap());
            assert!(arrived, "a trace of the recovery is missing: {}", self.story());
        }
        let lost = all.checked_sub(delivered).expect("no more traces than hooks");
        Traces { all, afterwards: delivered - at_once, lost, twice }
    }

    /// Replaces what differs from run to run, so that the text can be compared.
    pub(crate) fn anonymous(&self, text: &str) -> String {
        let text = text.replace(self.juju.charm_dir().to_str().unwrap(), "<charm>");
        // The name of a trace begins with 16 digits, and so does that of one that is being written.
        let is_trace = |part: &&str| {
            let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
            digits == 16 && (part[digits..].starts_with('-') || part[digits..].starts_with(".part"))
        };
        let parts = text.split('/').map(|part| match Some(part).filter(is_trace) {
            Some(name) => {
                let end = name.trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == '-');
                format!("<trace>{end}")
            }
            None => part.to_owned(),
        });
        let text = parts.collect::<Vec<_>>().join("/");
        let mut parts = text.split("127.0.0.1:");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| {
            text + "HOST:PORT" + part.trim_start_matches(|c: char| c.is_ascii_digit())
        })
    }

    /// All that has happened, for a failed assertion.
    pub(crate) fn story(&self) -> String {
        let told = self.hooks.iter().chain(&self.well).map(ToString::to_string).collect::<String>();
        format!("the hooks under the fault, then those without:\n{told}arrived: {:#?}", self.arrived())
    }

    /// How many traces have arrived that are neither from before the fault nor of the recovery.
    pub(crate) fn delivered(&self) -> usize {
        let well: BTreeSet<_> = self.well.iter().filter_map(Outcome::trace_id).collect();
        let arrived = self.arrived();
        let known: BTreeSet<_> = self.hooks.iter().filter_map(Outcome::trace_id).collect();
        let others = arrived.difference(&well).filter(|id| !known.contains(*id)).count();
        let silent = self.hooks.iter().filter(|outcome| outcome.trace_id().is_none()).count();
        assert!(others <= self.earlier + silent, "traces of nobody have arrived: {}", self.story());
        arrived.difference(&well).count()
    }

    fn arrived(&self) -> BTreeSet<String> {
        self.spans().iter().map(|span| span.trace_id.to_string()).collect()
    }

    /// How many traces have a span that has arrived more than once.
    fn twice(&self) -> usize {
        let mut seen = HashSet::new();
        let spans = self.spans().into_iter().map(|span| (span.trace_id, span.span_id));
        let again = spans.filter(|ids| !seen.insert(*ids));
        again.map(|(trace, _)| trace).collect::<HashSet<_>>().len()
    }

    fn spans(&self) -> Trace {
        let backends = self.others.iter().chain([&self.backend]);
        backends.flat_map(Collector::trace).collect()
    }
}
