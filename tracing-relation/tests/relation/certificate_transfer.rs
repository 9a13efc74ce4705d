//! The requirer side of `certificate_transfer`, as a charm uses it, against a Juju in memory.

use std::collections::BTreeSet;

use proptest::collection::btree_map;
use proptest::prelude::*;
use serde_json::json;
use tracing_relation::juju::Dispatch;
use tracing_relation::{CertificateTransferEvent, CertificateTransferRequirer, TracingError};

use crate::charm::Charm;

const METADATA: &str = "\
name: my-charm
requires:
  receive-ca-cert: {interface: certificate_transfer}
  charm-tracing: {interface: tracing}
provides:
  send-ca-cert: {interface: certificate_transfer}
";

fn charm() -> Charm {
    Charm::with_endpoint("receive-ca-cert", "ca", METADATA, false)
}

/// Returns the certificates that a hook finds which is not about the relation, and the tools that it runs for that.
fn found(charm: &Charm) -> (BTreeSet<String>, Vec<String>) {
    let certificates = requirer(&charm.hook("update-status")).certificates().expect("no error");
    (certificates, charm.tools())
}

fn requirer(dispatch: &Dispatch) -> CertificateTransferRequirer {
    CertificateTransferRequirer::new(dispatch, "receive-ca-cert").expect("the endpoint is in the metadata")
}

/// Writes a text that stands for a certificate: the requirer looks into none.
fn pem(base64: &str) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}

fn pems<const N: usize>(certificates: [&str; N]) -> BTreeSet<String> {
    certificates.into_iter().map(pem).collect()
}

#[test]
fn version_1_takes_three_tools_and_the_units_are_not_asked() {
    let charm = charm();
    let id = charm.relate_to(&["ca/0"]);
    charm.juju.set_remote_app_data(id, "certificates", &json!([pem("AAAA"), pem("BBBB")]).to_string());
    charm.juju.set_remote_app_data(id, "version", "1");
    charm.juju.set_remote_unit_data(id, "ca/0", "ca", &pem("CCCC"));
    let tools = ["relation-ids", "relation-list", "relation-get"].map(str::to_owned);
    assert_eq!(found(&charm), (pems(["AAAA", "BBBB"]), tools.to_vec()));
}

#[test]
fn version_0_is_that_of_every_unit() {
    let charm = charm();
    let id = charm.relate_to(&["ca/0", "ca/1"]);
    // As the first library writes it, and as the one of version 1 does.
    charm.juju.set_remote_unit_data(id, "ca/0", "ca", &pem("AAAA"));
    charm.juju.set_remote_unit_data(id, "ca/0", "certificate", &pem("LEAF"));
    charm.juju.set_remote_unit_data(id, "ca/0", "chain", &json!([pem("AAAA"), pem("BBBB")]).to_string());
    charm.juju.set_remote_unit_data(id, "ca/1", "ca", &json!(pem("CCCC")).to_string());
    charm.juju.set_remote_unit_data(id, "ca/1", "chain", "null");
    let (found, tools) = found(&charm);
    assert_eq!(found, pems(["AAAA", "BBBB", "CCCC"]));
    let expected =
        ["relation-ids", "relation-list", "relation-get", "relation-list", "relation-get", "relation-get"];
    assert_eq!(tools, expected);
}

#[test]
fn certificates_that_were_taken_back_do_not_come_back_from_version_0() {
    let charm = charm();
    let id = charm.relate_to(&["ca/0"]);
    charm.juju.set_remote_unit_data(id, "ca/0", "ca", &pem("AAAA"));
    assert_eq!(found(&charm).0, pems(["AAAA"]));
    charm.juju.set_remote_app_data(id, "certificates", "[]");
    charm.juju.set_remote_app_data(id, "version", "1");
    assert_eq!(found(&charm).0, pems([]));
}

#[test]
fn version_1_without_a_usable_certificate_leaves_it_to_version_0() {
    let charm = charm();
    let id = charm.relate_to(&["ca/0"]);
    charm.juju.set_remote_unit_data(id, "ca/0", "ca", &pem("AAAA"));
    for garbage in ["", "garbage", "[]", "[3, null]", "{}", "[\"-----BEGIN CERTIFICATE-----\"]"] {
        charm.juju.set_remote_app_data(id, "certificates", garbage);
        assert_eq!(found(&charm).0, pems(["AAAA"]), "{garbage}");
    }
}

#[test]
fn all_relations_count_but_the_one_that_the_hook_ends() {
    let charm = charm();
    let (first, second) = (charm.relate_to(&["ca/0"]), charm.relate_to(&[]));
    charm.juju.set_remote_unit_data(first, "ca/0", "ca", &pem("AAAA"));
    charm.juju.set_remote_app_data(second, "certificates", &json!([pem("BBBB"), pem("AAAA")]).to_string());
    assert_eq!(found(&charm).0, pems(["AAAA", "BBBB"]));

    let broken = charm.relation_hook("broken", second);
    assert_eq!(requirer(&broken).certificates().expect("no error"), pems(["AAAA"]));
    let relations = requirer(&broken).relations().expect("no error");
    assert_eq!(relations.iter().map(|relation| relation.id).collect::<Vec<_>>(), [first]);
}

#[test]
fn without_a_relation_there_is_one_tool_and_in_its_own_hooks_two() {
    let charm = charm();
    assert_eq!(found(&charm), (pems([]), vec!["relation-ids".to_owned()]));

    let id = charm.relate_to(&["ca/0"]);
    charm.juju.set_remote_app_data(id, "certificates", &json!([pem("AAAA")]).to_string());
    let own = requirer(&charm.relation_hook("changed", id));
    for _ in 0..2 {
        assert_eq!(own.certificates().expect("no error"), pems(["AAAA"]));
    }
    assert_eq!(charm.tools(), ["relation-ids", "relation-get"]);
}

#[test]
fn relations_that_are_gone_or_refused_have_none() {
    let charm = charm();
    let id = charm.relate_to(&["ca/0"]);
    charm.juju.set_remote_unit_data(id, "ca/0", "ca", &pem("AAAA"));
    let denied = "ERROR permission denied (unauthorized access)\n";
    for (tool, code, stderr) in [
        ("relation-list", 2, "ERROR invalid value \"receive-ca-cert:1\" for option -r: relation not found\n"),
        ("relation-get", 1, "ERROR permission denied\n"),
        ("relation-get", 1, denied),
        ("relation-ids", 1, "ERROR relation-ids is not implemented for restricted context\n"),
    ] {
        charm.juju.fail_next(tool, code, stderr);
        assert_eq!(found(&charm).0, pems([]), "{stderr}");
    }
    charm.juju.sever_relation(id);
    assert_eq!(found(&charm).0, pems([]));
    assert!(charm.tools().len() <= 3, "what is gone is not asked on: {:?}", charm.tools());
    charm.juju.remove_relation(id);
    assert_eq!(found(&charm).0, pems([]));
}

#[test]
fn another_failure_of_a_tool_is_an_error_with_its_cause() {
    let charm = charm();
    let id = charm.relate_to(&["ca/0"]);
    charm.juju.fail_next("relation-get", 1, "ERROR connection is shut down\n");
    let error = requirer(&charm.hook("update-status")).certificates().expect_err("a failure");
    assert!(matches!(error, TracingError::HookTool(_)), "{error:?}");
    assert_eq!(error.to_string(), "cannot ask Juju about a relation");

    charm.juju.fail_next("relation-get", 1, "ERROR connection is shut down\n");
    let changed = charm.relation_hook("changed", id);
    assert_eq!(requirer(&changed).on(&changed), None, "nobody knows");
}

#[test]
fn the_endpoint_is_checked_where_the_metadata_can_be_read() {
    let charm = charm();
    let new = |name: &str| CertificateTransferRequirer::new(&charm.hook("start"), name).map(drop);
    assert!(new("receive-ca-cert").is_ok());
    assert!(matches!(new("certificates"), Err(TracingError::RelationNotFound { .. })));
    let error = new("charm-tracing").expect_err("another interface").to_string();
    let expected = "cannot use the endpoint `charm-tracing`: its interface is `tracing` rather than \
                    `certificate_transfer`";
    assert_eq!(error, expected);
    assert!(matches!(new("send-ca-cert"), Err(TracingError::RelationRoleMismatch { .. })));
    charm.describe("- a list");
    assert!(new("anything").is_ok());
}

#[test]
fn events_tell_what_is_there_now() {
    let charm = charm();
    let id = charm.relate_to(&["ca/0", "ca/1"]);
    let on = |event: &str| {
        let dispatch = charm.relation_hook(event, id);
        requirer(&dispatch).on(&dispatch)
    };
    let updated = |event: &str| match on(event) {
        Some(CertificateTransferEvent::CertificatesUpdated { relation, certificates, .. }) => {
            assert_eq!(relation.to_string(), format!("receive-ca-cert:{id}"));
            certificates
        }
        other => panic!("{event} is {other:?}"),
    };
    let removed =
        |event: &str| matches!(on(event), Some(CertificateTransferEvent::CertificatesRemoved { .. }));

    assert_eq!(on("created"), None);
    assert!(removed("changed"), "nothing is there yet");
    charm.juju.set_remote_unit_data(id, "ca/0", "ca", &pem("AAAA"));
    charm.juju.set_remote_unit_data(id, "ca/1", "ca", &pem("BBBB"));
    assert_eq!(on("joined"), None);
    assert_eq!(updated("changed"), pems(["AAAA", "BBBB"]));
    charm.juju.remove_remote_unit(id, "ca/1");
    assert_eq!(updated("departed"), pems(["AAAA"]));
    charm.juju.remove_remote_unit(id, "ca/0");
    assert!(removed("departed"));
    assert!(removed("broken"));

    let other = charm.hook("update-status");
    assert_eq!(requirer(&other).on(&other), None);
}

/// Values that look more or less like what providers write.
fn value() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        any::<String>(),
        "[A-Za-z0-9+/=]{0,9}".prop_map(|base64| pem(&base64)),
        Just("-----BEGIN CERTIFICATE-----".to_owned()),
    ];
    let json = prop_oneof![
        text.clone().prop_map(|text| json!(text).to_string()),
        Just("null".to_owned()),
        Just("1e999".to_owned()),
        Just("[[".to_owned()),
    ];
    let list =
        proptest::collection::vec(json.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(",")));
    prop_oneof![text, json, list]
}

fn databag() -> impl Strategy<Value = std::collections::BTreeMap<String, String>> {
    btree_map(prop_oneof!["certificates", "version", "ca", "certificate", "chain", "x"], value(), 0..5)
}

proptest! {
    #[test]
    fn any_databag_is_no_error_and_hides_nothing(app in databag(), unit in databag()) {
        let charm = charm();
        let (first, second) = (charm.relate_to(&["ca/0"]), charm.relate_to(&["ca/0"]));
        for (key, value) in &app {
            charm.juju.set_remote_app_data(first, key, value);
        }
        for (key, value) in &unit {
            charm.juju.set_remote_unit_data(first, "ca/0", key, value);
        }
        charm.juju.set_remote_unit_data(second, "ca/0", "ca", &pem("GOOD"));
        prop_assert!(found(&charm).0.contains(&pem("GOOD")));
        let changed = charm.relation_hook("changed", first);
        prop_assert!(requirer(&changed).on(&changed).is_some(), "one event or the other");
    }

    #[test]
    fn any_output_of_a_tool_is_no_error(output: String) {
        let charm = charm();
        let _ = charm.relate_to(&["ca/0"]);
        charm.juju.answer_next("relation-get", &output);
        charm.juju.answer_next("relation-get", &output);
        prop_assert_eq!(found(&charm).0, pems([]));
    }
}
