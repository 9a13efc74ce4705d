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

/// A case that a charm cannot even write here, while Python refuses it when the charm runs: why, and how Python refuses it.
struct Unwritable {
    case: &'static str,
    why: &'static str,
    refused: &'static str,
}

const UNWRITABLE: [Unwritable; 2] = [
    Unwritable {
        case: "requirer_writes/unknown",
        why: "what is requested are `ReceiverProtocol`s, each of which is known",
        refused: "ValidationError",
    },
    Unwritable {
        case: "provider_writes/unknown",
        why: "what is published are `Receiver`s, which a charm makes of a `ReceiverProtocol`",
        refused: "KeyError",
    },
];

/// A test for each case of a section, by its name, and one that none is missing.
macro_rules! recorded {
    ($section:ident: $($case:ident)+) => {
        mod $section {
            $(
                #[test]
                fn $case() {
                    super::$section(concat!(stringify!($section), "/", stringify!($case)));
                }
            )+

            #[test]
            fn no_case_is_left_out() {
                let mut tested = [$(stringify!($case)),+];
                tested.sort_unstable();
                let section = super::section(stringify!($section));
                let mut recorded: Vec<&str> = section.keys().map(String::as_str).collect();
                recorded.sort_unstable();
                assert_eq!(tested[..], recorded);
            }
        }
    };
}

recorded! { requirer_writes: one three all_five none empty duplicates unknown }

recorded! { requirer_writes_follower: one }

recorded! {
    requirer_reads:
    ok_http compact_json empty_databag missing_key_other_key not_json empty_list string_not_list number
    list_of_strings list_with_null known_and_unknown_protocol one_good_one_bad_transport mismatched_transport
    extra_databag_key_json extra_databag_key_not_json juju_builtin_keys missing_url url_null url_empty url_garbage
    url_trailing_slash missing_protocol_type missing_protocol_name json_nan json_trailing_garbage json_leading_space
    unicode_url lone_surrogate_escape duplicate_json_key big_1000_receivers
}

recorded! { requirer_reads_follower_with_request: ok_http empty_databag empty_list unknown_protocol }

recorded! {
    provider_reads:
    one duplicates empty_databag wrong_key empty_list null not_json empty_string string unknown_protocol
    documented_but_not_in_literal_jaeger_http_thrift number_in_list null_in_list uppercase compact_json v1_empty
}

recorded! {
    provider_writes: otlp_http otlp_grpc zipkin jaeger_grpc empty unknown non_ascii_url list_instead_of_tuple
}

recorded! { provider_writes_follower: otlp_http }

#[test]
fn exceptions_are_made_for_recorded_cases_only() {
    let sections = &recorded()["sections"];
    let wider = WIDER.iter().map(|wider| wider.case);
    for name in wider.chain(UNWRITABLE.iter().map(|unwritable| unwritable.case)) {
        let case = name.split('/').try_fold(sections, |found, part| found.get(part));
        assert!(case.is_some(), "{name}");
    }
}

fn requirer_writes(name: &str) {
    let recorded = case(name);
    let names = recorded["input_protocols"].as_array().cloned().unwrap_or_default();
    if is_unwritable(name, &recorded["hook"], names.iter()) {
        return;
    }
    let protocols: Vec<_> = names.iter().map(protocol).collect();
    let charm = Charm::new(LIMIT_1, true);
    let id = charm.relate(None);
    check(name, &recorded, &charm, &charm.relation_hook("created", id), &protocols);
}

/// It publishes nothing.
fn requirer_writes_follower(name: &str) {
    let charm = Charm::new(LIMIT_1, false);
    let id = charm.relate(None);
    let hook = charm.relation_hook("created", id);
    check(name, &case(name), &charm, &hook, &[ReceiverProtocol::OtlpHttp]);
}

fn requirer_reads(name: &str) {
    let recorded = case(name);
    for (requested, protocols) in [("requested_all", &RECORDED_ORDER[..]), ("requested_none", &[])] {
        let charm = Charm::new(LIMIT_1, true);
        let id = charm.relate(None);
        publish(&charm, id, &recorded);
        let hook = charm.relation_hook("changed", id);
        check(&format!("{name}/{requested}"), &recorded[requested], &charm, &hook, protocols);
    }
}

fn requirer_reads_follower_with_request(name: &str) {
    let recorded = case(name);
    let charm = Charm::new(LIMIT_1, false);
    let id = charm.relate(None);
    publish(&charm, id, &recorded);
    let requested = recorded["result"]["local_app_databag"]["receivers"].as_str().expect("a request");
    charm.juju.set_local_app_data(id, "receivers", requested);
    let hook = charm.relation_hook("changed", id);
    check(name, &recorded["result"], &charm, &hook, &[]);
}

fn provider_reads(name: &str) {
    let recorded = case(name);
    let (charm, provider, hook) = requested(true, &recorded["remote_app_databag"]);
    check_provider(name, recorded, &charm, &provider, &hook, None);
}

fn provider_writes(name: &str) {
    publish_receivers(name, true);
}

fn provider_writes_follower(name: &str) {
    publish_receivers(name, false);
}

fn publish_receivers(name: &str, leader: bool) {
    let mut recorded = case(name);
    // The recordings do not say so, but that is what had been requested.
    let request = json!({"receivers": "[\"otlp_http\"]"});
    let (charm, provider, hook) = requested(leader, &request);
    let pairs = recorded["input_receivers"].as_array().expect("pairs").clone();
    let published = if is_unwritable(name, &recorded["publish_receivers"], pairs.iter().map(|pair| &pair[0]))
    {
        // What remains is to find the same without it.
        recorded.as_object_mut().expect("an object").remove("publish_receivers");
        None
    } else {
        let receivers: Vec<_> = pairs
            .iter()
            .map(|pair| Receiver::new(protocol(&pair[0]), pair[1].as_str().expect("a url")))
            .collect();
        Some(match provider.publish_receivers(&receivers) {
            Ok(()) => json!({"value": null}),
            Err(TracingError::DataAccessPermission) => {
                json!({"exception": {"type": "RuntimeError", "message": "only leader can do this"}})
            }
            Err(other) => json!({"exception": other.to_string()}),
        })
    };
    check_provider(name, recorded, &charm, &provider, &hook, published);
}

/// Returns true for a case of [`UNWRITABLE`], and checks it: Python refuses it, and one of its names is no protocol's.
fn is_unwritable<'a>(name: &str, recorded: &Value, mut names: impl Iterator<Item = &'a Value>) -> bool {
    let Some(Unwritable { why, refused, .. }) = UNWRITABLE.iter().find(|unwritable| unwritable.case == name)
    else {
        return false;
    };
    let exception = recorded["exception"].as_str().or(recorded["exception"]["type"].as_str());
    assert_eq!(exception, Some(*refused), "{name}: {why}");
    let unknown = |name: &Value| ReceiverProtocol::from_str(name.as_str().expect("a name")).is_err();
    assert!(names.any(unknown), "{name}: all are known, so no exception is needed ({why})");
    true
}

fn protocol(name: &Value) -> ReceiverProtocol {
    name.as_str().expect("a name").parse().expect("a protocol")
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
    mut expected: Value,
    charm: &Charm,
    provider: &TracingEndpointProvider,
    hook: &Dispatch,
    published: Option<Value>,
) {
    let fields = expected.as_object_mut().expect("an object");
    fields.retain(|field, _| !field.starts_with("input_") && field != "remote_app_databag");
    assert_hook_succeeded(name, fields);
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

fn recorded() -> Value {
    serde_json::from_str(include_str!("../fixtures/recorded.json")).expect("JSON")
}

fn section(name: &str) -> Map<String, Value> {
    recorded()["sections"][name].as_object().expect("a section").clone()
}

/// By the names of its section and its own.
fn case(name: &str) -> Value {
    let (in_section, name) = name.split_once('/').expect("a section");
    section(in_section)[name].clone()
}

/// The recordings say so of each hook in which anything was found. Here, a failure is the test's.
fn assert_hook_succeeded(name: &str, recorded: &mut Map<String, Value>) {
    assert_eq!(recorded.remove("hook"), Some(json!("ok")), "{name}");
}

/// The backend publishes the databag of a case.
fn publish(charm: &Charm, id: u32, recorded: &Value) {
    for (key, value) in recorded["remote_app_databag"].as_object().expect("a databag") {
        let value = match value.as_str().expect("text") {
            "<the ok_http receiver repeated 1000 times>" => {
                let one = case("requirer_reads/ok_http")["remote_app_databag"]["receivers"].clone();
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
    let fields = expected.as_object_mut().expect("an object");
    fields.remove("input_protocols");
    fields["events"].as_array_mut().expect("events").remove(0);
    assert_hook_succeeded(name, fields);
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

/// Observes this crate in the way in which a recording has observed the Python library.
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
