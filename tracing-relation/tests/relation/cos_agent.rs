//! Promises of the `cos_agent` provider beyond the recordings of the Python library.

use proptest::prelude::*;
use tracing_relation::juju::{Dispatch, Role};
use tracing_relation::{
    CharmTracingConfig, CosAgentProvider, Receiver, ReceiverProtocol, TracingEndpointRequirer, TracingError,
    TracingEvent, charm_tracing_config, charm_tracing_endpoint,
};

use crate::charm::Charm;
use ReceiverProtocol::{OtlpGrpc, OtlpHttp, Zipkin};

pub(crate) const METADATA: &str = "name: my-charm\nprovides: {cos-agent: {interface: cos_agent, limit: 1}}\n";
const UNIT: &str = "collector/0";
const HTTP: &str = r#"[{"protocol": {"name": "otlp_http", "type": "http"}, "url": "http://host:4318"}]"#;
const NO_URL: &str = r#"[{"protocol": {"name": "otlp_http", "type": "http"}, "url": null}]"#;
const REQUEST: &str = r#"{"metrics_alert_rules": {}, "log_alert_rules": {}, "dashboards": [], "subordinate": null, "metrics_scrape_jobs": [], "log_slots": [], "tracing_protocols": ["otlp_http"]}"#;

/// A principal charm on a machine. It is not the leader, because nothing here needs one.
pub(crate) fn charm(metadata: &str) -> Charm {
    Charm::with_endpoint("cos-agent", "collector", metadata, false)
}

/// A principal whose collector has published this.
fn related(receivers: &str) -> (Charm, u32) {
    let charm = charm(METADATA);
    let id = charm.relate_to(&[UNIT]);
    charm.juju.set_remote_unit_data(id, UNIT, "receivers", receivers);
    (charm, id)
}

fn provider(dispatch: &Dispatch) -> CosAgentProvider {
    CosAgentProvider::new(dispatch, "cos-agent", &[OtlpHttp]).expect("the endpoint is in the metadata")
}

fn config_of(charm: &Charm, id: u32) -> Option<String> {
    charm.juju.local_unit_data(id).remove("config")
}

/// A dispatch with a memory in the charm's directory, and the tools that the charm runs in it for its endpoint.
fn tools(charm: &Charm, dispatch: Dispatch) -> Vec<String> {
    let memory = dispatch.charm_dir().join(".relations");
    let dispatch = dispatch.with_relation_memory(memory);
    let provider = provider(&dispatch);
    charm_tracing_config(&provider, None).expect("no error");
    let _ = provider.on(&dispatch);
    dispatch.remember_relations();
    charm.juju.commit_hook();
    charm.tools()
}

#[test]
fn the_documented_hook_tools_are_run() {
    let charm = charm(METADATA);
    let mut counted = vec![
        ("no relation, first dispatch", tools(&charm, charm.hook("install"))),
        ("no relation, any other event", tools(&charm, charm.hook("update-status"))),
    ];
    let id = charm.relate_to(&[]);
    counted.push(("`relation-created`", tools(&charm, charm.relation_hook("created", id))));
    charm.juju.add_remote_unit(id, UNIT);
    counted.push(("`relation-joined`: it asks", tools(&charm, charm.relation_hook("joined", id))));
    charm.juju.set_remote_unit_data(id, UNIT, "receivers", HTTP);
    let changed = "`relation-changed`: the collector has answered";
    counted.push((changed, tools(&charm, charm.relation_hook("changed", id))));
    counted.push(("any other event", tools(&charm, charm.hook("update-status"))));
    counted.push(("`start`: all is asked again", tools(&charm, charm.hook("start"))));
    let hook = charm.hook("update-status");
    std::fs::remove_file(hook.charm_dir().join(".relations")).expect("removed");
    counted.push(("any event after the memory was lost", tools(&charm, hook)));
    counted.push(("`relation-broken`", tools(&charm, charm.relation_hook("broken", id))));

    let documented: Vec<(&str, usize)> = include_str!("../../src/cos_agent/provider.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("/// | ")?.strip_suffix(" |")?.rsplit_once(" | "))
        .filter_map(|(kind, count)| Some((kind, count.trim_matches('*').parse().ok()?)))
        .collect();
    let ours: Vec<_> = counted.iter().map(|(kind, tools)| (*kind, tools.len())).collect();
    assert_eq!(documented, ours, "{counted:#?}");
}

#[test]
fn it_asks_when_the_collectors_unit_is_there_and_only_once() {
    let charm = charm(METADATA);
    let id = charm.relate_to(&[]);
    provider(&charm.relation_hook("created", id));
    charm.juju.commit_hook();
    assert_eq!(config_of(&charm, id), None, "nobody would read it");
    charm.juju.add_remote_unit(id, UNIT);
    provider(&charm.relation_hook("joined", id));
    charm.juju.commit_hook();
    assert_eq!(config_of(&charm, id).as_deref(), Some(REQUEST));
    for event in ["joined", "changed", "departed", "broken"] {
        provider(&charm.relation_hook(event, id));
        assert!(!charm.tools().contains(&"relation-set".to_owned()), "{event}");
    }
}

#[test]
fn what_others_of_the_charm_have_published_stays_and_the_request_is_replaced() {
    let (charm, id) = related(HTTP);
    let config = r#"{"log_slots":["snap:logs"],"metrics_alert_rules":{"groups":[]},"log_alert_rules":{},"tracing_protocols":["otlp_grpc"],"dashboards":["x"],"metrics_scrape_jobs":[],"new":1.50}"#;
    charm.juju.set_local_unit_data(id, "config", config);
    charm.juju.set_local_unit_data(id, "other", "key");
    provider(&charm.hook("update-status"));
    charm.juju.commit_hook();
    let expected = r#"{"log_slots": ["snap:logs"], "metrics_alert_rules": {"groups":[]}, "log_alert_rules": {}, "tracing_protocols": ["otlp_http"], "dashboards": ["x"], "metrics_scrape_jobs": [], "new": 1.50}"#;
    assert_eq!(config_of(&charm, id).as_deref(), Some(expected));
    assert_eq!(charm.juju.local_unit_data(id)["other"], "key");

    let compact = REQUEST.replace(' ', "");
    charm.juju.set_local_unit_data(id, "config", &compact);
    provider(&charm.hook("update-status"));
    charm.juju.commit_hook();
    assert_eq!(config_of(&charm, id), Some(compact), "a request in other words is not written again");
}

#[test]
fn what_is_merged_is_read_from_juju_and_not_from_memory() {
    let (charm, id) = related(HTTP);
    tools(&charm, charm.relation_hook("joined", id));
    tools(&charm, charm.hook("update-status"));
    // Another program of the charm writes, of which no event tells.
    let other = REQUEST.replace(r#""log_slots": []"#, r#""log_slots": ["snap:logs"]"#);
    charm.juju.set_local_unit_data(id, "config", &other);
    let dispatch = charm.hook("update-status");
    let memory = dispatch.charm_dir().join(".relations");
    let dispatch = dispatch.with_relation_memory(memory);
    CosAgentProvider::new(&dispatch, "cos-agent", &[OtlpHttp, Zipkin]).expect("in the metadata");
    charm.juju.commit_hook();
    let expected = other.replace(r#"["otlp_http"]"#, r#"["otlp_http", "zipkin"]"#);
    assert_eq!(config_of(&charm, id), Some(expected));
}

#[test]
fn a_request_that_a_failed_hook_has_lost_is_made_again() {
    let (charm, id) = related("");
    let dispatch = charm.relation_hook("joined", id);
    let memory = dispatch.charm_dir().join(".relations");
    let dispatch = dispatch.with_relation_memory(memory);
    provider(&dispatch);
    dispatch.remember_relations();
    charm.juju.abort_hook();
    assert_eq!(config_of(&charm, id), None);
    tools(&charm, charm.hook("update-status"));
    assert_eq!(config_of(&charm, id).as_deref(), Some(REQUEST));
}

#[test]
fn a_unit_that_has_no_databag_yet_asks_later() {
    let (charm, id) = related("");
    let refused = "ERROR cannot read relation settings: unit \"app/0\": settings not found\n";
    charm.juju.fail_next("relation-get", 1, refused);
    assert_eq!(charm_tracing_config(&provider(&charm.hook("update-status")), None).expect("none"), none());
    charm.juju.commit_hook();
    assert_eq!((config_of(&charm, id), charm.juju.log().len()), (None, 0));
    provider(&charm.hook("update-status"));
    charm.juju.commit_hook();
    assert_eq!(config_of(&charm, id).as_deref(), Some(REQUEST));
}

#[test]
fn a_request_that_fails_is_no_error() {
    let (charm, id) = related(HTTP);
    for tool in ["relation-ids", "relation-list", "relation-get", "relation-set"] {
        charm.juju.fail_next(tool, 1, "ERROR connection is shut down\n");
        let provider = provider(&charm.relation_hook("changed", id));
        assert_eq!(provider.get_tracing_endpoint(OtlpHttp).expect("an answer"), "http://host:4318", "{tool}");
    }
}

#[test]
fn one_bad_receiver_hides_no_good_one_and_the_first_with_a_url_counts() {
    let item = |name: &str, transport: &str, url: &str| {
        format!(r#"{{"protocol": {{"name": "{name}", "type": "{transport}"}}, "url": {url}}}"#)
    };
    let list = [
        item("otlp_http", "http", "null"),
        item("otlp_http", "quic", "\"http://a\""),
        item("otlp_http", "http", "\"\""),
        item("otlp_http", "http", "\"http://b\""),
        item("otlp_http", "http", "\"http://c\""),
        item("otlp_arrow", "grpc", "\"d:1\""),
    ];
    let (charm, id) = related(&format!("[{}]", list.join(",")));
    let provider = provider(&charm.relation_hook("changed", id));
    assert_eq!(provider.get_tracing_endpoint(OtlpHttp).expect("found"), "http://b");
    assert_eq!(provider.get_tracing_endpoint("otlp_arrow").expect("found"), "d:1");
    assert_eq!(provider.get_all_endpoints().expect("an answer").expect("ready").len(), 5);
}

#[test]
fn a_protocol_without_an_endpoint_is_not_found_if_it_was_requested_and_not_requested_else() {
    let (charm, id) = related("");
    charm.juju.set_local_unit_data(id, "config", &REQUEST.replace("http", "grpc"));
    for receivers in ["", "[]", "{", NO_URL] {
        charm.juju.set_remote_unit_data(id, UNIT, "receivers", receivers);
        let hook = charm.relation_hook("changed", id);
        let provider = provider(&hook);
        let relation = &provider.relations().expect("an answer")[0];
        for found in
            [provider.get_tracing_endpoint(OtlpHttp), provider.get_tracing_endpoint_on("otlp_http", relation)]
        {
            let error = found.expect_err(receivers);
            assert!(matches!(error, TracingError::ProtocolNotFound { .. }), "{receivers}: {error:?}");
            assert_eq!(error.to_string(), "cannot find an endpoint for otlp_http on `cos-agent`");
        }
        let error = provider.get_tracing_endpoint(Zipkin).expect_err(receivers);
        assert!(matches!(error, TracingError::ProtocolNotRequested { .. }), "{receivers}: {error:?}");
        let error = provider.get_tracing_endpoint("otlp_arrow").expect_err(receivers);
        assert!(matches!(error, TracingError::ProtocolNotFound { .. }), "it cannot be requested: {error:?}");
        charm.juju.abort_hook();
    }
    let none = provider(&self::charm(METADATA).hook("update-status"));
    let error = none.get_tracing_endpoint(OtlpGrpc).expect_err("no relation");
    assert!(matches!(error, TracingError::ProtocolNotFound { .. }), "{error:?}");
}

#[test]
fn events_tell_what_there_is_and_a_departure_that_there_is_none() {
    let (charm, id) = related(HTTP);
    let other = self::charm(METADATA).hook("update-status");
    assert_eq!(provider(&other).on(&other), None);
    for event in ["created", "joined"] {
        let hook = charm.relation_hook(event, id);
        assert_eq!(provider(&hook).on(&hook), None, "{event}");
    }
    let hook = charm.relation_hook("changed", id);
    match provider(&hook).on(&hook) {
        Some(TracingEvent::EndpointChanged { relation, receivers, .. }) => {
            assert_eq!((relation.id, receivers), (id, vec![Receiver::new(OtlpHttp, "http://host:4318")]));
        }
        other => panic!("{other:?}"),
    }
    let removed = |hook: &Dispatch| match provider(hook).on(hook) {
        Some(TracingEvent::EndpointRemoved { relation, .. }) => relation.id == id,
        _ => false,
    };
    charm.juju.set_remote_unit_data(id, UNIT, "receivers", "");
    assert!(removed(&charm.relation_hook("changed", id)));
    charm.juju.set_remote_unit_data(id, UNIT, "receivers", HTTP);
    charm.juju.remove_remote_unit(id, UNIT);
    assert!(removed(&charm.relation_hook("departed", id)));
    assert!(removed(&charm.relation_hook("broken", id)));
}

#[test]
fn an_endpoint_of_another_shape_is_an_error_of_the_author() {
    let new = |metadata: &str, name: &str| {
        let charm = charm(metadata);
        CosAgentProvider::new(&charm.hook("start"), name, &[OtlpHttp]).map(drop)
    };
    assert!(matches!(new(METADATA, "cos"), Err(TracingError::RelationNotFound { .. })));
    assert!(matches!(
        new("provides: {cos-agent: {interface: tracing}}", "cos-agent"),
        Err(TracingError::RelationInterfaceMismatch { expected: "cos_agent", .. })
    ));
    assert!(matches!(
        new("requires: {cos-agent: {interface: cos_agent}}", "cos-agent"),
        Err(TracingError::RelationRoleMismatch { expected: Role::Provides, actual: Role::Requires, .. })
    ));
    let charm = charm("provides: {cos-agent: {interface: cos_agent}}");
    let id = charm.relate_to(&[UNIT]);
    charm.juju.set_remote_unit_data(id, UNIT, "receivers", HTTP);
    let provider = provider(&charm.hook("start"));
    let ambiguous = |error| matches!(error, TracingError::AmbiguousRelationUsage { .. });
    assert!(ambiguous(provider.is_ready().expect_err("which one?")));
    assert!(ambiguous(provider.get_tracing_endpoint(OtlpHttp).expect_err("which one?")));
    assert!(ambiguous(charm_tracing_config(&provider, None).expect_err("which one?")));
    let relation = &provider.relations().expect("an answer")[0];
    assert!(provider.is_ready_on(relation).expect("an answer"));
    assert!(provider.get_tracing_endpoint_on(OtlpHttp, relation).is_ok());
}

fn none() -> CharmTracingConfig {
    CharmTracingConfig::default()
}

#[test]
fn a_collector_without_a_backend_and_an_https_one_without_a_certificate_are_warnings() {
    for (receivers, warnings) in [
        ("", [].as_slice()),
        (
            "[]",
            &[
                "cannot send traces yet, so they are kept: cannot find an endpoint for otlp_http on `cos-agent`. ",
            ],
        ),
        (
            NO_URL,
            &[
                "cannot send traces yet, so they are kept: cannot find an endpoint for otlp_http on `cos-agent`. ",
            ],
        ),
        (&HTTP.replace("http:", "https:"), &["cannot send traces to the https tracing endpoint: "]),
    ] {
        let (charm, id) = related(receivers);
        let provider = provider(&charm.relation_hook("changed", id));
        for _ in 0..2 {
            assert_eq!(charm_tracing_config(&provider, None).expect("no error"), none(), "{receivers}");
        }
        let log = charm.juju.log();
        assert_eq!(log.len(), warnings.len(), "{receivers}: {log:?}");
        for (line, warning) in log.iter().zip(warnings) {
            assert!(format!("{line:?}").contains(warning), "{line:?}");
        }
    }
}

#[test]
fn hook_tools_that_fail_cost_no_hook() {
    let (charm, id) = related(HTTP);
    for tool in ["relation-ids", "relation-list", "relation-get"] {
        charm.juju.fail_every(tool, 1, "ERROR connection is shut down\n");
        let provider = provider(&charm.relation_hook("changed", id));
        assert_eq!(charm_tracing_endpoint(&provider).expect("no error"), None, "{tool}");
        charm.juju.clear_faults();
    }
    charm.juju.sever_relation(id);
    let provider = provider(&charm.hook("update-status"));
    assert_eq!(charm_tracing_endpoint(&provider).expect("no error"), None);
    assert!(!provider.is_ready().expect("an answer"));
}

#[test]
fn a_charm_with_both_relations_takes_the_endpoint_that_is_there() {
    let both = "requires: {tracing: {interface: tracing, limit: 1}}\n";
    let charm = charm(&format!("{METADATA}{both}"));
    let id = charm.relate_to(&[UNIT]);
    charm.juju.set_remote_unit_data(id, UNIT, "receivers", HTTP);
    let dispatch = charm.hook("update-status");
    let tracing = TracingEndpointRequirer::new(&dispatch, "tracing", &[OtlpHttp]).expect("in the metadata");
    let mut config = charm_tracing_config(&tracing, None).expect("no error");
    assert_eq!(config, none());
    if config.endpoint.is_none() {
        config = charm_tracing_config(&provider(&dispatch), None).expect("no error");
    }
    assert_eq!(config.endpoint.as_deref(), Some("http://host:4318"));
}

proptest! {
    #[test]
    fn any_databag_is_no_error_and_gets_the_request(
        config in prop_oneof![any::<String>(), "\\{(\"(log_slots|tracing_protocols|x)\": (\\[\\]|3|null|\"\"),? ?){0,3}\\}"],
        receivers in prop_oneof![any::<String>(), "\\[(\\{\"protocol\": (3|\\{\"name\": \"otlp_http\"\\}), \"url\": null\\},?){0,2}\\]"],
    ) {
        let (charm, id) = related(&receivers);
        charm.juju.set_local_unit_data(id, "config", &config);
        let hook = charm.relation_hook("changed", id);
        let provider = provider(&hook);
        prop_assert!(provider.is_ready().is_ok() && provider.on(&hook).is_some());
        prop_assert_eq!(charm_tracing_config(&provider, None).expect("no error"), none());
        charm.juju.commit_hook();
        let config: serde_json::Value =
            serde_json::from_str(&config_of(&charm, id).expect("a request")).expect("JSON");
        prop_assert_eq!(&config["tracing_protocols"], &serde_json::json!(["otlp_http"]));
    }
}
