//! Each way to name a certificate. The faults of certificates and of TLS are in the fault matrix.

use std::fs;

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju};
use serde_json::json;

use crate::unit::{assert_untouched_and_quick, delivered, notices, relate, test_charm, trace_id, waiting};

#[test]
fn without_a_certificate_the_trace_waits_and_the_log_says_what_operators_know() {
    let (collector, mut juju) = backend_and_charm();
    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_untouched_and_quick(&outcome);
    assert_eq!(
        notices(&outcome),
        [
            "WARNING Tracing endpoint is https, but no server_cert has been passed. Please point @trace_charm to a \
          `server_cert` attr. This might also mean that the tracing provider is related to a certificates \
          provider, but this application is not (yet). In that case, you might just have to wait a bit for the \
          certificates integration to settle. This span will be buffered."
        ]
    );
    assert_eq!((waiting(&juju), collector.requests().len()), (1, 0));
}

#[test]
fn a_certificate_may_be_given_as_text() {
    let (collector, mut juju) = backend_and_charm();
    juju.set_config("tracing-ca", json!(collector.ca_pem()));
    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_untouched_and_quick(&outcome);
    assert_eq!(notices(&outcome), [""; 0]);
    assert_eq!(delivered(&collector), [trace_id(&outcome)]);

    let key = "subject=CN = secret\n-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n";
    for text in ["-----BEGIN NOTHING-----", key, &format!("/{key}")] {
        juju.set_config("tracing-ca", json!(text));
        let outcome = juju.dispatch(Event::hook("update-status"));
        assert_eq!(
            notices(&outcome),
            [
                "WARNING cannot send traces: the given text holds no certificate in PEM; they are kept until that is mended"
            ]
        );
        assert!(!outcome.to_string().contains("secret"), "{outcome}");
    }
}

#[test]
fn the_controllers_certificate_is_a_text_and_not_a_path() {
    let collector = Collector::start_tls();
    let mut juju = test_charm().juju_version("4.1.0");
    let start = || Event::hook("start").env("JUJU_CHARM_TRACE_CONFIG_HTTP", &collector.endpoint());
    let without = juju.dispatch(start());
    assert_untouched_and_quick(&without);
    assert_eq!(
        notices(&without),
        [
            "WARNING cannot send traces to the https endpoint that Juju names for all charms: it names no CA certificate \
          for it (JUJU_CHARM_TRACE_CONFIG_CA_CERT is empty); they are kept until the controller's configuration has one"
        ]
    );
    let with = juju.dispatch(start().env("JUJU_CHARM_TRACE_CONFIG_CA_CERT", collector.ca_pem()));
    assert_eq!(notices(&with), [""; 0]);
    assert_eq!(delivered(&collector), [trace_id(&without), trace_id(&with)]);
    let bad = juju.dispatch(start().env("JUJU_CHARM_TRACE_CONFIG_CA_CERT", "/etc/ca.crt"));
    assert_eq!(
        notices(&bad),
        [
            "WARNING cannot send traces: the given text holds no certificate in PEM; they are kept until that is \
          mended"
        ]
    );
    assert_eq!(waiting(&juju), 1);
}

#[test]
fn opentelemetrys_own_variables_are_the_last_resort() {
    let (last, controllers, relations) = (Collector::start_tls(), Collector::start(), Collector::start());
    let mut juju = test_charm().juju_version("4.1.0");
    let authority = juju.charm_dir().join("ca.crt");
    let start = || {
        Event::hook("start")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &last.endpoint())
            .env("OTEL_EXPORTER_OTLP_CERTIFICATE", authority.to_str().unwrap())
            .env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=sec%20ret")
    };
    let without = juju.dispatch(start());
    assert_untouched_and_quick(&without);
    assert_eq!(notices(&without).len(), 1, "the certificate is not there: {without}");
    assert!(!without.to_string().contains("sec"), "{without}");

    fs::write(&authority, last.ca_pem()).unwrap();
    let with = juju.dispatch(start());
    assert_eq!(notices(&with), [""; 0]);
    assert_eq!(delivered(&last), [trace_id(&without), trace_id(&with)]);
    assert!(last.requests().iter().all(|request| request.header("api-key") == Some("sec ret")));

    let jujus = || start().env("JUJU_CHARM_TRACE_CONFIG_HTTP", &controllers.endpoint());
    let by_juju = juju.dispatch(jujus());
    assert_eq!(delivered(&controllers), [trace_id(&by_juju)]);
    let _ = relate(&mut juju, &relations.endpoint());
    let by_charm = juju.dispatch(jujus());
    assert_eq!(delivered(&relations), [trace_id(&by_charm)]);
    assert_eq!((last.requests().len(), controllers.requests().len()), (2, 1));
    assert!(controllers.requests().iter().all(|request| request.header("api-key").is_none()));
}

#[test]
fn a_backend_that_asks_who_sends_is_shown_the_charms_certificate() {
    let collector = Collector::start_mutual_tls();
    let mut juju = test_charm();
    let _ = relate(&mut juju, &collector.endpoint());
    name_certificate(&mut juju, "ca.crt", collector.ca_pem());
    let without = juju.dispatch(Event::hook("update-status"));
    assert_untouched_and_quick(&without);
    assert_eq!((waiting(&juju), collector.requests().len()), (1, 0));
    let [told] = &notices(&without)[..] else { panic!("{without}") };
    assert!(
        told.contains("it asks for a client certificate, and the charm has none; they are kept"),
        "{told}"
    );

    let client = collector.client();
    name_file(&mut juju, "tracing-client-cert", "client.crt", &client.certificate);
    let without_key = juju.dispatch(Event::hook("update-status"));
    assert_untouched_and_quick(&without_key);
    assert_eq!((waiting(&juju), collector.requests().len()), (2, 0));

    name_file(&mut juju, "tracing-client-key", "client.key", &client.key);
    let with_files = juju.dispatch(Event::hook("update-status"));
    assert_untouched_and_quick(&with_files);
    assert_eq!(notices(&with_files), [""; 0]);
    assert_eq!(waiting(&juju), 0);

    juju.set_config("tracing-client-cert", json!(client.certificate));
    juju.set_config("tracing-client-key", json!("c2VjcmV0"));
    let with_another_form = juju.dispatch(Event::hook("update-status"));
    assert_untouched_and_quick(&with_another_form);
    assert_eq!(
        notices(&with_another_form),
        [
            "WARNING cannot send traces: cannot use the private key of the client certificate: the given text holds no \
          private key in PEM that is not encrypted; they are kept until that is mended"
        ]
    );

    juju.set_config("tracing-client-key", json!(client.key));
    let with_texts = juju.dispatch(Event::hook("update-status"));
    assert_eq!(notices(&with_texts), [""; 0]);
    let all = [without, without_key, with_files, with_another_form, with_texts];
    assert_eq!(delivered(&collector), all.each_ref().map(trace_id));
}

/// A charm that is related to a backend with TLS.
fn backend_and_charm() -> (Collector, Juju) {
    let collector = Collector::start_tls();
    let mut juju = test_charm();
    let _ = relate(&mut juju, &collector.endpoint());
    (collector, juju)
}

/// Names a file of the charm directory with this certificate as the authority to trust.
fn name_certificate(juju: &mut Juju, name: &str, pem: &str) {
    name_file(juju, "tracing-ca", name, pem);
}

/// Puts a certificate or key into a file of the charm directory, and its absolute path into the charm's configuration.
fn name_file(juju: &mut Juju, option: &str, name: &str, pem: &str) {
    let path = juju.charm_dir().join(name);
    fs::write(&path, pem).unwrap();
    juju.set_config(option, json!(path));
}
