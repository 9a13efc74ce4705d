//! The requirer example: what `charmcraft.yaml` says is what the code does, and the life of a unit, trace by trace.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

use std::fs;
use std::path::Path;

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju, Outcome};
use charm_tracing::juju::{Metadata, Role};
use serde_json::json;

const CHARM: &str = env!("CARGO_BIN_EXE_requirer-charm");
const CHARMCRAFT: &str = include_str!("../../requirer/charmcraft.yaml");

#[test]
fn the_pack_makes_the_binary_the_file_that_juju_starts() {
    let organized: Vec<_> =
        CHARMCRAFT.lines().filter_map(|line| line.trim().strip_suffix(": dispatch")).collect();
    let binary = Path::new(CHARM).file_name().unwrap().to_str().unwrap();
    assert_eq!(organized, [format!("bin/{binary}")]);
    assert!(CHARMCRAFT.contains("    prime:\n      - dispatch\n"));

    let from = |key: &str| {
        let value = CHARMCRAFT.lines().find_map(|line| line.trim().strip_prefix(key)).unwrap();
        value.trim_matches(|c| " []".contains(c)).to_owned()
    };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("requirer").join(from("source:"));
    let package = fs::read_to_string(source.join(from("rust-path:")).join("Cargo.toml")).unwrap();
    assert!(package.contains(&format!("name = \"{binary}\"")), "the package that is built has the binary");
}

#[test]
fn the_metadata_has_the_endpoint_that_the_code_uses_with_a_limit_of_one() {
    let metadata = Metadata::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("requirer")).unwrap();
    let (role, endpoint) = metadata.endpoint("tracing").unwrap();
    assert_eq!((role, endpoint.interface.as_str(), endpoint.limit), (Role::Requires, "tracing", Some(1)));
}

#[test]
fn the_config_has_every_option_that_the_code_reads() {
    let (_, options) = CHARMCRAFT.split_once("  options:\n").unwrap();
    let mut read = Vec::new();
    let mut juju = unit();
    for hook in ["install", "start", "config-changed", "update-status"] {
        let calls = juju.dispatch(Event::hook(hook)).calls;
        let names = calls.into_iter().filter(|call| call[0] == "config-get");
        read.extend(names.map(|mut call| call.pop().unwrap()));
    }
    read.sort();
    read.dedup();
    assert_eq!(read, ["greeting", "tracing-ca"]);
    for option in read {
        assert!(options.contains(&format!("    {option}:\n      type: string\n")), "{option}");
    }
}

#[test]
fn the_life_of_a_unit_is_delivered_as_soon_as_there_is_a_backend() {
    for version in ["2.9", "3.6", "4.1"] {
        live(unit().juju_version(version));
        live(unit().juju_version(version).over_processes());
    }
}

fn live(mut juju: Juju) {
    let collector = Collector::start();
    juju.set_leader(true);
    done(&juju.dispatch(Event::install()));
    let started = juju.dispatch(Event::start());
    done(&started);
    assert_eq!(started.unit_status.status, "active");
    assert_eq!(juju.waiting_traces().len(), 2);
    let config = fs::read_to_string(juju.charm_dir().join("workload.conf")).unwrap();
    assert_eq!(config, "greeting = \"hello\"\n");

    let relation = juju.relate("tracing", "tempo");
    done(&juju.dispatch(Event::relation_created(&relation)));
    assert_eq!(relation.local_app_data()["receivers"], r#"["otlp_http"]"#);
    assert_eq!(collector.requests().len(), 0);
    relation.publish_endpoint(&collector.endpoint());
    done(&juju.dispatch(Event::relation_changed(&relation)));
    assert_eq!(
        traces(&collector),
        [
            "\
app/0: install event
  method call: RequirerCharm.new
    relation-ids
    config-get
  event: install
    method call: RequirerCharm.handle
      method call: RequirerCharm.on_install
        status-set
        method call: Workload.install",
            "\
app/0: start event
  method call: RequirerCharm.new
    relation-ids
    config-get
  event: start
    method call: RequirerCharm.handle
      method call: RequirerCharm.on_configured
        config-get
        method call: Workload.configure {workload.changed=true}
          function call: render
        event: workload_restarted
          method call: RequirerCharm.on_workload_restarted
            status-set",
            "\
app/0: tracing-relation-created event
  method call: RequirerCharm.new
    relation-ids
    is-leader
    relation-get
    relation-set
    config-get
    relation-get
  event: tracing_relation_created
    method call: RequirerCharm.handle",
            "\
app/0: tracing-relation-changed event
  method call: RequirerCharm.new
    relation-ids
    is-leader
    relation-get
    config-get
    relation-get
  event: tracing_relation_changed
    method call: RequirerCharm.handle",
        ]
    );

    collector.clear();
    done(&juju.dispatch(Event::relation_broken(&relation)));
    done(&juju.dispatch(Event::update_status()));
    assert_eq!(collector.requests().len(), 0);
}

#[test]
fn a_changed_configuration_restarts_the_workload_and_the_same_one_does_not() {
    let (collector, mut juju) = related_unit();
    done(&juju.dispatch(Event::install()));
    juju.set_config("greeting", "good morning");
    collector.clear();
    done(&juju.dispatch(Event::config_changed()));
    assert_eq!(
        below_handle(&collector),
        "\
method call: RequirerCharm.on_configured
  config-get
  method call: Workload.configure {workload.changed=true}
    function call: render
  event: workload_restarted
    method call: RequirerCharm.on_workload_restarted
      status-set"
    );

    collector.clear();
    done(&juju.dispatch(Event::config_changed()));
    assert_eq!(
        below_handle(&collector),
        "\
method call: RequirerCharm.on_configured
  config-get
  method call: Workload.configure {workload.changed=false}
    function call: render"
    );
}

#[test]
fn a_workload_that_is_not_there_blocks_the_unit_and_marks_only_its_own_span() {
    let (collector, mut juju) = related_unit();
    let outcome = juju.dispatch(Event::update_status());
    done(&outcome);
    assert_eq!(
        outcome.unit_status.to_string(),
        "blocked: the workload is not installed: No such file or directory (os error 2)"
    );
    assert_eq!(
        below_handle(&collector),
        "\
method call: RequirerCharm.on_update_status
  method call: Workload.check [error: the workload is not installed]
  status-set"
    );
}

#[test]
fn a_workload_that_cannot_be_installed_fails_the_hook() {
    let (collector, mut juju) = related_unit();
    fs::create_dir(juju.charm_dir().join("workload.conf")).unwrap();
    let outcome = juju.dispatch(Event::install());
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    let path = juju.charm_dir().join("workload.conf");
    let message = format!("cannot create {}", path.display());
    assert_eq!(outcome.stderr, format!("Error: {message}\n\nCaused by:\n    Is a directory (os error 21)\n"));
    assert_eq!(
        below_handle(&collector),
        format!(
            "\
method call: RequirerCharm.on_install [error: {message}]
  status-set
  method call: Workload.install [error: {message}]"
        )
    );
}

#[test]
fn an_https_backend_gets_its_traces_once_the_certificate_is_there_and_the_operator_knows_until_then() {
    let collector = Collector::start_tls();
    let mut juju = unit();
    let relation = juju.relate("tracing", "tempo");
    relation.publish_endpoint(&collector.endpoint());
    let path = juju.charm_dir().join("ca.crt");
    juju.set_config("tracing-ca", json!(path));
    let outcome = juju.dispatch(Event::install());
    assert_eq!((outcome.code(), &*outcome.stdout, &*outcome.stderr), (Some(0), "", ""), "{outcome}");
    let said: Vec<_> = outcome.log.iter().filter(|line| line.level != "DEBUG").collect();
    assert_eq!(said.len(), 1, "{outcome}");
    assert_eq!(said[0].level, "WARNING");
    let expected = format!("there is no certificate at {}. They are kept until it is there.", path.display());
    assert!(said[0].message.contains(&expected), "{outcome}");
    assert_eq!(collector.requests().len(), 0);

    fs::write(&path, collector.ca_pem()).unwrap();
    done(&juju.dispatch(Event::start()));
    let roots: Vec<_> =
        traces(&collector).iter().map(|trace| trace.lines().next().unwrap().to_owned()).collect();
    assert_eq!(roots, ["app/0: install event", "app/0: start event"]);
}

fn unit() -> Juju {
    Juju::new(CHARM).unit("app/0").charmcraft(CHARMCRAFT)
}

fn related_unit() -> (Collector, Juju) {
    let collector = Collector::start();
    let mut juju = unit();
    juju.relate("tracing", "tempo").publish_endpoint(&collector.endpoint());
    (collector, juju)
}

#[track_caller]
fn done(outcome: &Outcome) {
    assert!(outcome.success(), "{outcome}");
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""), "{outcome}");
    assert!(outcome.log.iter().all(|line| line.level == "DEBUG"), "{outcome}");
}

/// Each trace that arrived, as a tree.
fn traces(collector: &Collector) -> Vec<String> {
    let requests = collector.requests();
    let trees = requests.iter().map(|request| {
        let trace = request.trace.as_ref().expect("a trace");
        trace.check().expect("a whole trace");
        trace.outline().status().attributes(&["workload.changed"]).to_string()
    });
    trees.collect()
}

/// The tree below `RequirerCharm.handle` of the one trace that arrived.
fn below_handle(collector: &Collector) -> String {
    let traces = traces(collector);
    assert_eq!(traces.len(), 1, "{traces:#?}");
    let (_, handle) = traces[0].split_once("method call: RequirerCharm.handle").unwrap();
    let below = handle.lines().skip(1).map(|line| line.strip_prefix("      ").unwrap());
    below.collect::<Vec<_>>().join("\n")
}
