//! Whom to trust at an `https` endpoint may come over a relation, or be the system's business.

use std::fs;

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju, Outcome, Relation, ToolFault};
use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::json;

use crate::unit::{
    METADATA, assert_untouched_and_quick, authorities_charm, delivered, notices, relate, session_charm,
    trace_id, waiting, whole_traces,
};

const ENDPOINT: &str = "receive-ca-cert";

#[test]
fn certificates_of_version_1_are_read_at_the_end_and_in_the_trace() {
    let (collector, mut juju) = backend_and_charm();
    let ca = juju.relate(ENDPOINT, "ca");
    publish(&ca, &[collector.ca_pem()]);
    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_untouched_and_quick(&outcome);
    assert_eq!(notices(&outcome), [""; 0]);
    assert_eq!((waiting(&juju), delivered(&collector)), (0, vec![trace_id(&outcome)]));
    let outline =
        whole_traces(&collector).outline().status().attributes(&["juju.hook_tool.arguments"]).to_string();
    let (_, end) = outline.split_once("method call: AuthoritiesCharm.handle").unwrap();
    assert_eq!(
        end,
        "
  relation-ids {juju.hook_tool.arguments=[--format=json, receive-ca-cert]}
  relation-list {juju.hook_tool.arguments=[-r, receive-ca-cert:2, --app, --format=json]}
  relation-get {juju.hook_tool.arguments=[-r, receive-ca-cert:2, --app, --format=json, -, ca]}"
    );

    let next = juju.dispatch(Event::hook("update-status"));
    assert_eq!(asked(&next), 0, "no event has said that anything changed");
    assert_eq!(delivered(&collector), [trace_id(&outcome), trace_id(&next)]);
}

#[test]
fn certificates_of_version_0_are_read_from_the_units() {
    let (collector, mut juju) = backend_and_charm();
    let ca = juju.relate(ENDPOINT, "ca");
    ca.add_remote_unit("ca/1");
    let other = Collector::start_tls();
    ca.set_remote_unit_data("ca/0", "ca", other.ca_pem());
    ca.set_remote_unit_data("ca/0", "certificate", other.ca_pem());
    ca.set_remote_unit_data("ca/1", "chain", &json!([collector.ca_pem()]).to_string());
    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_untouched_and_quick(&outcome);
    assert_eq!(notices(&outcome), [""; 0]);
    assert_eq!(delivered(&collector), [trace_id(&outcome)]);
    assert_eq!(asked(&outcome), 6);
}

#[test]
fn traces_wait_until_the_certificate_has_come() {
    let (collector, mut juju) = backend_and_charm();
    let said = |outcome: &Outcome| {
        assert_untouched_and_quick(outcome);
        let said = notices(outcome);
        assert_eq!(said.len(), 1, "{outcome}");
        said[0].split_once("is to come over `receive-ca-cert`, ").unwrap().1.to_owned()
    };
    let unrelated = juju.dispatch(Event::hook("start"));
    assert_eq!(
        said(&unrelated),
        "which has no relation; they are kept until it is related to a provider of certificates"
    );
    let ca = juju.relate(ENDPOINT, "ca");
    let created = juju.dispatch(Event::relation_created(&ca));
    assert_eq!(said(&created), "where there is none yet; they are kept until the provider sends one");
    assert_eq!((waiting(&juju), collector.requests().len()), (2, 0));

    publish(&ca, &[collector.ca_pem()]);
    let changed = juju.dispatch(Event::relation_changed(&ca));
    assert_untouched_and_quick(&changed);
    assert_eq!(notices(&changed), [""; 0]);
    assert_eq!(asked(&changed), 2, "the relation's own hooks know its application");
    assert_eq!(waiting(&juju), 0);
    assert_eq!(delivered(&collector), [&unrelated, &created, &changed].map(trace_id));

    let broken = juju.dispatch(Event::relation_broken(&ca));
    assert!(said(&broken).starts_with("which has no relation; "), "{broken}");
    assert_eq!((waiting(&juju), asked(&broken)), (1, 1), "{broken}");
}

#[test]
fn certificates_of_all_relations_are_trusted() {
    let (collector, mut juju) = backend_and_charm();
    let others = [Collector::start_tls(), Collector::start_tls()];
    let relations = [0, 1].map(|_| juju.relate(ENDPOINT, "ca"));
    publish(&relations[0], &["garbage", others[0].ca_pem(), others[1].ca_pem()]);
    let wrong = juju.dispatch(Event::hook("update-status"));
    assert_untouched_and_quick(&wrong);
    assert_eq!((notices(&wrong).len(), collector.requests().len()), (1, 0), "{wrong}");
    publish(&relations[1], &[collector.ca_pem()]);
    let right = juju.dispatch(Event::relation_changed(&relations[1]));
    assert_eq!(delivered(&collector), [trace_id(&wrong), trace_id(&right)]);
}

#[test]
fn what_has_the_form_of_a_certificate_alone_is_said_with_the_relation_that_brought_it() {
    let (_collector, mut juju) = backend_and_charm();
    let ca = juju.relate(ENDPOINT, "ca");
    publish(&ca, &["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]);
    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_untouched_and_quick(&outcome);
    assert_eq!(
        notices(&outcome),
        [
            "WARNING cannot send traces: the given text holds no certificate in PEM (it has come over `receive-ca-cert`); \
          they are kept until that is mended"
        ]
    );
    assert_eq!(waiting(&juju), 1);
}

#[test]
fn a_relation_that_is_being_removed_is_none() {
    let (collector, mut juju) = backend_and_charm();
    let ca = juju.relate(ENDPOINT, "ca");
    publish(&ca, &[collector.ca_pem()]);
    ca.sever();
    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_untouched_and_quick(&outcome);
    assert_eq!((waiting(&juju), notices(&outcome).len()), (1, 1), "{outcome}");
}

#[test]
fn nobody_is_asked_for_http_or_past_a_certificate_that_is_named_or_without_tracing() {
    let plain = Collector::start();
    let mut juju = authorities_charm();
    let tracing = relate(&mut juju, &plain.endpoint());
    let ca = juju.relate(ENDPOINT, "ca");
    assert_eq!(asked(&juju.dispatch(Event::hook("start"))), 0);

    let secure = Collector::start_tls();
    tracing.publish_endpoint(&secure.endpoint());
    publish(&ca, &[secure.ca_pem()]);
    assert_eq!(asked(&juju.dispatch(Event::hook("start"))), 3);
    assert_eq!(asked(&juju.dispatch(Event::hook("start").env("CHARM_TRACING_ENABLED", "0"))), 0);
    juju.set_config("trust-system", json!(true));
    assert_eq!(asked(&juju.dispatch(Event::hook("start"))), 0);
    tracing.remove();
    assert_eq!(asked(&juju.dispatch(Event::hook("start"))), 0, "nowhere to send to");
}

#[test]
fn a_charm_that_fails_is_delivered_all_the_same() {
    let (collector, mut juju) = backend_and_charm();
    let ca = juju.relate(ENDPOINT, "ca");
    publish(&ca, &[collector.ca_pem()]);
    let outcome = juju.dispatch(Event::hook("stop"));
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    assert_eq!(delivered(&collector), [trace_id(&outcome)]);
    whole_traces(&collector);
}

#[test]
fn the_controllers_endpoint_is_trusted_by_the_relation_where_it_has_no_certificate() {
    let (collector, other) = (Collector::start_tls(), Collector::start_tls());
    let mut juju = authorities_charm().juju_version("4.1.0");
    let start = || Event::hook("start").env("JUJU_CHARM_TRACE_CONFIG_HTTP", &collector.endpoint());
    let before = juju.dispatch(start());
    let ca = juju.relate(ENDPOINT, "ca");
    publish(&ca, &[collector.ca_pem()]);
    let after = juju.dispatch(start());
    assert_eq!((notices(&before).len(), notices(&after).len()), (1, 0), "{before}");
    assert_eq!(delivered(&collector), [trace_id(&before), trace_id(&after)]);

    let own = juju.dispatch(start().env("JUJU_CHARM_TRACE_CONFIG_CA_CERT", other.ca_pem()));
    assert_eq!((asked(&own), waiting(&juju)), (0, 1), "its certificate counts if it has one");
}

#[test]
fn what_keeps_the_relation_from_being_read_is_said_and_fails_nothing() {
    let collector = Collector::start_tls();
    let event = || {
        let start = Event::hook("start").env("TRACE_ENDPOINT", &collector.endpoint());
        start.env("TRACE_CA_RELATION", ENDPOINT)
    };
    let waits = "delivered 0\nwaiting 1\nbuffered true\nlost false\n";
    let prefix = "WARNING cannot send traces to an https endpoint: its CA certificate is to come over \
                  `receive-ca-cert`: ";

    let outcome = session_charm().dispatch(event());
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), (waits, ""), "{outcome}");
    let why = "cannot find the endpoint `receive-ca-cert` in the charm's metadata; they are kept until that is mended";
    assert_eq!(notices(&outcome), [format!("{prefix}{why}")]);

    let metadata = format!("{METADATA}  receive-ca-cert:\n    interface: certificate_transfer\n");
    let mut juju = session_charm().metadata(&metadata);
    let ca = juju.relate(ENDPOINT, "ca");
    publish(&ca, &[collector.ca_pem()]);
    juju.break_tool("relation-get", ToolFault::Exits(1, "ERROR connection is shut down\n"));
    let failed = juju.dispatch(event());
    assert_eq!((failed.stdout.as_str(), failed.stderr.as_str()), (waits, ""), "{failed}");
    let why = "cannot ask Juju about a relation: cannot run relation-get (exit code 1): ERROR connection is shut down; \
               they are kept until that is mended";
    assert_eq!(notices(&failed), [format!("{prefix}{why}")]);

    juju.break_tool("relation-get", None);
    let later = juju.dispatch(event());
    assert_eq!(later.stdout, "delivered 2\nwaiting 0\nbuffered false\nlost false\n", "{later}");
}

#[test]
fn the_systems_store_is_trusted_if_the_charm_says_so() {
    let (collector, mut juju) = backend_and_charm();
    juju.set_config("trust-system", json!(true));
    let distrusted = juju.dispatch(Event::hook("start"));
    assert_untouched_and_quick(&distrusted);
    assert_eq!(
        (waiting(&juju), collector.requests().len()),
        (1, 0),
        "the system does not know this authority"
    );

    let store = juju.charm_dir().join("store.pem");
    fs::write(&store, "").unwrap();
    let start = || Event::hook("start").env("SSL_CERT_FILE", store.to_str().unwrap());
    let empty = juju.dispatch(start());
    assert_untouched_and_quick(&empty);
    assert_eq!(
        notices(&empty),
        [
            "WARNING cannot send traces: the system's certificate store holds no certificate; they are kept until that is \
          mended"
        ]
    );
    fs::write(&store, format!("# two\n{}{}", Collector::start_tls().ca_pem(), collector.ca_pem())).unwrap();
    let trusted = juju.dispatch(start());
    assert_eq!(notices(&trusted), [""; 0]);
    assert_eq!(waiting(&juju), 0);
    assert_eq!(delivered(&collector), [&distrusted, &empty, &trusted].map(trace_id));

    fs::remove_file(&store).unwrap();
    mkfifoat(CWD, &store, Mode::RUSR | Mode::WUSR).unwrap();
    let fifo = juju.dispatch(start());
    assert_untouched_and_quick(&fifo);
    let said = notices(&fifo).concat();
    assert!(said.contains("store holds no certificate: ") && said.contains("not a regular file"), "{said}");

    fs::remove_file(&store).unwrap();
    let gone = juju.dispatch(start());
    let said = notices(&gone).concat();
    assert!(said.contains("store holds no certificate: ") && said.contains("No such file"), "{said}");
}

/// A charm that is related to a backend with TLS; the relation's id is 1.
fn backend_and_charm() -> (Collector, Juju) {
    let collector = Collector::start_tls();
    let mut juju = authorities_charm();
    let _ = relate(&mut juju, &collector.endpoint());
    (collector, juju)
}

/// Publishes certificates as a provider of version 1 does.
fn publish(relation: &Relation, certificates: &[&str]) {
    relation.set_remote_app_data("certificates", &json!(certificates).to_string());
    relation.set_remote_app_data("version", "1");
}

/// How many hook tools asked for the relations of `receive-ca-cert`.
fn asked(outcome: &Outcome) -> usize {
    let about = |call: &&Vec<String>| call.iter().any(|argument| argument.starts_with(ENDPOINT));
    outcome.calls.iter().filter(about).count()
}
