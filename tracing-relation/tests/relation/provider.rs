//! Promises of the provider beyond the recordings of the Python library.

use tracing_relation::juju::{HookToolErrorKind, Role};
use tracing_relation::{
    Receiver, ReceiverProtocol, TracingEndpointProvider, TracingError, TracingProviderEvent,
};

use crate::charm::{Charm, LIMIT_1, PROVIDER};
use ReceiverProtocol::{JaegerThriftHttp, OtlpGrpc, OtlpHttp, Zipkin};

const HTTP: &str = r#"[{"protocol": {"name": "otlp_http", "type": "http"}, "url": "http://tempo:4318"}]"#;

fn provider(charm: &Charm) -> TracingEndpointProvider {
    let dispatch = charm.hook("update-status");
    TracingEndpointProvider::new(&dispatch, "charm-tracing").expect("it is in the metadata")
}

fn http() -> Receiver {
    Receiver::new(OtlpHttp, "http://tempo:4318")
}

/// A backend with three charms around it: two ask, in words of two versions of the interface, one says nothing.
fn three_requirers(leader: bool) -> (Charm, [u32; 3]) {
    let charm = Charm::new(PROVIDER, leader);
    let ids = [(); 3].map(|()| charm.relate(None));
    charm.juju.set_remote_app_data(ids[0], "receivers", r#"["zipkin", "otlp_http", "zipkin"]"#);
    charm.juju.set_remote_app_data(ids[2], "protocols", r#"["otlp_grpc", "jaeger_http_thrift", "tempo"]"#);
    (charm, ids)
}

#[test]
fn requests_of_all_relations_are_united() {
    let (charm, _) = three_requirers(false);
    let provider = provider(&charm);
    let requested: Vec<_> = provider.requested_protocols().expect("an answer").into_iter().collect();
    assert_eq!(requested, [OtlpHttp, OtlpGrpc, Zipkin, JaegerThriftHttp]);
    let relations = provider.relations().expect("an answer");
    let ready = |index: usize| provider.is_requirer_ready(&relations[index]).expect("an answer");
    assert_eq!([ready(0), ready(1), ready(2)], [true, false, true]);
    let of_first = provider.requested_protocols_on(&relations[0]).expect("it is ready");
    assert_eq!(of_first, [Zipkin, OtlpHttp, Zipkin]);
    let of_second = provider.requested_protocols_on(&relations[1]).expect_err("it has not asked");
    assert!(matches!(of_second, TracingError::DataValidation { .. }), "{of_second:?}");
}

#[test]
fn the_same_is_published_to_all_and_only_where_it_changes() {
    let (charm, ids) = three_requirers(true);
    charm.juju.set_local_app_data(ids[1], "receivers", HTTP);
    charm.juju.set_local_app_data(ids[2], "receivers", "[]");
    charm.juju.set_local_app_data(ids[2], "other", "stays");
    provider(&charm).publish_receivers(&[http()]).expect("the leader may");
    charm.juju.commit_hook();
    for id in ids {
        assert_eq!(charm.juju.local_app_data(id)["receivers"], HTTP);
    }
    assert_eq!(charm.juju.local_app_data(ids[2])["other"], "stays");
    assert_eq!(charm.tools().iter().filter(|tool| *tool == "relation-set").count(), 2);
}

#[test]
fn one_relation_may_be_told_alone() {
    let (charm, ids) = three_requirers(true);
    let provider = provider(&charm);
    let relations = provider.relations().expect("an answer");
    provider.publish_receivers_on(&[], &relations[0]).expect("the leader may");
    charm.juju.commit_hook();
    assert_eq!(charm.juju.local_app_data(ids[0])["receivers"], "[]");
    assert!(charm.juju.local_app_data(ids[1]).is_empty());
}

#[test]
fn a_follower_publishes_nothing() {
    let (charm, ids) = three_requirers(false);
    let provider = provider(&charm);
    let relations = provider.relations().expect("an answer");
    for refused in [provider.publish_receivers(&[http()]), provider.publish_receivers_on(&[], &relations[0])]
    {
        assert!(matches!(refused, Err(TracingError::DataAccessPermission)), "{refused:?}");
    }
    charm.juju.commit_hook();
    assert!(ids.iter().all(|id| charm.juju.local_app_data(*id).is_empty()));
}

#[test]
fn a_relation_that_dies_never_keeps_the_others_from_being_told() {
    for dying in 0..3 {
        for severed in [true, false] {
            let (charm, ids) = three_requirers(true);
            let provider = provider(&charm);
            let relations = provider.relations().expect("an answer");
            if severed {
                charm.juju.sever_relation(ids[dying]);
            } else {
                charm.juju.remove_relation(ids[dying]);
            }
            provider.publish_receivers(&[http()]).expect("a gone relation is no error");
            provider.publish_receivers_on(&[http()], &relations[dying]).expect("nor is it on its own");
            assert!(!provider.is_requirer_ready(&relations[dying]).expect("an answer"));
            provider.requested_protocols().expect("an answer");
            charm.juju.commit_hook();
            for (index, id) in ids.iter().enumerate() {
                let told = charm.juju.local_app_data(*id).contains_key("receivers");
                assert_eq!(told, index != dying, "{index} while {dying} is dying");
            }
        }
    }
}

#[test]
fn a_relation_that_fails_is_told_last_and_as_the_first_error() {
    let (charm, ids) = three_requirers(true);
    let provider = provider(&charm);
    charm.juju.fail_next("relation-set", 1, "ERROR connection is shut down\n");
    let error = provider.publish_receivers(&[http()]).expect_err("one was not told");
    assert!(
        matches!(&error, TracingError::HookTool(error) if error.kind() == HookToolErrorKind::Failed),
        "{error:?}"
    );
    charm.juju.commit_hook();
    assert!(charm.juju.local_app_data(ids[0]).is_empty());
    assert_eq!(charm.juju.local_app_data(ids[1])["receivers"], HTTP);
    assert_eq!(charm.juju.local_app_data(ids[2])["receivers"], HTTP);
}

#[test]
fn a_gone_requirer_is_not_ready() {
    let (charm, ids) = three_requirers(true);
    charm.juju.fail_every("relation-list", 2, "ERROR relation not found\n");
    let provider = provider(&charm);
    let relations = provider.relations().expect("an answer");
    let error = provider.requested_protocols_on(&relations[0]).expect_err("gone");
    assert_eq!(
        error.to_string(),
        format!("cannot find the application at the other end of charm-tracing:{}", ids[0])
    );
    assert!(matches!(error, TracingError::NotReady { .. }));
}

#[test]
fn every_event_of_a_request_tells_it_and_the_end_is_told_always() {
    let (charm, ids) = three_requirers(false);
    let event = |name: &str, id: u32| {
        let hook = charm.relation_hook(name, id);
        TracingEndpointProvider::new(&hook, "charm-tracing").expect("it is in the metadata").on(&hook)
    };
    for name in ["created", "joined", "changed"] {
        match event(name, ids[0]) {
            Some(TracingProviderEvent::Request { relation, protocols, .. }) => {
                assert_eq!((relation.id, protocols), (ids[0], vec![Zipkin, OtlpHttp, Zipkin]));
            }
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(event(name, ids[1]), None, "{name} before it has asked");
    }
    assert_eq!(event("departed", ids[0]), None);
    for id in ids {
        match event("broken", id) {
            Some(TracingProviderEvent::Broken { relation, .. }) => assert_eq!(relation.id, id),
            other => panic!("{other:?}"),
        }
    }
    let hook = charm.hook("start");
    let provider = TracingEndpointProvider::new(&hook, "charm-tracing").expect("it is in the metadata");
    assert_eq!(provider.on(&hook), None);
}

#[test]
fn a_requirer_that_leaves_counts_no_more_in_the_hook_that_ends_its_relation() {
    let (charm, ids) = three_requirers(true);
    let hook = charm.relation_hook("broken", ids[0]);
    let provider = TracingEndpointProvider::new(&hook, "charm-tracing").expect("it is in the metadata");
    let requested: Vec<_> = provider.requested_protocols().expect("an answer").into_iter().collect();
    assert_eq!(requested, [OtlpGrpc, JaegerThriftHttp]);
    provider.publish_receivers(&[http()]).expect("the leader may");
    charm.juju.commit_hook();
    assert!(charm.juju.local_app_data(ids[0]).is_empty());
}

#[test]
fn receivers_are_built_on_the_external_url() {
    let (charm, _) = three_requirers(true);
    let inside = provider(&charm);
    let outside = inside.clone().with_external_url(Some("https://traces.example/model-tempo"));
    let url = |provider: &TracingEndpointProvider, protocol, port| {
        provider.receiver(protocol, "http://tempo.svc", port).map(|receiver| receiver.url)
    };
    assert_eq!(url(&inside, OtlpHttp, 4318).as_deref(), Some("http://tempo.svc:4318"));
    assert_eq!(url(&outside, OtlpHttp, 4318).as_deref(), Some("https://traces.example:4318/model-tempo"));
    assert_eq!(url(&outside, OtlpGrpc, 4317).as_deref(), Some("traces.example:4317"));
    let without = outside.with_external_url(None);
    assert_eq!(url(&without, OtlpGrpc, 4317).as_deref(), Some("tempo.svc:4317"));
    assert_eq!(
        url(&inside.with_external_url(Some("")), Zipkin, 9411).as_deref(),
        Some("http://tempo.svc:9411")
    );
}

#[test]
fn the_endpoint_is_checked_in_the_metadata() {
    let charm = Charm::new(LIMIT_1, true);
    let error = TracingEndpointProvider::new(&charm.hook("start"), "charm-tracing").expect_err("a requirer");
    assert!(
        matches!(
            error,
            TracingError::RelationRoleMismatch { expected: Role::Provides, actual: Role::Requires, .. }
        ),
        "{error:?}"
    );
    let error = TracingEndpointProvider::new(&charm.hook("start"), "tracing").expect_err("no such endpoint");
    assert_eq!(error.to_string(), "cannot find the endpoint `tracing` in the charm's metadata");
    assert!(charm.tools().is_empty(), "nothing was asked");
}
