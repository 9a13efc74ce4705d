//! A charm's log names each trouble of the relation once, with its cause.

use std::cell::RefCell;
use std::sync::Once;

use log::{Level, LevelFilter, Log, Metadata, Record};
use tracing_relation::{ReceiverProtocol, TracingEndpointRequirer, charm_tracing_config};

use crate::charm::{Charm, LIMIT_1};

thread_local! {
    /// Each test runs in a thread of its own, and so has its own log.
    static LINES: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

struct PerThread;

impl Log for PerThread {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        LINES.with_borrow_mut(|lines| lines.push((record.level(), record.args().to_string())));
    }

    fn flush(&self) {}
}

/// Returns the lines that are logged up to a level while a charm uses the endpoint in all ways.
fn log_up_to(level: Level, charm: &Charm) -> Vec<String> {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        log::set_logger(&PerThread).expect("the only logger");
        log::set_max_level(LevelFilter::Trace);
    });
    LINES.take();
    let dispatch = charm.hook("update-status");
    let requirer = TracingEndpointRequirer::new(&dispatch, "charm-tracing", &[ReceiverProtocol::OtlpHttp]);
    let requirer = requirer.expect("the endpoint is in the metadata");
    charm_tracing_config(&requirer, Some("/nowhere/ca.crt".as_ref())).expect("no error");
    requirer.is_ready().expect("an answer");
    requirer.get_endpoint(ReceiverProtocol::OtlpHttp).expect("an answer");
    let lines = LINES.take().into_iter().filter(|(of, _)| *of <= level);
    lines.map(|(level, text)| format!("{level} {text}")).collect()
}

/// Returns the lines that are logged at WARN and ERROR.
fn log_of(charm: &Charm) -> Vec<String> {
    log_up_to(Level::Warn, charm)
}

#[test]
fn waiting_for_a_backend_is_not_worth_a_warning() {
    for leader in [true, false] {
        let charm = Charm::new(LIMIT_1, leader);
        assert_eq!(log_of(&charm), Vec::<String>::new());
        charm.relate(None);
        assert_eq!(log_of(&charm), Vec::<String>::new());
    }
}

#[test]
fn a_databag_that_makes_no_sense_is_said_once() {
    let charm = Charm::new(LIMIT_1, false);
    charm.relate(Some("[3]"));
    let expected = "WARN charm-tracing:1 is not ready: cannot use any of the 1 `receivers` in the databag";
    assert_eq!(log_of(&charm), [expected]);
}

#[test]
fn what_is_ignored_is_said_once_at_debug() {
    let charm = Charm::new(LIMIT_1, false);
    charm.relate(Some(
        r#"[3, {"protocol": {"name": "otlp_http", "type": "http"}, "url": "http://tempo:4318"},
            {"protocol": {"name": "zipkin", "type": "quic"}, "url": "x"}, {"protocol": "zipkin", "port": 9411}]"#,
    ));
    let expected = "DEBUG charm-tracing:1: ignored 3 of 4 `receivers` in a databag: item 1 (invalid type: integer, \
                    expected a map), item 3 (without a known transport), item 4 (without a host beside the list)";
    assert_eq!(log_up_to(Level::Debug, &charm), [expected]);
}

#[test]
fn a_failure_to_publish_is_said_with_its_cause() {
    let charm = Charm::new(LIMIT_1, true);
    charm.relate(None);
    charm.juju.fail_next("relation-set", 1, "ERROR connection is shut down\n");
    let expected = "WARN cannot request tracing protocols on `charm-tracing`: cannot ask Juju about a \
                    relation: cannot run relation-set (exit code 1)";
    assert_eq!(log_of(&charm), [expected]);
}

#[test]
fn a_missing_certificate_is_said_once_in_jujus_log() {
    let https = r#"[{"protocol": {"name": "otlp_http", "type": "http"}, "url": "https://tempo:4318"}]"#;
    for (path, missing) in [
        (Some("/nowhere/ca.crt".as_ref()), "there is no certificate at /nowhere/ca.crt"),
        (
            Some("/CN=a\n-----BEGIN PRIVATE KEY-----".as_ref()),
            "what the charm names as its certificate's file is no absolute path",
        ),
        (None, "the charm was given no certificate"),
    ] {
        let charm = Charm::new(LIMIT_1, false);
        charm.relate(Some(https));
        assert_eq!(log_of(&charm), Vec::<String>::new(), "a charm may send what it logs to Juju, too");
        assert_eq!(charm.juju.log().len(), 1, "{:?}", charm.juju.log());

        let dispatch = charm.hook("update-status");
        for _ in 0..2 {
            let requirer =
                TracingEndpointRequirer::new(&dispatch, "charm-tracing", &[]).expect("an endpoint");
            charm_tracing_config(&requirer, path).expect("no error");
        }
        let lines = charm.juju.log();
        assert_eq!(lines.len(), 2, "one more in each dispatch: {lines:?}");
        let expected = format!(
            "cannot send traces to the https tracing endpoint: {missing}. They are kept until it is there. "
        );
        assert_eq!(lines[1].level, "WARNING");
        assert!(lines[1].message.starts_with(&expected), "{lines:?}");
    }
}

#[test]
fn a_warning_that_does_not_arrive_is_no_error() {
    let charm = Charm::new(LIMIT_1, false);
    charm.relate(Some(
        r#"[{"protocol": {"name": "otlp_http", "type": "http"}, "url": "https://tempo:4318"}]"#,
    ));
    charm.juju.fail_every("juju-log", 1, "ERROR connection is shut down\n");
    assert_eq!(log_of(&charm), Vec::<String>::new());
    assert_eq!(charm.juju.log().len(), 0);
}

#[test]
fn metadata_that_cannot_be_read_is_said_with_its_file() {
    let charm = Charm::new("- a list", false);
    let lines = log_of(&charm);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let expected =
        "WARN cannot check the endpoint `charm-tracing`, and take its limit to be 1: cannot understand ";
    assert!(lines[0].starts_with(expected) && lines[0].contains("metadata.yaml"), "{lines:?}");
}
