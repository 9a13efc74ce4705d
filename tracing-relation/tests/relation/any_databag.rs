//! Whatever the other side publishes: no panic, and no error of `charm_tracing_config`.

use proptest::collection::vec;
use proptest::prelude::*;
use tracing_relation::{
    ReceiverProtocol, TracingEndpointProvider, TracingEndpointRequirer, charm_tracing_config,
};

use crate::charm::{Charm, LIMIT_1, PROVIDER};

fn survives(leader: bool, prepare: impl Fn(&Charm, u32)) -> Option<String> {
    let charm = Charm::new(LIMIT_1, leader);
    let id = charm.relate(None);
    prepare(&charm, id);
    let hook = charm.relation_hook("changed", id);
    let requirer = TracingEndpointRequirer::new(&hook, "charm-tracing", &[ReceiverProtocol::OtlpHttp]);
    let requirer = requirer.expect("the endpoint is in the metadata");
    let config = charm_tracing_config(&requirer, None).expect("no databag is an error");
    assert!(requirer.on(&hook).is_some(), "relation-changed is one event or the other");
    config.endpoint
}

/// Items that look more or less like receivers.
fn receiver() -> impl Strategy<Value = String> {
    let json = prop_oneof![
        Just("null".to_owned()),
        Just("3".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        Just("{}".to_owned()),
        Just("[[".to_owned()),
        "\"[a-z_]{0,9}\"",
        Just("\"otlp_http\"".to_owned()),
        Just("\"http\"".to_owned()),
        any::<String>().prop_map(quoted),
    ];
    let field = prop_oneof![Just("name"), Just("type"), Just("url"), Just("protocol"), Just("x")];
    let object = |value: BoxedStrategy<String>| {
        vec((field.clone(), value), 0..4).prop_map(|fields| {
            let fields = fields.iter().map(|(name, value)| format!("\"{name}\": {value}"));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        })
    };
    let json = json.boxed();
    let protocol = prop_oneof![json.clone(), object(json)].boxed();
    object(protocol)
}

/// The keys of any generation.
fn key() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&[
        "receivers",
        "ingesters",
        "ingester-ports",
        "url",
        "host",
        "hostname",
        "external_url",
        "internal_scheme",
        "protocols",
        "ingress-address",
    ])
}

/// Items of any generation, good and bad.
fn list() -> impl Strategy<Value = String> {
    let item = prop_oneof![
        receiver(),
        any::<String>().prop_map(quoted),
        "\"(otlp_http|jaeger_http_thrift|tempo)\"",
        r#"\{"(protocol|type)": ("otlp_grpc"|3|\[\]), "port": ("?[0-9]{1,6}"?|-1|4e3|null)\}"#,
    ];
    vec(item, 0..4).prop_map(|items| format!("[{}]", items.join(",")))
}

#[expect(clippy::needless_pass_by_value, reason = "strategies own what they make")]
fn quoted(text: String) -> String {
    serde_json::Value::from(text.as_str()).to_string()
}

proptest! {
    #[test]
    fn any_text_is_no_error(text: String, leader: bool) {
        survives(leader, |charm, id| charm.juju.set_remote_app_data(id, "receivers", &text));
    }

    #[test]
    fn any_list_is_no_error_and_hides_no_good_receiver(items in vec(receiver(), 0..5), at: usize, leader: bool) {
        let publish = |items: &[String]| format!("[{}]", items.join(","));
        survives(leader, |charm, id| charm.juju.set_remote_app_data(id, "receivers", &publish(&items)));

        let valid = items.into_iter().filter(|item| serde_json::from_str::<&serde_json::value::RawValue>(item).is_ok());
        let mut items: Vec<String> = valid.collect();
        let good = r#"{"protocol": {"name": "otlp_http", "type": "http"}, "url": "http://good"}"#;
        items.insert(at % (items.len() + 1), good.to_owned());
        let endpoint = survives(leader, |charm, id| {
            charm.juju.set_remote_app_data(id, "receivers", &publish(&items));
        });
        prop_assert!(endpoint.is_some(), "{items:?}");
    }

    #[test]
    fn any_databag_is_no_error(
        databag in vec((key(), prop_oneof![any::<String>(), any::<String>().prop_map(quoted), list()]), 0..4),
        leader: bool,
    ) {
        survives(leader, |charm, id| {
            for (key, value) in &databag {
                charm.juju.set_remote_app_data(id, key, value);
            }
        });

        let charm = Charm::new(PROVIDER, leader);
        let id = charm.relate(None);
        for (key, value) in &databag {
            charm.juju.set_remote_app_data(id, key, value);
        }
        let hook = charm.relation_hook("changed", id);
        let provider = TracingEndpointProvider::new(&hook, "charm-tracing").expect("it is in the metadata");
        let requested = provider.requested_protocols().expect("no databag is an error");
        let ready = provider.is_requirer_ready(&provider.relations().expect("an answer")[0]);
        prop_assert_eq!(provider.on(&hook).is_some(), ready.expect("no databag is an error"));
        prop_assert!(requested.is_empty() || provider.on(&hook).is_some());
    }

    #[test]
    fn any_output_of_relation_get_is_no_error(output: String, published: String) {
        survives(false, |charm, id| {
            charm.juju.set_local_app_data(id, "receivers", &published);
            charm.juju.answer_next("relation-get", &output);
        });
        survives(true, |charm, id| {
            charm.juju.set_local_app_data(id, "receivers", &published);
            charm.juju.answer_next("relation-get", &output);
            charm.juju.answer_next("relation-get", &output);
        });
    }
}
