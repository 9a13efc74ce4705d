//! The machine example: a principal unit whose collector, a subordinate on the same machine, tells it where to send.

use std::path::Path;

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju, Outcome, Relation};
use charm_tracing::juju::{Metadata, Role};
use serde_json::{Value, json};

const CHARM: &str = env!("CARGO_BIN_EXE_machine-charm");
const CHARMCRAFT: &str = include_str!("../../machine/charmcraft.yaml");

/// The collector's unit on the same machine, which is the only one that the principal sees.
const SUBORDINATE: &str = "opentelemetry-collector/0";

fn unit() -> Juju {
    Juju::new(CHARM).unit("app/0").charmcraft(CHARMCRAFT)
}

/// Relates the unit to a collector whose unit is not installed yet.
fn integrate(juju: &mut Juju) -> Relation {
    let relation = juju.relate("cos-agent", "opentelemetry-collector");
    relation.remove_remote_unit(SUBORDINATE);
    relation
}

/// Publishes what the collector's charm writes into its unit's databag.
fn publish(relation: &Relation, url: impl Into<Value>) {
    let protocol = json!({"name": "otlp_http", "type": "http"});
    let receivers = json!([{"protocol": protocol, "url": url.into()}]).to_string();
    relation.set_remote_unit_data(SUBORDINATE, "receivers", &receivers);
}

fn done(outcome: &Outcome) {
    assert_eq!((outcome.code(), &*outcome.stdout, &*outcome.stderr), (Some(0), "", ""), "{outcome}");
}

#[test]
fn the_metadata_has_the_endpoint_that_the_code_uses() {
    let metadata = Metadata::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("machine")).unwrap();
    let (role, endpoint) = metadata.endpoint("cos-agent").unwrap();
    assert_eq!((role, endpoint.interface.as_str(), endpoint.limit), (Role::Provides, "cos_agent", Some(1)));
    assert!(CHARMCRAFT.contains("bin/machine-charm: dispatch"));
}

#[test]
fn the_traces_of_a_unit_arrive_as_soon_as_its_collector_has_a_backend() {
    let mut juju = unit();
    done(&juju.dispatch(Event::install()));
    done(&juju.dispatch(Event::start()));

    let relation = integrate(&mut juju);
    done(&juju.dispatch(Event::relation_created(&relation)));
    assert!(!relation.local_unit_data().contains_key("config"), "nobody would read it");
    relation.add_remote_unit(SUBORDINATE);
    done(&juju.dispatch(Event::relation_joined(&relation)));
    let request: Value = serde_json::from_str(&relation.local_unit_data()["config"]).unwrap();
    assert_eq!(request["tracing_protocols"], json!(["otlp_http"]));

    publish(&relation, Value::Null);
    done(&juju.dispatch(Event::relation_changed(&relation)));
    assert_eq!(juju.waiting_traces().len(), 5, "the collector has no backend yet");

    let collector = Collector::start();
    publish(&relation, collector.endpoint());
    done(&juju.dispatch(Event::relation_changed(&relation)));
    assert_eq!((collector.requests().len(), juju.waiting_traces().len()), (6, 0));

    collector.clear();
    done(&juju.dispatch(Event::update_status()));
    collector.trace().assert_tree(
        "\
app/0: update-status event
  method call: MachineCharm.new
  event: update_status
    method call: MachineCharm.handle
      method call: MachineCharm.report_load
        status-set
",
    );

    relation.remove_remote_unit(SUBORDINATE);
    done(&juju.dispatch(Event::relation_departed(&relation).by_unit(SUBORDINATE)));
    done(&juju.dispatch(Event::relation_broken(&relation)));
    assert_eq!((collector.requests().len(), juju.waiting_traces().len()), (1, 2));
}

#[test]
fn what_another_program_of_the_charm_has_published_stays() {
    let mut juju = unit();
    let relation = integrate(&mut juju);
    let published = r#"{"metrics_alert_rules": {}, "log_alert_rules": {}, "dashboards": [], "metrics_scrape_jobs": [{"metrics_path":"/m"}], "log_slots": ["snap:logs"]"#;
    relation.set_local_unit_data("config", &format!("{published}}}"));
    relation.add_remote_unit(SUBORDINATE);
    done(&juju.dispatch(Event::relation_joined(&relation)));
    let expected = format!(r#"{published}, "tracing_protocols": ["otlp_http"]}}"#);
    assert_eq!(relation.local_unit_data()["config"], expected);
    let outcome = juju.dispatch(Event::relation_changed(&relation));
    assert!(outcome.calls.iter().all(|call| call[0] != "relation-set"), "{outcome}");
}
