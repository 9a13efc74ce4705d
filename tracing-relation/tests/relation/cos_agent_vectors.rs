//! A principal charm finds and writes what the Python library `grafana_agent.v0.cos_agent` was recorded finding and writing,
//! except where this crate is meant to do something else.

use std::path::Path;

use serde_json::{Map, Value, json};
use tracing_relation::{CosAgentProvider, ReceiverProtocol, TracingError, charm_tracing_config};

use crate::cos_agent::{METADATA, charm};

/// A result that is not the recorded one: its case and key, why, and what is found instead.
struct Other {
    case: &'static str,
    key: &'static str,
    why: &'static str,
    instead: &'static str,
}

const OTHER: [Other; 1] = [Other {
    case: "https",
    key: "charm_tracing_config:None",
    why: "a missing certificate is a warning, as with the `tracing` library, because tracing fails no hook",
    instead: r#"{"value": [null, null]}"#,
}];

/// A test for each case, by its name, and one that none is missing.
macro_rules! recorded {
    ($($case:ident)+) => {
        $(
            #[test]
            fn $case() {
                check(stringify!($case));
            }
        )+

        #[test]
        fn no_case_is_left_out() {
            let mut tested = [$(stringify!($case)),+];
            tested.sort_unstable();
            let cases = cases();
            let mut recorded: Vec<&str> = cases.keys().map(String::as_str).collect();
            recorded.sort_unstable();
            assert_eq!(tested[..], recorded);
        }
    };
}

recorded! {
    asked_grpc_only empty_databag empty_list http_and_grpc https no_unit_yet not_json nothing_asked one_http other_keys
    unknown_protocol unknown_transport url_null
}

#[test]
fn exceptions_are_made_for_recorded_results_only() {
    for Other { case, key, .. } in OTHER {
        assert!(cases()[case]["result"].get(key).is_some(), "{case}: {key}");
    }
}

fn check(name: &str) {
    let case = &cases()[name];
    let mut expected = case["result"].clone();
    let protocols: Vec<ReceiverProtocol> = texts(&case["asked"]);
    let charm = charm(METADATA);
    // Without a unit the event is another one, as in the recording.
    let is_there = name != "no_unit_yet";
    let id = charm.relate_to(if is_there { &["collector/0"] } else { &[] });
    for (key, value) in case["own_unit_databag"].as_object().into_iter().flatten() {
        charm.juju.set_local_unit_data(id, key, value.as_str().expect("text"));
    }
    for (key, value) in case["remote_unit_databag"].as_object().into_iter().flatten() {
        charm.juju.set_remote_unit_data(id, "collector/0", key, value.as_str().expect("text"));
    }
    let hook = if is_there { charm.relation_hook("changed", id) } else { charm.hook("update-status") };
    let provider = CosAgentProvider::new(&hook, "cos-agent", &protocols).expect("it is in the metadata");

    let mut observed = json!({"is_ready": provider.is_ready().expect("an answer")});
    for (key, recorded) in expected.as_object_mut().expect("an object") {
        if let Some(protocol) = key.strip_prefix("get_tracing_endpoint:") {
            let endpoint = provider.get_tracing_endpoint(protocol).map(Value::from);
            observed[key] = outcome(name, endpoint, recorded);
        } else if let Some(path) = key.strip_prefix("charm_tracing_config:") {
            let path = Some(Path::new(path)).filter(|path| *path != Path::new("None"));
            let config = charm_tracing_config(&provider, path);
            let config = config.map(|config| json!([config.endpoint, config.server_cert]));
            observed[key] = outcome(name, config, recorded);
        }
        if let Some(other) = OTHER.iter().find(|other| (other.case, other.key) == (name, key)) {
            assert_ne!(
                observed[key], *recorded,
                "{name} is as recorded: no exception is needed ({})",
                other.why
            );
            *recorded = serde_json::from_str(other.instead).expect("JSON");
        }
    }
    charm.juju.commit_hook();
    let written = charm.juju.local_unit_data(id);
    let written = written.get("config").map(|config| serde_json::from_str::<Value>(config).expect("JSON"));
    observed["own_config_after"] = json!(written);
    // The Python library has rules of its own, even for a charm that has none.
    if let Some(rules) = expected["own_config_after"].get_mut("metrics_alert_rules") {
        assert_eq!(rules.take(), "<generic rules>");
        *rules = json!({});
    }
    assert_eq!(observed, expected, "{name}");
}

/// Shows a result as the recordings do. An error is shown by the recorded name if that is the name, or the name of a kind of
/// it: in Python, a `ProtocolNotRequestedError` is a `ProtocolNotFoundError`. The recorded library raises the former even for
/// what it has requested, because it looks for its request beside `config` rather than in it.
fn outcome(case: &str, result: Result<Value, TracingError>, recorded: &Value) -> Value {
    let kinds: &[&str] = match result {
        Ok(value) => return json!({"value": value}),
        Err(TracingError::ProtocolNotRequested { .. }) => &["ProtocolNotRequestedError"],
        Err(TracingError::ProtocolNotFound { .. }) => &["ProtocolNotFoundError", "ProtocolNotRequestedError"],
        Err(other) => panic!("{case}: {other:?}"),
    };
    let name = kinds.iter().find(|name| recorded["error"] == **name).unwrap_or(&kinds[0]);
    json!({"error": name})
}

fn texts(names: &Value) -> Vec<ReceiverProtocol> {
    let names = names.as_array().into_iter().flatten();
    names.map(|name| name.as_str().expect("text").parse().expect("a protocol")).collect()
}

fn cases() -> Map<String, Value> {
    let recorded: Value =
        serde_json::from_str(include_str!("../fixtures/recorded-cos-agent.json")).expect("JSON");
    recorded["cases"].as_object().expect("cases").clone()
}
