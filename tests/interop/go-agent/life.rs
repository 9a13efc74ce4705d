//! A whole life of the two example charms, related to each other.

use std::fmt::Write as _;
use std::path::Path;

use charm_testing::collector::Collector;
use charm_testing::{Event, Integration, Juju, Outcome, Relation};
use serde_json::json;

use crate::go::{Go, program};

/// How much has happened.
pub(crate) struct Counted {
    pub(crate) dispatches: usize,
    pub(crate) tools: usize,
}

const APP: &str = "app/0";
const TEMPO: &str = "tempo/0";

/// Plays the life without Go and with it, and compares all that Juju and the backends got.
pub(crate) fn play(go: &Go, version: &str) -> Counted {
    let backends = Backends { of_app: Collector::start(), of_tempo: Collector::start() };
    let charms = ["requirer-charm", "provider-charm"].map(program);

    let mut reference = Life::of(charms.each_ref().map(Juju::new), version, &backends, false);
    reference.play();

    let through_go = |charm: &Path| go.deploy(&format!("'{}'", charm.display()));
    let mut life = Life::of([through_go(&charms[0]), through_go(&charms[1])], version, &backends, true);
    life.play();

    let place = reference.told.iter().zip(&life.told).position(|(expected, found)| expected != found);
    if let Some(place) = place {
        let (expected, found) = (&reference.told[place], &life.told[place]);
        panic!("Juju {version}: not as without Go\nexpected: {expected}\nfound: {found}");
    }
    assert_eq!(reference.told.len(), life.told.len());
    life.counted
}

struct Backends {
    of_app: Collector,
    of_tempo: Collector,
}

struct Life<'a> {
    app: Juju,
    tempo: Juju,
    backends: &'a Backends,
    with_go: bool,
    counted: Counted,
    /// The dispatches so far: unit and event.
    events: Vec<(String, String)>,
    /// Records what is known after each dispatch, and what the backends got.
    told: Vec<String>,
}

impl<'a> Life<'a> {
    fn of([requirer, provider]: [Juju; 2], version: &str, backends: &'a Backends, with_go: bool) -> Self {
        backends.of_app.clear();
        backends.of_tempo.clear();
        let app = requirer.unit(APP).charmcraft(include_str!("../../../examples/requirer/charmcraft.yaml"));
        let tempo =
            provider.unit(TEMPO).charmcraft(include_str!("../../../examples/provider/charmcraft.yaml"));
        let [mut app, mut tempo] = [app, tempo].map(|juju| juju.juju_version(version));
        app.set_leader(true);
        tempo.set_leader(true);
        let endpoint = backends.of_app.endpoint();
        let (host, port) = endpoint.rsplit_once(':').expect("the endpoint has a port");
        let port: u16 = port.parse().expect("a port is a number");
        tempo.set_config("external-url", host);
        tempo.set_config("otlp-http-port", port);
        let counted = Counted { dispatches: 0, tools: 0 };
        Self { app, tempo, backends, with_go, counted, events: Vec::new(), told: Vec::new() }
    }

    fn play(&mut self) {
        for name in ["install", "leader-elected", "config-changed"] {
            self.both(name);
        }
        assert_eq!(self.hook(APP, Event::start()).unit_status.status, "active");
        self.hook(TEMPO, Event::start());
        assert!(self.backends.of_app.requests().is_empty(), "there is no backend yet");

        // The provider's own traces go to another backend.
        let own = self.tempo.relate("charm-tracing", "other");
        own.publish_endpoint(&self.backends.of_tempo.endpoint());
        self.hook(TEMPO, Event::relation_created(&own));
        self.hook(TEMPO, Event::relation_joined(&own));
        self.hook(TEMPO, Event::relation_changed(&own));
        assert_eq!(own.local_app_data()["receivers"], r#"["otlp_http"]"#);

        let mut relation = Integration::new((&mut self.app, "tracing"), (&mut self.tempo, "tracing"));
        let [of_app, of_tempo] = relation.relations();
        while let Some(outcome) = relation.run_next_hook(&mut self.app, &mut self.tempo) {
            self.heed(&outcome);
            self.tell_databags([&of_app, &of_tempo]);
        }
        assert_eq!(of_app.local_app_data()["receivers"], r#"["otlp_http"]"#);
        let endpoint = self.backends.of_app.endpoint();
        assert_eq!(
            of_tempo.local_app_data()["receivers"],
            format!(r#"[{{"protocol": {{"name": "otlp_http", "type": "http"}}, "url": "{endpoint}"}}]"#)
        );

        self.both("update-status");
        self.app.set_config("greeting", json!("good morning"));
        self.both("config-changed");
        self.both("upgrade-charm");
        for outcome in relation.remove(&mut self.app, &mut self.tempo) {
            self.heed(&outcome);
        }
        self.both("stop");
        self.both("remove");
        self.tell_traces();
    }

    fn both(&mut self, name: &str) {
        for unit in [APP, TEMPO] {
            self.hook(unit, Event::hook(name));
        }
    }

    fn hook(&mut self, unit: &str, event: Event) -> Outcome {
        let juju = if unit == APP { &mut self.app } else { &mut self.tempo };
        let outcome = juju.dispatch(event);
        self.heed(&outcome);
        outcome
    }

    /// Checks and notes what came of a dispatch.
    fn heed(&mut self, outcome: &Outcome) {
        let juju = if outcome.unit == APP { &self.app } else { &self.tempo };
        assert!(outcome.success(), "{outcome}");
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""), "{outcome}");
        self.counted.dispatches += 1;
        self.events.push((outcome.unit.clone(), outcome.event.clone()));
        if self.with_go {
            self.counted.tools += Go::check_one_connection(juju, outcome);
        }
        let status = &outcome.unit_status;
        let mut told = format!("{} {}: {} {:?}", outcome.unit, outcome.event, status.status, status.message);
        for call in &outcome.calls {
            let _ = write!(told, "\n  {}", call.join(" "));
        }
        self.told.push(match outcome.trace_id() {
            Some(id) => told.replace(&id, "TRACE"),
            None => told,
        });
    }

    fn tell_databags(&mut self, relations: [&Relation; 2]) {
        for relation in relations {
            let databags = (relation.local_app_data(), relation.local_unit_data());
            self.told.push(format!("{databags:?}"));
        }
    }

    /// Notes the traces, and checks that there is one for each dispatch as long as the unit knew its backend.
    fn tell_traces(&mut self) {
        let keys = ["workload.changed", "juju.hook_tool.arguments"];
        for (unit, backend) in [(APP, &self.backends.of_app), (TEMPO, &self.backends.of_tempo)] {
            let mut roots = Vec::new();
            for request in backend.requests() {
                let trace = request.trace.as_ref().expect("a trace");
                trace.check().unwrap_or_else(|problems| panic!("{problems:?}"));
                let outline = trace.outline().status().events().attributes(&keys).to_string();
                roots.extend(outline.lines().filter(|line| line.starts_with(unit)).map(ToOwned::to_owned));
                self.told.push(outline);
            }
            let events = self.events.iter().filter(|(of, _)| of == unit);
            let traced = events.take_while(|(_, event)| unit == TEMPO || event != "tracing-relation-broken");
            let expected: Vec<_> = traced.map(|(_, event)| format!("{unit}: {event} event")).collect();
            let found: Vec<_> =
                roots.iter().map(|root| root.split(" {").next().unwrap_or_default().to_owned()).collect();
            assert_eq!(found, expected, "the traces of {unit}");
        }
    }
}
