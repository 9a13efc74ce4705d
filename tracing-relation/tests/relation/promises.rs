//! Promises of the requirer beyond the recordings of the Python library.

use tracing_relation::juju::{Dispatch, HookToolErrorKind, Role};
use tracing_relation::{
    CharmTracingConfig, ReceiverProtocol, Relation, TracingEndpointRequirer, TracingError, TracingEvent,
    charm_tracing_config,
};

use crate::charm::{Charm, LIMIT_1};
use ReceiverProtocol::{OtlpGrpc, OtlpHttp, Zipkin};

const NO_LIMIT: &str = "name: my-charm\nrequires: {charm-tracing: {interface: tracing}}\n";
const HTTP: &str = r#"[{"protocol": {"name": "otlp_http", "type": "http"}, "url": "http://tempo:4318"}]"#;
const HTTPS: &str = r#"[{"protocol": {"name": "otlp_http", "type": "http"}, "url": "https://tempo:4318"}]"#;
const GRPC: &str = r#"[{"protocol": {"name": "otlp_grpc", "type": "grpc"}, "url": "tempo:4317"}]"#;
const REQUEST: &str = r#"["otlp_http"]"#;

/// Every wording in which Juju says that a relation is gone.
const GONE: [(i32, &str); 4] = [
    (2, "ERROR invalid value \"charm-tracing:1\" for option -r: relation not found\n"),
    (1, "ERROR relation 1 not found\n"),
    (1, "ERROR permission denied\n"),
    (1, "ERROR permission denied (unauthorized access)\n"),
];

fn requirer(dispatch: &Dispatch) -> TracingEndpointRequirer {
    TracingEndpointRequirer::new(dispatch, "charm-tracing", &[OtlpHttp])
        .expect("the endpoint is in the metadata")
}

/// Everything that a charm asks for in a dispatch.
fn use_it_all(charm: &Charm, dispatch: &Dispatch) -> Vec<String> {
    let requirer = requirer(dispatch);
    let config = charm_tracing_config(&requirer, None).expect("no error");
    assert_eq!(config, charm_tracing_config(&requirer.clone(), None).expect("no error"));
    requirer.is_ready().expect("an answer");
    requirer.relations().expect("an answer");
    requirer.get_endpoint(OtlpHttp).expect("an answer");
    let _ = requirer.on(dispatch);
    charm.tools()
}

#[test]
fn no_relation_takes_one_tool() {
    for leader in [true, false] {
        let charm = Charm::new(LIMIT_1, leader);
        assert_eq!(use_it_all(&charm, &charm.hook("update-status")), ["relation-ids"]);
    }
}

#[test]
fn a_ready_leader_takes_five_tools_at_most() {
    let charm = Charm::new(LIMIT_1, true);
    let id = charm.relate(Some(HTTP));
    let created = use_it_all(&charm, &charm.relation_hook("created", id));
    assert_eq!(created, ["relation-ids", "is-leader", "relation-get", "relation-set", "relation-get"]);
    charm.juju.commit_hook();
    let changed = use_it_all(&charm, &charm.relation_hook("changed", id));
    assert_eq!(changed, ["relation-ids", "is-leader", "relation-get", "relation-get"]);
    let elsewhere = use_it_all(&charm, &charm.hook("update-status"));
    assert_eq!(elsewhere, ["relation-ids", "is-leader", "relation-get", "relation-list", "relation-get"]);
}

#[test]
fn a_follower_takes_three_tools_and_one_for_the_backends_name_elsewhere() {
    let charm = Charm::new(LIMIT_1, false);
    let id = charm.relate(Some(HTTP));
    let changed = use_it_all(&charm, &charm.relation_hook("changed", id));
    assert_eq!(changed, ["relation-ids", "is-leader", "relation-get"]);
    let elsewhere = use_it_all(&charm, &charm.hook("update-status"));
    assert_eq!(elsewhere, ["relation-ids", "is-leader", "relation-list", "relation-get"]);
}

#[test]
fn nothing_is_asked_for_until_it_is_needed() {
    let charm = Charm::new(LIMIT_1, true);
    charm.relate(Some(HTTP));
    TracingEndpointRequirer::new(&charm.hook("install"), "charm-tracing", &[]).expect("constructed");
    assert!(charm.tools().is_empty());
}

#[test]
fn a_changed_request_is_published_once_and_leaves_other_keys_alone() {
    let charm = Charm::new(LIMIT_1, true);
    let id = charm.relate(None);
    charm.juju.set_local_app_data(id, "other", "stays");
    charm.juju.set_local_app_data(id, "receivers", r#"["zipkin"]"#);
    requirer(&charm.hook("upgrade-charm"));
    charm.juju.commit_hook();
    let published = charm.juju.local_app_data(id);
    assert_eq!(published["receivers"], REQUEST);
    assert_eq!(published["other"], "stays");
    assert_eq!(charm.tools().iter().filter(|tool| *tool == "relation-set").count(), 1);
}

#[test]
fn every_relation_is_asked_whatever_happens_to_one() {
    let charm = Charm::new(NO_LIMIT, true);
    let [first, second] = [charm.relate(None), charm.relate(None)];
    let dispatch = charm.hook("config-changed");
    charm.juju.fail_next("relation-set", 1, "ERROR connection is shut down\n");
    requirer(&dispatch);
    charm.juju.commit_hook();
    assert!(charm.juju.local_app_data(first).is_empty());
    assert_eq!(charm.juju.local_app_data(second)["receivers"], REQUEST);
}

#[test]
fn failures_to_publish_are_no_error() {
    for tool in ["relation-ids", "is-leader", "relation-get", "relation-set"] {
        let charm = Charm::new(LIMIT_1, true);
        charm.relate(None);
        let dispatch = charm.hook("config-changed");
        charm.juju.fail_every(tool, 1, "ERROR connection is shut down\n");
        requirer(&dispatch);
    }
}

#[test]
fn a_gone_relation_is_not_ready_in_every_wording() {
    for leader in [true, false] {
        for (code, wording) in GONE {
            let charm = Charm::new(LIMIT_1, leader);
            let id = charm.relate(Some(HTTP));
            for hook in [charm.hook("update-status"), charm.relation_hook("broken", id)] {
                for tool in ["relation-get", "relation-list", "relation-set"] {
                    charm.juju.fail_every(tool, code, wording);
                }
                let requirer = requirer(&hook);
                assert_eq!(
                    charm_tracing_config(&requirer, None).expect(wording),
                    CharmTracingConfig::default()
                );
                assert_eq!(requirer.is_ready().ok(), Some(false), "{wording}");
                assert_eq!(requirer.get_endpoint(OtlpHttp).expect(wording), None);
                assert_eq!(requirer.get_endpoint(Zipkin).expect(wording), None, "nobody can tell any more");
                if leader {
                    requirer.request_protocols(&[Zipkin]).expect(wording);
                }
            }
        }
    }
}

#[test]
fn a_removed_relation_is_not_ready() {
    for severed in [true, false] {
        let charm = Charm::new(LIMIT_1, true);
        let id = charm.relate(Some(HTTP));
        let hook = charm.hook("update-status");
        if severed {
            charm.juju.sever_relation(id);
        } else {
            charm.juju.answer_next("relation-ids", &format!("[\"charm-tracing:{id}\"]"));
            charm.juju.remove_relation(id);
        }
        let config = charm_tracing_config(&requirer(&hook), None).expect("not ready");
        assert_eq!(config, CharmTracingConfig::default());
    }
}

#[test]
fn a_follower_is_not_ready_rather_than_refused_in_every_wording() {
    for wording in ["ERROR permission denied\n", "ERROR permission denied (unauthorized access)\n"] {
        let charm = Charm::new(LIMIT_1, false);
        let id = charm.relate(Some(GRPC));
        let requirer = requirer(&charm.relation_hook("changed", id));
        charm.juju.fail_every("relation-get", 1, wording);
        assert_eq!(charm_tracing_config(&requirer, None).expect(wording), CharmTracingConfig::default());
        assert_eq!(requirer.get_endpoint(Zipkin).expect(wording), None);
    }
}

#[test]
fn a_hook_in_which_tools_are_refused_is_not_ready() {
    let charm = Charm::new(LIMIT_1, true);
    charm.relate(Some(HTTP));
    let config = charm_tracing_config(&requirer(&charm.hook("collect-metrics")), None);
    assert_eq!(config.expect("not ready"), CharmTracingConfig::default());
}

#[test]
fn other_failures_of_tools_are_errors_but_none_of_the_charms_own_traces() {
    for tool in ["relation-ids", "relation-list", "relation-get"] {
        let charm = Charm::new(LIMIT_1, false);
        charm.relate(Some(HTTP));
        let dispatch = charm.hook("update-status");
        charm.juju.fail_every(tool, 1, "ERROR connection is shut down\n");
        let requirer = requirer(&dispatch);
        let error = requirer.get_endpoint(OtlpHttp).expect_err(tool);
        let TracingError::HookTool(error) = error else { panic!("{tool}: {error:?}") };
        assert_eq!((error.kind(), error.tool()), (HookToolErrorKind::Failed, tool));

        for _ in 0..2 {
            let config = charm_tracing_config(&requirer, None).expect("a charm that runs goes on");
            assert_eq!(config, CharmTracingConfig::default());
        }
        let lines = charm.juju.log();
        assert_eq!((lines.len(), lines[0].level.as_str()), (1, "WARNING"), "{lines:?}");
        let expected = format!(
            "cannot send traces yet, so they are kept: cannot ask Juju about a relation: cannot run {tool} (exit code \
             1): ERROR connection is shut down"
        );
        assert_eq!(lines[0].message, expected);
    }
}

#[test]
fn a_name_that_is_newer_than_this_crate_is_found_or_none() {
    let charm = Charm::new(LIMIT_1, true);
    let id = charm.relate(Some(HTTP));
    let requirer = TracingEndpointRequirer::new(&charm.relation_hook("changed", id), "charm-tracing", &[]);
    let requirer = requirer.expect("the endpoint is in the metadata");
    assert_eq!(requirer.get_endpoint("otlp_http").expect("an answer").as_deref(), Some("http://tempo:4318"));
    assert_eq!(requirer.get_endpoint("otlp_arrow").expect("nobody can request it"), None);
    let arrow = HTTP.replace("otlp_http", "otlp_arrow");
    charm.juju.set_remote_app_data(id, "receivers", &arrow);
    let requirer = self::requirer(&charm.relation_hook("changed", id));
    assert_eq!(requirer.get_endpoint("otlp_arrow").expect("an answer").as_deref(), Some("http://tempo:4318"));
}

#[test]
fn output_that_nobody_understands_is_not_ready() {
    for tool in ["relation-ids", "relation-list", "relation-get"] {
        let charm = Charm::new(LIMIT_1, false);
        charm.relate(Some(HTTP));
        let dispatch = charm.hook("update-status");
        charm.juju.answer_next(tool, "<html>");
        charm.juju.answer_next(tool, "<html>");
        let requirer = requirer(&dispatch);
        assert_eq!(requirer.get_endpoint(OtlpHttp).expect("no error"), None, "{tool}");
    }
}

#[test]
fn https_needs_a_certificate_that_exists() {
    let directory = tempfile::tempdir().expect("a directory");
    let certificate = directory.path().join("ca.crt");
    let charm = Charm::new(LIMIT_1, false);
    let id = charm.relate(Some(HTTPS));
    let requirer_of_https = requirer(&charm.hook("update-status"));
    let config = |path| charm_tracing_config(&requirer_of_https, path).expect("no error");
    assert_eq!(config(None), CharmTracingConfig::default());
    assert_eq!(config(Some(&certificate)), CharmTracingConfig::default());
    std::fs::write(&certificate, "PEM").expect("written");
    let with_certificate = config(Some(&certificate));
    assert_eq!(with_certificate.endpoint.as_deref(), Some("https://tempo:4318"));
    assert_eq!(with_certificate.server_cert.as_deref(), Some(certificate.as_path()));

    charm.juju.set_remote_app_data(id, "receivers", &HTTPS.replace("https", "HTTPS"));
    let shouting = charm_tracing_config(&requirer(&charm.hook("update-status")), None);
    assert_eq!(shouting.expect("no error"), CharmTracingConfig::default());
    charm.juju.set_remote_app_data(id, "receivers", HTTP);
    let plain =
        charm_tracing_config(&requirer(&charm.hook("update-status")), Some(&certificate)).expect("no error");
    assert_eq!((plain.endpoint.as_deref(), plain.server_cert), (Some("http://tempo:4318"), None));
}

#[test]
fn only_a_leader_requests_protocols() {
    let charm = Charm::new(LIMIT_1, false);
    let id = charm.relate(None);
    let follower = requirer(&charm.hook("update-status"));
    assert!(matches!(follower.request_protocols(&[]), Err(TracingError::NoProtocols)));
    assert!(matches!(follower.request_protocols(&[Zipkin]), Err(TracingError::DataAccessPermission)));

    charm.juju.set_leader(true);
    let leader = requirer(&charm.hook("update-status"));
    let too_early = leader.get_endpoint(Zipkin).expect_err("never requested");
    assert_eq!(
        too_early.to_string(),
        format!("cannot expect an endpoint for zipkin on charm-tracing:{id}: it was never requested"),
    );
    leader.request_protocols(&[Zipkin, OtlpGrpc]).expect("the leader may");
    assert_eq!(leader.get_endpoint(Zipkin).expect("requested by now"), None);
    charm.juju.commit_hook();
    assert_eq!(charm.juju.local_app_data(id)["receivers"], r#"["zipkin", "otlp_grpc"]"#);
}

#[test]
fn a_leader_that_just_lost_leadership_gets_the_same_error() {
    let charm = Charm::new(LIMIT_1, true);
    charm.relate(None);
    let requirer = requirer(&charm.hook("update-status"));
    charm.juju.set_leader(false);
    assert!(matches!(requirer.request_protocols(&[Zipkin]), Err(TracingError::DataAccessPermission)));
}

#[test]
fn a_relation_that_vanishes_while_it_is_asked_is_no_error() {
    let charm = Charm::new(LIMIT_1, true);
    charm.relate(None);
    let requirer = requirer(&charm.hook("update-status"));
    for (code, wording) in GONE {
        charm.juju.fail_next("relation-set", code, wording);
        requirer.request_protocols(&[Zipkin]).expect(wording);
    }
}

#[test]
fn a_request_that_cannot_be_read_counts_as_made() {
    let charm = Charm::new(LIMIT_1, true);
    charm.relate(None);
    let requirer = TracingEndpointRequirer::new(&charm.hook("update-status"), "charm-tracing", &[]);
    let requirer = requirer.expect("the endpoint is in the metadata");
    assert!(!requirer.is_ready().expect("an answer"));
    charm.juju.fail_next("relation-get", 1, "ERROR connection is shut down\n");
    assert_eq!(requirer.get_endpoint(Zipkin).expect("not certain"), None);
    assert!(requirer.get_endpoint(Zipkin).is_err(), "certain now");
}

#[test]
fn an_application_related_to_itself_is_not_ready_on_a_follower() {
    let charm = Charm::new(LIMIT_1, false);
    let _ = charm.juju.add_relation("charm-tracing", "app", &[]);
    let dispatch = charm.hook("update-status");
    charm.juju.fail_every("relation-get", 1, "ERROR permission denied\n");
    assert_eq!(requirer(&dispatch).is_ready().ok(), Some(false));
}

#[test]
fn several_relations_have_to_be_named() {
    let charm = Charm::new(NO_LIMIT, true);
    let [http, grpc] = [charm.relate(Some(HTTP)), charm.relate(Some(GRPC))];
    let requirer = requirer(&charm.hook("update-status"));
    for ambiguous in [
        requirer.is_ready().map(drop),
        requirer.get_endpoint(OtlpHttp).map(drop),
        requirer.get_all_endpoints().map(drop),
        charm_tracing_config(&requirer, None).map(drop),
    ] {
        assert!(matches!(ambiguous, Err(TracingError::AmbiguousRelationUsage { .. })), "{ambiguous:?}");
    }
    let relations = requirer.relations().expect("an answer");
    let named = |id| Relation { id, endpoint: "charm-tracing".to_owned(), app: Some("tempo".to_owned()) };
    assert_eq!(relations, [named(http), named(grpc)]);
    assert_eq!(requirer.is_ready_on(&relations[1]).ok(), Some(true));
    let endpoint = |protocol, relation| requirer.get_endpoint_on(protocol, relation).expect("an answer");
    assert_eq!(endpoint(OtlpHttp, &relations[0]).as_deref(), Some("http://tempo:4318"));
    assert_eq!(endpoint(OtlpGrpc, &relations[1]).as_deref(), Some("tempo:4317"));
    assert_eq!(endpoint(OtlpHttp, &relations[1]), None);
    requirer.request_protocols_on(&[Zipkin], &relations[1]).expect("the leader may");
    charm.juju.commit_hook();
    assert_eq!(charm.juju.local_app_data(http)["receivers"], REQUEST);
    assert_eq!(charm.juju.local_app_data(grpc)["receivers"], r#"["zipkin"]"#);
}

#[test]
fn a_replaced_backend_is_not_asked_any_more() {
    let charm = Charm::new(LIMIT_1, true);
    let [old, new] = [charm.relate(Some(HTTPS)), charm.relate(Some(HTTP))];
    let requirer = requirer(&charm.relation_hook("broken", old));
    assert_eq!(requirer.get_endpoint(OtlpHttp).expect("an answer").as_deref(), Some("http://tempo:4318"));
    charm.juju.commit_hook();
    assert!(charm.juju.local_app_data(old).is_empty(), "{old} ends with this hook");
    assert_eq!(charm.juju.local_app_data(new)["receivers"], REQUEST);
}

#[test]
fn a_relation_does_not_count_in_the_hook_that_ends_it() {
    for leader in [true, false] {
        let charm = Charm::new(LIMIT_1, leader);
        let id = charm.relate(Some(HTTP));
        let broken = charm.relation_hook("broken", id);
        assert_eq!(use_it_all(&charm, &broken), ["relation-ids"], "it is not even asked");
        let requirer = requirer(&broken);
        assert_eq!(requirer.is_ready().ok(), Some(false));
        assert_eq!(requirer.relations().expect("an answer"), []);
        assert_eq!(requirer.get_endpoint(OtlpHttp).expect("an answer"), None);
        let config = charm_tracing_config(&requirer, None).expect("no error");
        assert_eq!(config, CharmTracingConfig::default());

        let departed = charm.relation_hook("departed", id);
        assert_eq!(self::requirer(&departed).is_ready().ok(), Some(true), "only the last hook is the end");
    }
}

#[test]
fn events_are_the_endpoints_own() {
    let charm = Charm::new(LIMIT_1, false);
    let id = charm.relate(Some(HTTP));
    let changed = charm.relation_hook("changed", id);
    let relation = Relation { id, endpoint: "charm-tracing".to_owned(), app: Some("tempo".to_owned()) };
    match requirer(&changed).on(&changed) {
        Some(TracingEvent::EndpointChanged { relation: of, receivers, .. }) => {
            assert_eq!((of, receivers[0].url.as_str()), (relation.clone(), "http://tempo:4318"));
        }
        other => panic!("{other:?}"),
    }
    let broken = charm.relation_hook("broken", id);
    match requirer(&broken).on(&broken) {
        Some(TracingEvent::EndpointRemoved { relation: of, .. }) => assert_eq!(of, relation),
        other => panic!("{other:?}"),
    }
    for quiet in [charm.relation_hook("joined", id), charm.relation_hook("departed", id), charm.hook("start")]
    {
        assert_eq!(requirer(&quiet).on(&quiet), None);
    }
    let elsewhere = TracingEndpointRequirer::new(&charm.relation_hook("changed", id), "other", &[]);
    assert!(matches!(elsewhere, Err(TracingError::RelationNotFound { .. })));
}

#[test]
fn a_failing_tool_is_no_event() {
    let charm = Charm::new(LIMIT_1, false);
    let id = charm.relate(Some(HTTP));
    let changed = charm.relation_hook("changed", id);
    charm.juju.fail_next("relation-get", 1, "ERROR connection is shut down\n");
    assert_eq!(requirer(&changed).on(&changed), None);
}

#[test]
fn the_endpoint_is_checked_in_the_metadata() {
    let cases = [
        ("requires: {other: tracing}", "cannot find the endpoint `charm-tracing` in the charm's metadata"),
        (
            "requires: {charm-tracing: loki}",
            "cannot use the endpoint `charm-tracing`: its interface is `loki` rather than `tracing`",
        ),
        (
            "provides: {charm-tracing: tracing}",
            "cannot use the endpoint `charm-tracing`: it is under `provides` rather than `requires` in the metadata",
        ),
    ];
    for (metadata, message) in cases {
        let charm = Charm::new(metadata, true);
        let error =
            TracingEndpointRequirer::new(&charm.hook("start"), "charm-tracing", &[]).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
    let charm = Charm::new("peers: {charm-tracing: {interface: tracing}}", true);
    let error = TracingEndpointRequirer::new(&charm.hook("start"), "charm-tracing", &[]).expect_err("a peer");
    assert!(matches!(error, TracingError::RelationRoleMismatch { actual: Role::Peer, .. }), "{error:?}");
}

#[test]
fn metadata_that_cannot_be_read_is_taken_for_an_endpoint_with_limit_1() {
    let charm = Charm::new("not: [yaml", true);
    let id = charm.relate(Some(HTTP));
    let config = charm_tracing_config(&requirer(&charm.hook("start")), None).expect("it works");
    assert_eq!(config.endpoint.as_deref(), Some("http://tempo:4318"));
    charm.juju.commit_hook();
    assert_eq!(charm.juju.local_app_data(id)["receivers"], REQUEST);
}
