//! The provider example: what `charmcraft.yaml` says is what the code does, and what the charms around it learn from it.

use std::fs;
use std::path::Path;

use charm_testing::collector::Collector;
use charm_testing::juju::{Deployment, Event, Integration, Outcome, SimulatedJuju};
use charm_testing::tree::{self, Outline};
use charm_tracing::juju::{Metadata, Role};
use serde_json::json;

const PROVIDER: &str = env!("CARGO_BIN_EXE_provider-charm");
const REQUIRER: &str = env!("CARGO_BIN_EXE_requirer-charm");
const CHARMCRAFT: &str = include_str!("../../provider/charmcraft.yaml");

const HTTP: &str = r#"{"protocol": {"name": "otlp_http", "type": "http"}, "url": "http://10.0.0.1:4318"}"#;
const GRPC: &str = r#"{"protocol": {"name": "otlp_grpc", "type": "grpc"}, "url": "10.0.0.1:4317"}"#;

#[test]
fn the_pack_makes_the_binary_the_file_that_juju_starts() {
    let organized: Vec<_> =
        CHARMCRAFT.lines().filter_map(|line| line.trim().strip_suffix(": dispatch")).collect();
    let binary = Path::new(PROVIDER).file_name().unwrap().to_str().unwrap();
    assert_eq!(organized, [format!("bin/{binary}")]);
    assert!(CHARMCRAFT.contains("    prime:\n      - dispatch\n"));

    let requirer = include_str!("../../requirer/charmcraft.yaml").replace("requirer-charm", binary);
    let parts = |text: &str| text.split_once("\nparts:\n").unwrap().1.to_owned();
    assert_eq!(parts(CHARMCRAFT), parts(&requirer), "it is packed as the other example is");
}

#[test]
fn the_metadata_has_the_endpoints_that_the_code_uses() {
    let metadata = Metadata::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("provider")).unwrap();
    let of = |name: &str| {
        let (role, endpoint) = metadata.endpoint(name).unwrap();
        (role, endpoint.interface.clone(), endpoint.limit)
    };
    assert_eq!(of("tracing"), (Role::Provides, "tracing".to_owned(), None));
    assert_eq!(of("charm-tracing"), (Role::Requires, "tracing".to_owned(), Some(1)));
}

#[test]
fn the_config_has_every_option_that_the_code_reads_with_the_usual_ports() {
    for option in [
        "    external-url:\n      type: string\n",
        "    otlp-http-port:\n      type: int\n      default: 4318\n",
        "    otlp-grpc-port:\n      type: int\n      default: 4317\n",
    ] {
        assert!(CHARMCRAFT.contains(option), "{option}");
    }
    assert_eq!(CHARMCRAFT.matches("      type: ").count(), 3);
}

#[test]
fn otlp_over_http_is_there_for_who_asks_for_nothing() {
    let (mut tempo, relation) = related("[]");
    done(&tempo.dispatch(Event::relation_created("tracing", relation)));
    assert_eq!(published(&tempo, relation), format!("[{HTTP}]"));
    assert_eq!(tempo.model().status().status, "active");
}

#[test]
fn what_is_asked_for_is_published_as_far_as_it_is_received_in_an_order_of_its_own() {
    let (mut tempo, relation) = related(r#"["zipkin", "otlp_grpc", "otlp_http"]"#);
    let outcome = tempo.dispatch(Event::relation_changed("tracing", relation));
    assert!(outcome.success(), "{outcome}");
    assert_eq!(published(&tempo, relation), format!("[{HTTP}, {GRPC}]"));
    let warned: Vec<_> = outcome.log.iter().filter(|line| line.level == "WARNING").collect();
    assert_eq!(warned.len(), 1, "{outcome}");
    assert!(warned[0].message.ends_with(": tracing:1 asks for zipkin, which is not received"), "{outcome}");
}

#[test]
fn every_charm_learns_of_all_receivers_and_one_that_ends_takes_its_wishes_along() {
    let (mut tempo, first) = related(r#"["otlp_http"]"#);
    let second = tempo.add_relation("tracing", "other", &["other/0"]);
    tempo.model().set_remote_app_data(second, "receivers", r#"["otlp_grpc"]"#);
    done(&tempo.dispatch(Event::relation_changed("tracing", second)));
    for relation in [first, second] {
        assert_eq!(published(&tempo, relation), format!("[{HTTP}, {GRPC}]"));
    }

    let broken = tempo.dispatch(Event::relation_broken("tracing", second));
    assert!(broken.log.iter().any(|line| line.message.ends_with("no more traces come over tracing:2")));
    assert_eq!(published(&tempo, first), format!("[{HTTP}]"));
}

#[test]
fn nothing_is_written_twice() {
    let (mut tempo, relation) = related(r#"["otlp_http"]"#);
    let written = |outcome: &Outcome| outcome.calls.iter().filter(|call| call[0] == "relation-set").count();
    let outcome = tempo.dispatch(Event::relation_changed("tracing", relation));
    assert_eq!(written(&outcome), 1, "{outcome}");
    let outcome = tempo.dispatch(Event::hook("update-status"));
    assert_eq!(written(&outcome), 0, "{outcome}");
}

#[test]
fn a_follower_publishes_nothing_and_a_new_leader_does() {
    let (mut tempo, relation) = related(r#"["otlp_http"]"#);
    tempo.model().set_leader(false);
    done(&tempo.dispatch(Event::relation_changed("tracing", relation)));
    assert!(!tempo.model().local_app_data(relation).contains_key("receivers"));
    assert_eq!(tempo.model().status().status, "active");
    tempo.model().set_leader(true);
    done(&tempo.dispatch(Event::hook("leader-elected")));
    assert_eq!(published(&tempo, relation), format!("[{HTTP}]"));
}

#[test]
fn the_operator_can_move_the_receivers() {
    let (mut tempo, relation) = related(r#"["otlp_grpc"]"#);
    tempo.model().set_config("external-url", json!("https://traces.example/my-model-tempo/"));
    tempo.model().set_config("otlp-grpc-port", json!(14317));
    done(&tempo.dispatch(Event::hook("config-changed")));
    assert_eq!(
        published(&tempo, relation),
        "[{\"protocol\": {\"name\": \"otlp_http\", \"type\": \"http\"}, \
         \"url\": \"https://traces.example:4318/my-model-tempo\"}, \
         {\"protocol\": {\"name\": \"otlp_grpc\", \"type\": \"grpc\"}, \"url\": \"traces.example:14317\"}]"
    );
}

#[test]
fn a_configuration_that_cannot_be_used_blocks_the_unit_and_takes_nothing_back() {
    let (mut tempo, relation) = related("[]");
    done(&tempo.dispatch(Event::relation_changed("tracing", relation)));
    for (option, value, why) in [
        ("external-url", json!("https://"), "the option external-url names no host"),
        (
            "otlp-http-port",
            json!(70000),
            "cannot use the output of config-get: invalid value: integer `70000`, expected u16",
        ),
    ] {
        tempo.model().set_config(option, value);
        done(&tempo.dispatch(Event::hook("config-changed")));
        let status = tempo.model().status();
        assert_eq!(status.status, "blocked");
        assert!(status.message.starts_with(why), "{}", status.message);
        assert_eq!(published(&tempo, relation), format!("[{HTTP}]"));
    }
}

#[test]
fn its_own_traces_go_to_another_backend() {
    let collector = Collector::start();
    let (mut tempo, relation) = related(r#"["otlp_http"]"#);
    let own = tempo.add_relation("charm-tracing", "other", &["other/0"]);
    tempo.publish_endpoint(own, &collector.endpoint());
    done(&tempo.dispatch(Event::relation_changed("charm-tracing", own)));
    done(&tempo.dispatch(Event::hook("update-status")));
    collector.clear();
    done(&tempo.dispatch(Event::relation_changed("tracing", relation)));
    let spans = collector.spans();
    tree::check(&spans).expect("a whole trace");
    assert_eq!(
        Outline::new().status().of(&spans),
        "\
tempo/0: tracing-relation-changed event
  method call: ProviderCharm.new
  event: tracing_relation_changed
    method call: ProviderCharm.handle
      relation-get
      event: request
        method call: ProviderCharm.on_request
      method call: ProviderCharm.reconcile
        is-leader
        method call: ProviderCharm.receivers
          method call: Config.read
            config-get
          method call: ProviderCharm.address
            network-get
          relation-ids
        relation-get
        status-set"
    );
}

#[test]
fn a_traced_charm_learns_where_to_send_from_it_and_that_it_is_gone() {
    let collector = Collector::start();
    let (_, port) = collector
        .endpoint()
        .rsplit_once(':')
        .map(|(host, port)| (host.to_owned(), port.parse::<u16>()))
        .unwrap();
    let mut tempo = tempo();
    tempo.model().set_config("external-url", json!("http://127.0.0.1"));
    tempo.model().set_config("otlp-http-port", json!(port.unwrap()));
    let mut app =
        Deployment::new(REQUIRER.as_ref()).charmcraft(include_str!("../../requirer/charmcraft.yaml")).start();
    app.model().set_leader(true);
    done(&app.dispatch(Event::hook("install")));

    let mut relation = Integration::new((&mut app, "tracing"), (&mut tempo, "tracing"));
    let (of_app, of_tempo) = relation.ids();
    let outcomes = relation.settle(&mut app, &mut tempo);
    outcomes.iter().for_each(done);
    let receivers = format!(
        "[{{\"protocol\": {{\"name\": \"otlp_http\", \"type\": \"http\"}}, \"url\": \"{}\"}}]",
        collector.endpoint()
    );
    assert_eq!(published(&tempo, of_tempo), receivers);
    assert_eq!(published(&app, of_app), r#"["otlp_http"]"#);
    assert_eq!(collector.requests().len(), 1 + 4, "the app's hooks so far");

    done(&app.dispatch(Event::hook("update-status")));
    assert_eq!(collector.requests().len(), 6);
    for outcome in relation.remove(&mut app, &mut tempo) {
        assert!(outcome.success(), "{outcome}");
    }
    let so_far = collector.requests().len();
    done(&app.dispatch(Event::hook("update-status")));
    assert_eq!(collector.requests().len(), so_far, "the relation is gone");
    let queue = fs::read_dir(app.charm_dir().join(".charm_tracing_buffer")).unwrap();
    let files: Vec<_> = queue.map(|entry| entry.unwrap().path()).collect();
    assert!(files.iter().any(|file| file.extension().is_some_and(|it| it == "otlp")), "it waits: {files:?}");
}

/// The leader of the backend's charm, with the defaults that `charmcraft.yaml` gives it.
fn tempo() -> SimulatedJuju {
    let tempo = Deployment::new(PROVIDER.as_ref()).unit("tempo/0").charmcraft(CHARMCRAFT).start();
    tempo.model().set_leader(true);
    tempo.model().set_config("otlp-http-port", json!(4318));
    tempo.model().set_config("otlp-grpc-port", json!(4317));
    tempo
}

/// Deploys the provider, related to a charm that asks for these protocols.
fn related(request: &str) -> (SimulatedJuju, u32) {
    let mut tempo = tempo();
    let relation = tempo.add_relation("tracing", "app", &["app/0"]);
    tempo.model().set_remote_app_data(relation, "receivers", request);
    (tempo, relation)
}

fn published(juju: &SimulatedJuju, relation: u32) -> String {
    juju.model().local_app_data(relation)["receivers"].clone()
}

#[track_caller]
fn done(outcome: &Outcome) {
    assert!(outcome.success(), "{outcome}");
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""), "{outcome}");
    assert!(outcome.log.iter().all(|line| line.level == "DEBUG"), "{outcome}");
}
