//! The backend publishes something wrong: good receivers are used, the rest leaves the traces waiting.

use charm_testing::collector::{Answer, Collector};
use charm_testing::{Event, Juju, Relation};

use crate::unit::{
    assert_untouched, assert_untouched_and_quick, delivered, notices, test_charm, trace_id, waiting,
    whole_traces,
};

#[test]
fn a_databag_of_which_nothing_can_be_used_leaves_the_traces_waiting() {
    let (mut juju, relation) = related_charm();
    let mut ids = Vec::new();
    for databag in [
        "not json",
        "{",
        "\u{feff}[]",
        "null",
        "7",
        r#"{"protocol": {"name": "otlp_http", "type": "http"}, "url": "http://127.0.0.1:1"}"#,
        r#"["http://127.0.0.1:1"]"#,
        r#"[{"url": "http://127.0.0.1:1"}]"#,
        r#"[{"protocol": "otlp_http", "url": "http://127.0.0.1:1"}]"#,
        r#"[{"protocol": {"name": "otlp_http", "type": "http"}}]"#,
        r#"[{"protocol": {"name": "otlp_http", "type": "http"}, "url": null}]"#,
        r#"[{"protocol": {"name": "otlp_http", "type": "carrier pigeon"}, "url": "http://127.0.0.1:1"}]"#,
        r#"[{"protocol": {"name": "otlp_grpc", "type": "grpc"}, "url": "127.0.0.1:1"}]"#,
        r#"[{"protocol": {"name": "otlp_smoke", "type": "http"}, "url": "http://127.0.0.1:1"}]"#,
        "[]",
        "",
    ] {
        relation.set_remote_app_data("receivers", databag);
        let outcome = juju.dispatch(Event::relation_changed(&relation));
        assert_untouched(&outcome);
        assert_eq!(notices(&outcome), [""; 0], "{databag}");
        ids.push(trace_id(&outcome));
        assert_eq!(waiting(&juju), ids.len(), "{databag}");
    }
    assert_mended(&mut juju, &relation, ids);
}

#[test]
fn what_is_not_known_hides_nothing_that_is() {
    let collector = Collector::start();
    let url = collector.endpoint();
    let good = format!(r#"{{"protocol": {{"name": "otlp_http", "type": "http"}}, "url": "{url}"}}"#);
    let (mut juju, relation) = related_charm();
    for databag in [
        format!(
            r#"[{{"protocol": {{"name": "otlp_http", "type": "http", "version": 3}}, "url": "{url}", "tls": {{}}}}]"#
        ),
        format!(
            r#"[{{"protocol": {{"name": "otlp_smoke", "type": "http"}}, "url": "http://127.0.0.1:1"}}, {good}]"#
        ),
        format!(
            r#"[{{"protocol": {{"name": "otlp_http", "type": "pigeon"}}, "url": "http://127.0.0.1:1"}}, {good}]"#
        ),
        format!(
            r#"[{{"protocol": {{"name": "zipkin", "type": "http"}}, "url": "http://127.0.0.1:1"}}, {good}]"#
        ),
        format!(r#"[7, null, {{}}, "text", {good}]"#),
        format!(" [ {good} ]\n"),
    ] {
        collector.clear();
        relation.set_remote_app_data("receivers", &databag);
        relation.set_remote_app_data("unknown-key", "anything");
        let outcome = juju.dispatch(Event::relation_changed(&relation));
        assert_untouched(&outcome);
        assert_eq!(delivered(&collector), [trace_id(&outcome)], "{databag}");
    }
    assert_eq!(waiting(&juju), 0);
}

#[test]
fn a_relation_that_is_being_removed_is_no_error() {
    let collector = Collector::start();
    let (mut juju, relation) = related_charm();
    relation.publish_endpoint(&collector.endpoint());
    relation.sever();
    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_untouched(&outcome);
    assert_eq!((waiting(&juju), collector.requests().len()), (1, 0));
}

#[test]
fn an_endpoint_that_is_no_url_is_one_clear_warning() {
    let (mut juju, relation) = related_charm();
    let mut ids = Vec::new();
    for (endpoint, why) in [
        ("not a url", "the endpoint is not a URL"),
        ("http://", "the endpoint is not a URL"),
        ("tempo", "the endpoint does not begin with http:// or https://"),
        ("tempo:4318", "the endpoint does not begin with http:// or https://"),
        ("ftp://tempo:4318", "the endpoint's scheme is ftp, not http or https"),
        ("http://:4318", "the endpoint names no host"),
        ("http://tempo:99999", "the endpoint's port is not a port number"),
    ] {
        relation.publish_endpoint(endpoint);
        let outcome = juju.dispatch(Event::relation_changed(&relation));
        assert_untouched_and_quick(&outcome);
        assert_eq!(
            notices(&outcome),
            [format!("WARNING {relation}: cannot send traces: {why}; they are kept until that is mended")],
            "{endpoint}"
        );
        ids.push(trace_id(&outcome));
        assert_eq!(waiting(&juju), ids.len());
    }
    assert_mended(&mut juju, &relation, ids);
}

#[test]
fn endpoints_are_taken_with_and_without_slash_and_path() {
    let collector = Collector::start();
    let (mut juju, relation) = related_charm();
    for suffix in ["", "/", "/v1/traces", "/v1/traces/", "/model-app", "/model-app/?tenant=1"] {
        relation.publish_endpoint(&format!("{}{suffix}", collector.endpoint()));
        collector.answer(Answer::Status(200));
        assert_untouched(&juju.dispatch(Event::relation_changed(&relation)));
    }
    let paths: Vec<_> = collector.requests().iter().map(|request| request.path.clone()).collect();
    let path = "/v1/traces";
    assert_eq!(
        paths,
        [path, path, path, path, "/model-app/v1/traces", "/model-app/v1/traces?tenant=1"].map(str::to_owned)
    );
}

#[test]
fn a_password_in_the_endpoint_is_not_told() {
    let collector = Collector::start();
    let (mut juju, relation) = related_charm();
    relation.publish_endpoint(&collector.endpoint().replace("//", "//juju:hunter2@"));
    collector.answer(Answer::Status(503));
    let outcome = juju.dispatch(Event::hook("update-status"));
    let told = &outcome.log.last().unwrap().message;
    assert!(told.contains("the backend answered 503"), "{outcome}");
    assert!(!outcome.calls.iter().flatten().any(|argument| argument.contains("hunter2")), "{outcome}");
    assert_untouched(&outcome);
}

#[test]
fn a_controllers_endpoint_that_is_no_url_is_told_too() {
    let mut juju = test_charm().juju_version("4.1.0");
    let outcome = juju.dispatch(Event::hook("start").env("JUJU_CHARM_TRACE_CONFIG_HTTP", "tempo:4318"));
    assert_untouched(&outcome);
    assert_eq!(
        notices(&outcome),
        [
            "WARNING cannot send traces: the endpoint does not begin with http:// or https://; they are kept until \
          that is mended"
        ]
    );
    assert_eq!(waiting(&juju), 1);
}

/// A charm with a relation over which nothing was published yet.
fn related_charm() -> (Juju, Relation) {
    let mut juju = test_charm();
    let relation = juju.relate("tracing", "tempo");
    (juju, relation)
}

/// With good the next dispatch delivers what has waited.
#[track_caller]
fn assert_mended(juju: &mut Juju, relation: &Relation, mut ids: Vec<String>) {
    let collector = Collector::start();
    relation.publish_endpoint(&collector.endpoint());
    let mended = juju.dispatch(Event::relation_changed(relation));
    assert_untouched(&mended);
    ids.push(trace_id(&mended));
    assert_eq!((waiting(juju), delivered(&collector)), (0, ids), "{mended}");
    whole_traces(&collector);
}
