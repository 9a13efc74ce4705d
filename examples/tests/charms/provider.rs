//! The provider example: what `charmcraft.yaml` says is what the code does, and what the charms around it learn from it.

use std::path::Path;

use charm_testing::collector::Collector;
use charm_testing::{Event, Integration, Juju, Outcome, Relation};
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
    let outcome = tempo.dispatch(Event::relation_created(&relation));
    done(&outcome);
    assert_eq!(published(&relation), format!("[{HTTP}]"));
    assert_eq!(outcome.unit_status.status, "active");
}

#[test]
fn what_is_asked_for_is_published_as_far_as_it_is_received_in_an_order_of_its_own() {
    let (mut tempo, relation) = related(r#"["zipkin", "otlp_grpc", "otlp_http"]"#);
    let outcome = tempo.dispatch(Event::relation_changed(&relation));
    assert!(outcome.success(), "{outcome}");
    assert_eq!(published(&relation), format!("[{HTTP}, {GRPC}]"));
    let warned: Vec<_> = outcome.log.iter().filter(|line| line.level == "WARNING").collect();
    assert_eq!(warned.len(), 1, "{outcome}");
    assert!(warned[0].message.ends_with(": tracing:1 asks for zipkin, which is not received"), "{outcome}");
}

#[test]
fn every_charm_learns_of_all_receivers_and_one_that_ends_takes_its_wishes_along() {
    let (mut tempo, first) = related(r#"["otlp_http"]"#);
    let second = tempo.relate("tracing", "other");
    second.set_remote_app_data("receivers", r#"["otlp_grpc"]"#);
    done(&tempo.dispatch(Event::relation_changed(&second)));
    for relation in [&first, &second] {
        assert_eq!(published(relation), format!("[{HTTP}, {GRPC}]"));
    }

    let broken = tempo.dispatch(Event::relation_broken(&second));
    assert!(broken.log.iter().any(|line| line.message.ends_with("no more traces come over tracing:2")));
    assert_eq!(published(&first), format!("[{HTTP}]"));
}

#[test]
fn nothing_is_written_twice() {
    let (mut tempo, relation) = related(r#"["otlp_http"]"#);
    let written = |outcome: &Outcome| outcome.calls.iter().filter(|call| call[0] == "relation-set").count();
    let outcome = tempo.dispatch(Event::relation_changed(&relation));
    assert_eq!(written(&outcome), 1, "{outcome}");
    let outcome = tempo.dispatch(Event::update_status());
    assert_eq!(written(&outcome), 0, "{outcome}");
}

#[test]
fn a_follower_publishes_nothing_and_a_new_leader_does() {
    let (mut tempo, relation) = related(r#"["otlp_http"]"#);
    tempo.set_leader(false);
    let outcome = tempo.dispatch(Event::relation_changed(&relation));
    done(&outcome);
    assert!(!relation.local_app_data().contains_key("receivers"));
    assert_eq!(outcome.unit_status.status, "active");
    tempo.set_leader(true);
    done(&tempo.dispatch(Event::leader_elected()));
    assert_eq!(published(&relation), format!("[{HTTP}]"));
}

#[test]
fn the_operator_can_move_the_receivers() {
    let (mut tempo, relation) = related(r#"["otlp_grpc"]"#);
    tempo.set_config("external-url", json!("https://traces.example/my-model-tempo/"));
    tempo.set_config("otlp-grpc-port", json!(14317));
    done(&tempo.dispatch(Event::config_changed()));
    assert_eq!(
        published(&relation),
        "[{\"protocol\": {\"name\": \"otlp_http\", \"type\": \"http\"}, \
         \"url\": \"https://traces.example:4318/my-model-tempo\"}, \
         {\"protocol\": {\"name\": \"otlp_grpc\", \"type\": \"grpc\"}, \"url\": \"traces.example:14317\"}]"
    );
}

#[test]
fn a_configuration_that_cannot_be_used_blocks_the_unit_and_takes_nothing_back() {
    let (mut tempo, relation) = related("[]");
    done(&tempo.dispatch(Event::relation_changed(&relation)));
    for (option, value, why) in [
        ("external-url", json!("https://"), "the option external-url names no host"),
        (
            "otlp-http-port",
            json!(70000),
            "cannot use the output of config-get: invalid value: integer `70000`, expected u16",
        ),
    ] {
        tempo.set_config(option, value);
        let outcome = tempo.dispatch(Event::config_changed());
        done(&outcome);
        let status = &outcome.unit_status;
        assert_eq!(status.status, "blocked");
        assert!(status.message.starts_with(why), "{}", status.message);
        assert_eq!(published(&relation), format!("[{HTTP}]"));
    }
}

#[test]
fn its_own_traces_go_to_another_backend() {
    let collector = Collector::start();
    let (mut tempo, relation) = related(r#"["otlp_http"]"#);
    let own = tempo.relate("charm-tracing", "other");
    own.publish_endpoint(&collector.endpoint());
    done(&tempo.dispatch(Event::relation_changed(&own)));
    done(&tempo.dispatch(Event::update_status()));
    collector.clear();
    done(&tempo.dispatch(Event::relation_changed(&relation)));
    let spans = collector.trace();
    spans.check().expect("a whole trace");
    assert_eq!(
        spans.outline().status().to_string(),
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
    tempo.set_config("external-url", json!("http://127.0.0.1"));
    tempo.set_config("otlp-http-port", json!(port.unwrap()));
    let mut app =
        Juju::new(REQUIRER).unit("app/0").charmcraft(include_str!("../../requirer/charmcraft.yaml"));
    app.set_leader(true);
    done(&app.dispatch(Event::install()));

    let mut relation = Integration::new((&mut app, "tracing"), (&mut tempo, "tracing"));
    let [of_app, of_tempo] = relation.relations();
    let outcomes = relation.run_hooks(&mut app, &mut tempo);
    outcomes.iter().for_each(done);
    let receivers = format!(
        "[{{\"protocol\": {{\"name\": \"otlp_http\", \"type\": \"http\"}}, \"url\": \"{}\"}}]",
        collector.endpoint()
    );
    assert_eq!(published(&of_tempo), receivers);
    assert_eq!(published(&of_app), r#"["otlp_http"]"#);
    assert_eq!(collector.requests().len(), 1 + 4, "the app's hooks so far");

    done(&app.dispatch(Event::update_status()));
    assert_eq!(collector.requests().len(), 6);
    for outcome in relation.remove(&mut app, &mut tempo) {
        assert!(outcome.success(), "{outcome}");
    }
    let so_far = collector.requests().len();
    done(&app.dispatch(Event::update_status()));
    assert_eq!(collector.requests().len(), so_far, "the relation is gone");
    assert!(!app.waiting_traces().is_empty(), "it waits");
}

/// The leader of the backend's charm.
fn tempo() -> Juju {
    let mut tempo = Juju::new(PROVIDER).unit("tempo/0").charmcraft(CHARMCRAFT);
    tempo.set_leader(true);
    tempo
}

/// Deploys the provider, related to a charm that asks for these protocols.
fn related(request: &str) -> (Juju, Relation) {
    let mut tempo = tempo();
    let relation = tempo.relate("tracing", "app");
    relation.set_remote_app_data("receivers", request);
    (tempo, relation)
}

fn published(relation: &Relation) -> String {
    relation.local_app_data()["receivers"].clone()
}

#[track_caller]
fn done(outcome: &Outcome) {
    assert!(outcome.success(), "{outcome}");
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""), "{outcome}");
    assert!(outcome.log.iter().all(|line| line.level == "DEBUG"), "{outcome}");
}
