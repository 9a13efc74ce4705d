//! The promises that users of the Python library rely on: requirers (1 to 9), providers (10 to 12), what becomes
//! of a charm's own traces (25), and the interface (26, 27). The others are about charm tracing, and so with its tests.
//!
//! Where this crate is meant to do something else, the test says why.

use serde_json::{Value, json};
use tracing_relation::juju::Dispatch;
use tracing_relation::{
    CharmTracingConfig, Receiver, ReceiverProtocol, TracingEndpointProvider, TracingEndpointRequirer,
    TracingError, TracingEvent, TracingProviderEvent, charm_tracing_config,
};

use crate::charm::{Charm, LIMIT_1, PROVIDER};
use crate::schema;
use ReceiverProtocol::{OtlpGrpc, OtlpHttp, Zipkin};

fn requirer(hook: &Dispatch, protocols: &[ReceiverProtocol]) -> TracingEndpointRequirer {
    TracingEndpointRequirer::new(hook, "charm-tracing", protocols).expect("it is in the metadata")
}

fn provider(hook: &Dispatch) -> TracingEndpointProvider {
    TracingEndpointProvider::new(hook, "charm-tracing").expect("it is in the metadata")
}

/// Receivers in the words of version 2.
fn receivers(of: &[(&str, &str, &str)]) -> String {
    let receiver = |(name, transport, url): &(&str, &str, &str)| json!({"protocol": {"name": name, "type": transport}, "url": url});
    of.iter().map(receiver).collect::<Value>().to_string()
}

#[test]
fn c01_endpoints_for_several_protocols_are_returned_as_they_are() {
    for leader in [true, false] {
        let charm = Charm::new(LIMIT_1, leader);
        let several = [("otlp_grpc", "grpc", "tempo:4317"), ("otlp_http", "http", "http://tempo:4318")];
        let id = charm.relate(Some(&receivers(&several)));
        let requirer = requirer(&charm.relation_hook("changed", id), &[OtlpGrpc, OtlpHttp]);
        assert_eq!(requirer.get_endpoint(OtlpGrpc).expect("an answer").as_deref(), Some("tempo:4317"));
        assert_eq!(requirer.get_endpoint(OtlpHttp).expect("an answer").as_deref(), Some("http://tempo:4318"));
    }
}

#[test]
fn c02_https_urls_are_passed_through() {
    let charm = Charm::new(LIMIT_1, false);
    let id = charm.relate(Some(&receivers(&[("otlp_http", "http", "https://tempo:4318")])));
    let requirer = requirer(&charm.relation_hook("changed", id), &[OtlpHttp]);
    assert_eq!(requirer.get_endpoint(OtlpHttp).expect("an answer").as_deref(), Some("https://tempo:4318"));
}

#[test]
fn c03_an_external_url_is_used_as_given() {
    let charm = Charm::new(LIMIT_1, true);
    let external = "https://traces.example/model-tempo/otlp";
    let id = charm.relate(Some(&receivers(&[("otlp_http", "http", external)])));
    let requirer = requirer(&charm.relation_hook("changed", id), &[OtlpHttp]);
    assert_eq!(requirer.get_endpoint(OtlpHttp).expect("an answer").as_deref(), Some(external));
}

#[test]
fn c04_changed_with_valid_data_is_one_event_with_the_receivers_in_order() {
    for leader in [true, false] {
        let charm = Charm::new(LIMIT_1, leader);
        let several = [
            ("zipkin", "http", "http://tempo:9411"),
            ("otlp_grpc", "grpc", "tempo:4317"),
            ("otlp_http", "http", "http://tempo:4318"),
        ];
        let id = charm.relate(Some(&receivers(&several)));
        let hook = charm.relation_hook("changed", id);
        match requirer(&hook, &[OtlpHttp]).on(&hook) {
            Some(TracingEvent::EndpointChanged { relation, receivers, .. }) => {
                let order: Vec<_> =
                    receivers.iter().map(|receiver| receiver.protocol.name.as_str()).collect();
                assert_eq!((relation.id, order), (id, vec!["zipkin", "otlp_grpc", "otlp_http"]));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The Python suites feed databags of older generations here, too. This crate reads those: see `generations`.
#[test]
fn c05_invalid_databags_are_not_ready_and_endpoint_removed() {
    for databag in
        [json!({"ingesters": "rubble"}), json!({"receivers": "[3]"}), json!({"bubble": "rubble"}), json!({})]
    {
        let charm = Charm::new(LIMIT_1, true);
        let id = charm.relate(None);
        for (key, value) in databag.as_object().expect("a databag") {
            charm.juju.set_remote_app_data(id, key, value.as_str().expect("text"));
        }
        let hook = charm.relation_hook("changed", id);
        let requirer = requirer(&hook, &[OtlpHttp]);
        assert_eq!(requirer.is_ready().ok(), Some(false), "{databag}");
        assert!(matches!(requirer.on(&hook), Some(TracingEvent::EndpointRemoved { .. })), "{databag}");
    }
}

#[test]
fn c06_broken_is_endpoint_removed() {
    for receivers_there in [true, false] {
        let charm = Charm::new(LIMIT_1, false);
        let published = receivers(&[("otlp_http", "http", "http://tempo:4318")]);
        let id = charm.relate(receivers_there.then_some(published.as_str()));
        let hook = charm.relation_hook("broken", id);
        match requirer(&hook, &[OtlpHttp]).on(&hook) {
            Some(TracingEvent::EndpointRemoved { relation, .. }) => assert_eq!(relation.id, id),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn c07_on_an_empty_relation_the_leader_may_ask_and_a_follower_is_refused() {
    for leader in [true, false] {
        let charm = Charm::new(LIMIT_1, leader);
        let id = charm.relate(None);
        let requested = requirer(&charm.relation_hook("created", id), &[]).request_protocols(&[OtlpHttp]);
        charm.juju.commit_hook();
        if leader {
            requested.expect("the leader may");
            assert_eq!(charm.juju.local_app_data(id)["receivers"], r#"["otlp_http"]"#);
        } else {
            assert!(matches!(requested, Err(TracingError::DataAccessPermission)), "{requested:?}");
            assert!(charm.juju.local_app_data(id).is_empty());
        }
    }
}

#[test]
fn c08_an_endpoint_not_answered_yet_is_none_and_one_never_requested_is_an_error() {
    let charm = Charm::new(LIMIT_1, true);
    let id = charm.relate(None);
    let requirer = requirer(&charm.relation_hook("created", id), &[]);
    requirer.request_protocols(&[OtlpHttp]).expect("the leader may");
    assert_eq!(requirer.get_endpoint(OtlpHttp).expect("requested"), None);
    match requirer.get_endpoint(OtlpGrpc) {
        Err(TracingError::ProtocolNotRequested { protocol, relation, .. }) => {
            assert_eq!((protocol.as_str(), relation.id), ("otlp_grpc", id));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn c09_a_requirer_works_if_the_backend_replied_without_being_asked() {
    for leader in [true, false] {
        let charm = Charm::new(LIMIT_1, leader);
        let id = charm.relate(Some(&receivers(&[("otlp_grpc", "grpc", "tempo:4317")])));
        let requirer = requirer(&charm.relation_hook("changed", id), &[]);
        assert_eq!(requirer.is_ready().ok(), Some(true));
        assert_eq!(requirer.get_endpoint(OtlpGrpc).expect("an answer").as_deref(), Some("tempo:4317"));
        charm.juju.commit_hook();
        assert!(charm.juju.local_app_data(id).is_empty());
    }
}

/// Publishes what is asked for, as Tempo's charm does.
fn answer(charm: &Charm, hook: &Dispatch) {
    let provider = provider(hook);
    let requested = provider.requested_protocols().expect("an answer").into_iter();
    let receivers: Vec<_> = requested
        .map(|protocol| Receiver::on_port(protocol, "http://tempo", 4000).expect("a host"))
        .collect();
    provider.publish_receivers(&receivers).expect("the leader may");
    charm.juju.commit_hook();
}

fn published(charm: &Charm, id: u32) -> Vec<String> {
    let json: Value = serde_json::from_str(&charm.juju.local_app_data(id)["receivers"]).expect("JSON");
    let items = json.as_array().expect("a list").iter();
    items.map(|item| item["protocol"]["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn c10_what_any_asks_for_is_published_to_all() {
    let charm = Charm::new(PROVIDER, true);
    let ids = [charm.relate(Some(r#"["otlp_grpc"]"#)), charm.relate(Some(r#"["otlp_http", "otlp_grpc"]"#))];
    answer(&charm, &charm.relation_hook("changed", ids[1]));
    for id in ids {
        assert_eq!(published(&charm, id), ["otlp_http", "otlp_grpc"]);
    }
}

#[test]
fn c11_the_protocol_of_one_that_leaves_goes_with_the_next_answer() {
    let charm = Charm::new(PROVIDER, true);
    let [stays, leaves] = [charm.relate(Some(r#"["otlp_http"]"#)), charm.relate(Some(r#"["zipkin"]"#))];
    answer(&charm, &charm.relation_hook("changed", leaves));
    assert_eq!(published(&charm, stays), ["otlp_http", "zipkin"]);
    let broken = charm.relation_hook("broken", leaves);
    assert!(matches!(provider(&broken).on(&broken), Some(TracingProviderEvent::Broken { .. })));
    answer(&charm, &broken);
    assert_eq!(published(&charm, stays), ["otlp_http"]);
}

#[test]
fn c12_an_empty_request_still_gets_an_answer() {
    for event in ["created", "joined", "changed"] {
        let charm = Charm::new(PROVIDER, true);
        let id = charm.relate(Some("[]"));
        let hook = charm.relation_hook(event, id);
        match provider(&hook).on(&hook) {
            Some(TracingProviderEvent::Request { protocols, .. }) => assert_eq!(protocols, []),
            other => panic!("{event}: {other:?}"),
        }
        let provider = provider(&hook);
        provider.publish_receivers(&[Receiver::new(OtlpHttp, "http://tempo:4318")]).expect("the leader may");
        charm.juju.commit_hook();
        assert_eq!(published(&charm, id), ["otlp_http"], "{event}");
    }
}

#[test]
fn c25_a_charm_that_is_refused_has_no_endpoint() {
    for wording in ["ERROR permission denied\n", "ERROR permission denied (unauthorized access)\n"] {
        let charm = Charm::new(LIMIT_1, false);
        let id = charm.relate(Some(&receivers(&[("zipkin", "http", "http://tempo:9411")])));
        let requirer = requirer(&charm.relation_hook("changed", id), &[OtlpHttp]);
        assert_eq!(requirer.is_ready().ok(), Some(true));
        charm.juju.fail_every("relation-get", 1, wording);
        let config = charm_tracing_config(&requirer, None).expect("no error");
        assert_eq!(config, CharmTracingConfig::default(), "{wording}");
    }
}

#[test]
fn c26_both_sides_keep_to_the_schemas_after_created_joined_and_changed() {
    let ([requirers, ..], [providers, ..]) = (schema::requirers(), schema::providers());
    for event in ["created", "joined", "changed"] {
        let charm = Charm::new(LIMIT_1, true);
        let id = charm.relate(None);
        let _ = requirer(&charm.relation_hook(event, id), &[OtlpHttp, Zipkin]);
        charm.juju.commit_hook();
        assert!(requirers.accepts(&charm.juju.local_app_data(id)), "{event}");

        let charm = Charm::new(PROVIDER, true);
        let id = charm.relate(Some(r#"["otlp_http", "otlp_grpc"]"#));
        answer(&charm, &charm.relation_hook(event, id));
        assert!(providers.accepts(&charm.juju.local_app_data(id)), "{event}");
    }
}

/// By a backend that answers whenever it is told of a request, as those do that use the Python library. A good request
/// shows that it would.
#[test]
fn c27_after_bad_data_of_the_requirer_the_provider_publishes_nothing() {
    for event in ["created", "joined", "changed"] {
        for (request, is_good) in
            [(r#"["carrier_pigeon"]"#, false), ("rubble", false), ("3", false), (r#"["otlp_http"]"#, true)]
        {
            let charm = Charm::new(PROVIDER, true);
            let id = charm.relate(Some(request));
            let hook = charm.relation_hook(event, id);
            let told = provider(&hook).on(&hook);
            assert_eq!(told.is_some(), is_good, "{event}, {request}: {told:?}");
            if let Some(TracingProviderEvent::Request { .. }) = told {
                answer(&charm, &hook);
            }
            charm.juju.commit_hook();
            assert_eq!(charm.juju.local_app_data(id).is_empty(), !is_good, "{event}, {request}");
        }
    }
}
