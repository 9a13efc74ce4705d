//! Both sides do what the Python library was recorded doing, except where they are meant to find more.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde_json::{Map, Value, json};
use tracing_relation::juju::Dispatch;
use tracing_relation::{
    Receiver, ReceiverProtocol, TracingEndpointProvider, TracingEndpointRequirer, TracingError, TracingEvent,
    TracingProviderEvent, charm_tracing_config,
};

use crate::charm::{Charm, LIMIT_1, PROVIDER};

const CONFIG: &str = "charm_tracing_config(cert_path=None)";

/// Where the crate is wider than the Python library: the case, why, and what takes the place of the recorded results.
struct Wider {
    case: &'static str,
    why: &'static str,
    instead: &'static str,
}

const WIDER: [Wider; 3] = [
    Wider {
        case: "requirer_writes_follower/one",
        why: "only a leader can know what was requested; the recording is of ops-scenario, which lets a follower read \
              its application's databag, where Juju and so ops itself fail the hook",
        instead: r#"{"get_endpoint": {"otlp_http": {"value": null}}}"#,
    },
    Wider {
        case: "requirer_reads/one_good_one_bad_transport/requested_all",
        why: "one bad receiver does not hide the good ones",
        instead: r#"{
            "is_ready": {"value": true},
            "get_endpoint": {
                "otlp_http": {"value": "http://tempo:4318"},
                "otlp_grpc": {"value": null},
                "zipkin": {"value": null},
                "jaeger_thrift_http": {"value": null},
                "jaeger_grpc": {"value": null}
            },
            "charm_tracing_config(cert_path=None)": {"value": ["http://tempo:4318", null]},
            "events": ["RelationChangedEvent", "EndpointChangedEvent"]
        }"#,
    },
    Wider {
        case: "requirer_reads/one_good_one_bad_transport/requested_none",
        why: "one bad receiver does not hide the good ones",
        instead: r#"{
            "is_ready": {"value": true},
            "get_endpoint": {
                "otlp_http": {"value": "http://tempo:4318"},
                "otlp_grpc": {"exception": "ProtocolNotRequestedError"},
                "zipkin": {"exception": "ProtocolNotRequestedError"},
                "jaeger_thrift_http": {"exception": "ProtocolNotRequestedError"},
                "jaeger_grpc": {"exception": "ProtocolNotRequestedError"}
            },
            "charm_tracing_config(cert_path=None)": {"value": ["http://tempo:4318", null]},
            "events": ["RelationChangedEvent", "EndpointChangedEvent"]
        }"#,
    },
];

#[test]
fn requests_are_published_as_python_publishes_them() {
    for (name, case) in section("requirer_writes") {
        let names = case["input_protocols"].as_array().cloned().unwrap_or_default();
        let names = names.iter().map(|name| ReceiverProtocol::from_str(name.as_str().expect("a name")));
        let Ok(protocols) = names.collect::<Result<Vec<_>, _>>() else {
            assert_eq!(case["hook"], json!({"exception": "ValidationError"}), "requirer_writes/{name}");
            continue;
        };
        let charm = Charm::new(LIMIT_1, true);
        let id = charm.relate(None);
        check(
            &format!("requirer_writes/{name}"),
            &case,
            &charm,
            &charm.relation_hook("created", id),
            &protocols,
        );
    }
}

#[test]
fn a_follower_publishes_nothing() {
    for (name, case) in section("requirer_writes_follower") {
        let charm = Charm::new(LIMIT_1, false);
        let id = charm.relate(None);
        let hook = charm.relation_hook("created", id);
        check(
            &format!("requirer_writes_follower/{name}"),
            &case,
            &charm,
            &hook,
            &[ReceiverProtocol::OtlpHttp],
        );
    }
}

#[test]
fn databags_are_read_as_python_reads_them() {
    for (name, case) in section("requirer_reads") {
        for (requested, protocols) in [("requested_all", &RECORDED_ORDER[..]), ("requested_none", &[])] {
            let charm = Charm::new(LIMIT_1, true);
            let id = charm.relate(None);
            publish(&charm, id, &case);
            let hook = charm.relation_hook("changed", id);
            check(&format!("requirer_reads/{name}/{requested}"), &case[requested], &charm, &hook, protocols);
        }
    }
}

#[test]
fn databags_are_read_as_python_reads_them_by_a_follower() {
    for (name, case) in section("requirer_reads_follower_with_request") {
        let charm = Charm::new(LIMIT_1, false);
        let id = charm.relate(None);
        publish(&charm, id, &case);
        let requested = case["result"]["local_app_databag"]["receivers"].as_str().expect("a request");
        charm.juju.set_local_app_data(id, "receivers", requested);
        let hook = charm.relation_hook("changed", id);
        let name = format!("requirer_reads_follower_with_request/{name}");
        check(&name, &case["result"], &charm, &hook, &[]);
    }
}

#[test]
fn requests_are_read_as_python_reads_them() {
    for (name, case) in section("provider_reads") {
        let (charm, provider, hook) = requested(true, &case["remote_app_databag"]);
        check_provider(&format!("provider_reads/{name}"), &case, &charm, &provider, &hook, None);
    }
}

#[test]
fn receivers_are_published_as_python_publishes_them() {
    for (section_name, leader) in [("provider_writes", true), ("provider_writes_follower", false)] {
        for (name, case) in section(section_name) {
            // The recordings do not say so, but that is what had been requested.
            let request = json!({"receivers": "[\"otlp_http\"]"});
            let (charm, provider, hook) = requested(leader, &request);
            let pairs = case["input_receivers"].as_array().expect("pairs");
            let receivers = pairs.iter().map(|pair| {
                let protocol = pair[0].as_str().expect("a name").parse::<ReceiverProtocol>().ok()?;
                Some(Receiver::new(protocol, pair[1].as_str().expect("a url")))
            });
            // A protocol that is unknown is refused before there can be a receiver of it.
            let published = match receivers.collect::<Option<Vec<_>>>() {
                None => json!({"exception": {"type": "KeyError", "message": "'carrier_pigeon'"}}),
                Some(receivers) => match provider.publish_receivers(&receivers) {
                    Ok(()) => json!({"value": null}),
                    Err(TracingError::DataAccessPermission) => {
                        json!({"exception": {"type": "RuntimeError", "message": "only leader can do this"}})
                    }
                    Err(other) => json!({"exception": other.to_string()}),
                },
            };
            let name = format!("{section_name}/{name}");
            check_provider(&name, &case, &charm, &provider, &hook, Some(published));
        }
    }
}

/// A provider in the hook that tells it what the other side has published.
fn requested(leader: bool, databag: &Value) -> (Charm, TracingEndpointProvider, Dispatch) {
    let charm = Charm::new(PROVIDER, leader);
    let id = charm.relate(None);
    for (key, value) in databag.as_object().expect("a databag") {
        charm.juju.set_remote_app_data(id, key, value.as_str().expect("text"));
    }
    let hook = charm.relation_hook("changed", id);
    let provider = TracingEndpointProvider::new(&hook, "charm-tracing").expect("it is in the metadata");
    (charm, provider, hook)
}

fn check_provider(
    name: &str,
    recorded: &Value,
    charm: &Charm,
    provider: &TracingEndpointProvider,
    hook: &Dispatch,
    published: Option<Value>,
) {
    let mut expected = recorded.clone();
    let fields = expected.as_object_mut().expect("an object");
    fields.retain(|field, _| !field.starts_with("input_") && field != "remote_app_databag");
    fields["events"].as_array_mut().expect("events").remove(0);
    let relation = &provider.relations().expect("an answer")[0];
    let ready = outcome(provider.is_requirer_ready(relation).map(|ready| json!(ready)));
    let protocols = provider.requested_protocols().expect("an answer");
    let names: BTreeSet<&str> = protocols.iter().map(|protocol| protocol.as_str()).collect();
    let events = match provider.on(hook) {
        None => json!([]),
        Some(TracingProviderEvent::Request { .. }) => json!(["RequestEvent"]),
        Some(_) => json!(["BrokenEvent"]),
    };
    charm.juju.commit_hook();
    let mut observed = json!({
        "is_requirer_ready": ready,
        "requested_protocols": {"value": names},
        "local_app_databag": charm.juju.local_app_data(relation.id),
        "hook": "ok",
        "events": events,
    });
    if let Some(published) = published {
        observed["publish_receivers"] = published;
    }
    assert_eq!(observed, expected, "{name}");
}

/// All protocols, in the order in which the recordings have them.
const RECORDED_ORDER: [ReceiverProtocol; 5] = [
    ReceiverProtocol::OtlpHttp,
    ReceiverProtocol::OtlpGrpc,
    ReceiverProtocol::Zipkin,
    ReceiverProtocol::JaegerThriftHttp,
    ReceiverProtocol::JaegerGrpc,
];

fn section(name: &str) -> Map<String, Value> {
    let recorded: Value = serde_json::from_str(include_str!("../fixtures/recorded.json")).expect("JSON");
    let section = recorded["sections"][name].as_object().expect("a section").clone();
    assert!(!section.is_empty(), "{name} has cases");
    section
}

/// The backend publishes the databag of a case.
fn publish(charm: &Charm, id: u32, case: &Value) {
    for (key, value) in case["remote_app_databag"].as_object().expect("a databag") {
        let value = match value.as_str().expect("text") {
            "<the ok_http receiver repeated 1000 times>" => {
                let one = section("requirer_reads")["ok_http"]["remote_app_databag"]["receivers"].clone();
                let one = one.as_str().expect("text").trim_matches(['[', ']']).to_owned();
                format!("[{}]", vec![one; 1000].join(", "))
            }
            value => value.to_owned(),
        };
        charm.juju.set_remote_app_data(id, key, &value);
    }
}

fn check(name: &str, recorded: &Value, charm: &Charm, hook: &Dispatch, protocols: &[ReceiverProtocol]) {
    let mut expected = recorded.clone();
    if let Some(fields) = expected.as_object_mut() {
        fields.remove("input_protocols");
        if let Some(events) = fields.get_mut("events").and_then(Value::as_array_mut) {
            events.remove(0);
        }
    }
    let asked: Vec<String> =
        expected["get_endpoint"].as_object().expect("protocols").keys().cloned().collect();
    let observed = observe(charm, hook, protocols, &asked);
    if let Some(wider) = WIDER.iter().find(|wider| wider.case == name) {
        assert_ne!(observed, expected, "{name} is as recorded: no exception is needed ({})", wider.why);
        let instead: Map<String, Value> = serde_json::from_str(wider.instead).expect("JSON");
        for (field, mut value) in instead {
            if field == "events" {
                value.as_array_mut().expect("events").remove(0);
            }
            expected[&field] = value;
        }
    }
    assert_eq!(observed, expected, "{name}");
}

/// What a recording holds, of this crate.
fn observe(charm: &Charm, hook: &Dispatch, protocols: &[ReceiverProtocol], asked: &[String]) -> Value {
    let requirer = TracingEndpointRequirer::new(hook, "charm-tracing", protocols).expect("constructed");
    let endpoints: Map<String, Value> = asked
        .iter()
        .map(|name| {
            let protocol: ReceiverProtocol = name.parse().expect("a protocol");
            (name.clone(), outcome(requirer.get_endpoint(protocol).map(|endpoint| json!(endpoint))))
        })
        .collect();
    let config =
        charm_tracing_config(&requirer, None).map(|config| json!([config.endpoint, config.server_cert]));
    let event = match requirer.on(hook) {
        None => json!([]),
        Some(TracingEvent::EndpointRemoved { .. }) => json!(["EndpointRemovedEvent"]),
        Some(_) => json!(["EndpointChangedEvent"]),
    };
    let ready = outcome(requirer.is_ready().map(|ready| json!(ready)));
    charm.juju.commit_hook();
    let id = hook.relation().expect("valid").expect("a relation's hook").id;
    json!({
        "is_ready": ready,
        "get_endpoint": endpoints,
        CONFIG: outcome(config),
        "local_app_databag": charm.juju.local_app_data(id),
        "hook": "ok",
        "events": event,
    })
}

fn outcome(result: Result<Value, TracingError>) -> Value {
    match result {
        Ok(value) => json!({"value": value}),
        Err(TracingError::ProtocolNotRequested { .. }) => json!({"exception": "ProtocolNotRequestedError"}),
        Err(other) => json!({"exception": other.to_string()}),
    }
}
