use std::sync::Arc;

use charm_testing::collector::Collector;
use charm_tracing::juju::Dispatch;
use charm_tracing::juju::testing::Model;
use charm_tracing::relation::ReceiverProtocol::OtlpHttp;
use charm_tracing::relation::{CosAgentProvider, TracingEndpointRequirer};

use crate::fixture::{CharmDir, Ran, request, run, span};

pub(crate) fn doctor(charm: &CharmDir, arguments: &[&str]) -> Ran {
    run([&["doctor", charm.path().to_str().expect("a text")][..], arguments].concat())
}

/// Lets a charm remember a relation with Tempo, which has published these receivers.
pub(crate) fn remember(charm: &CharmDir, receivers: &str) {
    let juju = Model::new("app/0");
    juju.set_leader(true);
    let id = juju.add_relation("tracing", "tempo", &["tempo/0"]);
    juju.set_remote_app_data(id, "receivers", receivers);
    let dispatch = dispatch(charm, &juju);
    let tracing =
        TracingEndpointRequirer::new(&dispatch, "tracing", &[OtlpHttp]).expect("it has no metadata");
    assert!(tracing.is_ready().expect("an answer"));
    dispatch.remember_relations();
}

fn dispatch(charm: &CharmDir, juju: &Model) -> Dispatch {
    let directory = charm.path().to_str().expect("a text");
    let vars = [
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_DISPATCH_PATH", "hooks/update-status"),
        ("JUJU_CHARM_DIR", directory),
    ];
    Dispatch::from_vars(vars)
        .with_hook_tools(Arc::new(juju.clone()))
        .with_relation_memory(charm.path().join(".charm_tracing_relations"))
}

#[test]
fn an_endpoint_that_the_charm_remembers_is_tried() {
    let (collector, charm) = (Collector::start(), CharmDir::with_two_traces());
    let url = collector.endpoint();
    remember(
        &charm,
        &format!("[{{\"protocol\": {{\"name\": \"otlp_http\", \"type\": \"http\"}}, \"url\": \"{url}\"}}]"),
    );
    let said = doctor(&charm, &[]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
    assert!(
        said.out.contains(&format!(
            "ok    tempo offers {url} over tracing, relation 1\nok    {url} takes traces\n"
        )),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("note  2 traces wait with 2 kB, the oldest since 2026-11-29 09:00:00\n"),
        "{}",
        said.out
    );
    assert_eq!(collector.requests().len(), 1, "a request without spans");
}

/// Lets a charm remember a collector on its machine, which has published one receiver, with this URL.
fn remember_collector(charm: &CharmDir, url: &str) {
    let juju = Model::new("app/0");
    let id = juju.add_relation("cos-agent", "otelcol", &["otelcol/7"]);
    let receivers =
        format!("[{{\"protocol\": {{\"name\": \"otlp_http\", \"type\": \"http\"}}, \"url\": {url}}}]");
    juju.set_remote_unit_data(id, "otelcol/7", "receivers", &receivers);
    let dispatch = dispatch(charm, &juju);
    let provider = CosAgentProvider::new(&dispatch, "cos-agent", &[OtlpHttp]).expect("it has no metadata");
    assert!(provider.is_ready().expect("an answer"));
    dispatch.remember_relations();
}

#[test]
fn a_collector_without_a_backend_is_said_with_what_to_do() {
    let charm = CharmDir::with_two_traces();
    remember_collector(&charm, "null");
    let said = doctor(&charm, &[]);
    assert_eq!(said.code, Some(1));
    let finding = "bad   otelcol/7 offers no OTLP over HTTP over cos-agent, relation 1\n      -> relate the collector to a tracing";
    assert!(said.out.contains(finding) && !said.out.contains("leader"), "{}", said.out);
}

#[test]
fn the_collector_of_a_charm_on_a_machine_is_tried() {
    let (collector, charm) = (Collector::start(), CharmDir::with_two_traces());
    let url = collector.endpoint();
    remember_collector(&charm, &format!("\"{url}\""));
    let said = doctor(&charm, &[]);
    assert!(
        said.out.contains(&format!("ok    otelcol/7 offers {url} over cos-agent, relation 1\n")),
        "{}",
        said.out
    );
    assert_eq!((said.code, collector.requests().len()), (Some(0), 1), "{}", said.out);
}

#[test]
fn what_is_wrong_with_the_backend_is_said_with_what_to_do() {
    let charm = CharmDir::with_two_traces();
    let secure = Collector::start_tls();
    let closed = charm_testing::collector::port_closed_endpoint();
    for (endpoint, fact, advice) in [
        (closed.as_str(), "cannot reach the tracing backend", "is the backend up"),
        (&secure.endpoint(), "cannot send traces to https", "name that of the backend with --ca FILE"),
        ("http://no-such-host.invalid:4318", "cannot reach the tracing backend", "is its name known"),
        ("tempo:4317", "the endpoint does not begin with http", "must be like http://tempo:4318"),
    ] {
        let said = doctor(&charm, &["--endpoint", endpoint]);
        assert_eq!((said.code, said.err.as_str()), (Some(1), ""), "{}", said.out);
        let (bad, rest) = said.out.split_once('\n').expect("lines");
        assert!(bad.starts_with("bad ") && bad.contains(fact), "{}", said.out);
        assert!(
            rest.trim_start().starts_with("-> ")
                && rest.lines().next().is_some_and(|line| line.contains(advice)),
            "{}",
            said.out
        );
    }
}

#[test]
fn a_relation_without_http_and_none_at_all_are_told_apart() {
    let charm = CharmDir::with_two_traces();
    let said = doctor(&charm, &[]);
    assert!(
        said.out.contains("note  the charm remembers no relation") && said.out.contains("juju integrate"),
        "{}",
        said.out
    );
    remember(
        &charm,
        "[{\"protocol\": {\"name\": \"otlp_grpc\", \"type\": \"grpc\"}, \"url\": \"tempo:4317\"}]",
    );
    let said = doctor(&charm, &[]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.out.contains("bad   tempo offers no OTLP over HTTP over tracing, relation 1\n"),
        "{}",
        said.out
    );
}

#[test]
fn back_off_losses_and_sampling_are_said() {
    let charm = CharmDir::with_two_traces();
    let state = "failures 4\nnot_before 4102444800000\ndropped_traces 7\nlarge false\n";
    charm.write(".charm_tracing_buffer/state", state);
    let mut foreign = request(&[span(0x33, 1, 0, "x", 0, 1)]);
    let at = foreign.windows(9).position(|bytes| bytes == b"app-charm").expect("a name");
    foreign[at..at + 9].copy_from_slice(b"app-chart");
    charm.store(9, &foreign);
    let said = doctor(&charm, &[]);
    assert_eq!(said.code, Some(1));
    for line in [
        "bad   the backend took nothing in this many dispatches in a row: 4;",
        "note  the backend asked not to be sent traces before 2100-01-01 00:00:00\n",
        "bad   charm_tracing.dropped_traces is 7 since it was reported last\n",
        "note  service.name is \"app-chart\", which does not end in -charm\n",
    ] {
        assert!(said.out.contains(line), "{line}\n{}", said.out);
    }
}

#[test]
fn files_that_are_none_are_said_and_hold_up_nothing() {
    let charm = CharmDir::new();
    charm.write(".charm_tracing_buffer/notes.txt", "mine");
    let pipes = [charm.path().join(".charm_tracing_relations"), charm.queue().join("state")];
    let made = std::process::Command::new("mkfifo").args(&pipes).status();
    assert!(made.is_ok_and(|status| status.success()));
    let said = doctor(&charm, &[]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    for line in [
        ".charm_tracing_relations: it is no regular file\n",
        "notes.txt: it is none of a charm's traces\n      -> the next dispatch removes and counts a damaged trace, and leaves \
         other files alone\n",
    ] {
        assert!(said.out.contains(line), "{}", said.out);
    }
    assert!(!said.out.contains("no trace waits"), "{}", said.out);
}

#[test]
fn a_link_in_the_place_of_the_queue_is_said() {
    let charm = CharmDir::new();
    std::os::unix::fs::symlink("elsewhere", charm.queue()).expect("a link");
    let said = doctor(&charm, &[]);
    assert!(
        said.code == Some(1) && said.out.contains("is a symbolic link, and the charm does not use it\n"),
        "{}",
        said.out
    );
}
