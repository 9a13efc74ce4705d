//! Backends that want to know who sends to them.

use std::path::Path;

use rustls::version::{TLS12, TLS13};

use super::super::{ClientCertificate, DeliveryProblem, Pem};
use super::authority::{Authority, Identity, SecureServer, destination};
use super::*;

fn text(identity: &Identity) -> ClientCertificate {
    ClientCertificate::new(Pem::Text(identity.pem.clone()), Pem::Text(identity.key.clone()))
}

#[test]
fn backend_that_asks_is_shown_the_charms_certificate() {
    let (servers, clients) = (Authority::new(), Authority::named("clients"));
    let own = clients.issue("charm");
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(directory.path().join(name), text).unwrap();
        Pem::File(directory.path().join(name))
    };
    let both = file("both.pem", &format!("{}{}", own.key, own.pem));
    let ways = [
        text(&own),
        ClientCertificate::new(file("a.crt", &own.pem), file("a.key", &own.key)),
        ClientCertificate::new(both.clone(), both),
    ];
    for versions in [&[&TLS12][..], &[&TLS13]] {
        for way in ways.clone() {
            let server = SecureServer::new(servers.issue("localhost"))
                .versions(versions)
                .wants_certificate_of(&clients)
                .start();
            let unit = Unit::new();
            unit.store(&["a"]);
            let destination = destination(&server, servers.pem()).client_certificate(way);
            let report = unit.dispatch("b", Some(&destination));
            assert_eq!((report.delivered, report.waiting), (2, 0), "{report:?}");
            assert_eq!((server.texts(), server.connections()), (vec!["a".to_owned(), "b".to_owned()], 1));
        }
    }
}

#[test]
fn chain_is_shown_whole() {
    let (servers, clients) = (Authority::new(), Authority::named("clients"));
    let between = clients.intermediate();
    let own = between.issue("charm");
    let chain = format!("{}{}", own.pem, between.0.pem());
    let own = ClientCertificate::new(Pem::Text(chain), Pem::Text(own.key));
    let server = SecureServer::new(servers.issue("localhost")).wants_certificate_of(&clients).start();
    let destination = destination(&server, servers.pem()).client_certificate(own);
    assert_eq!(Unit::new().dispatch("a", Some(&destination)).delivered, 1);
}

#[test]
fn backend_that_does_not_ask_takes_traces_all_the_same() {
    let authority = Authority::new();
    let server = authority.server("localhost", rustls::ALL_VERSIONS);
    let own = text(&Authority::named("clients").issue("charm"));
    let destination = destination(&server, authority.pem()).client_certificate(own);
    assert_eq!(Unit::new().dispatch("a", Some(&destination)).delivered, 1);
}

#[test]
fn backend_that_asks_in_vain_leaves_the_trace_waiting_and_says_so() {
    let (servers, clients) = (Authority::new(), Authority::named("clients"));
    let stranger = text(&Authority::named("strangers").issue("charm"));
    let namesake = text(&Authority::named("clients").issue("charm"));
    let old =
        text(&clients.issue_with("charm", |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1)));
    for versions in [&[&TLS12][..], &[&TLS13]] {
        for (own, expected) in [
            (None, "it asks for a client certificate, and the charm has none"),
            (Some(&stranger), "it does not accept the client certificate (UnknownCA)"),
            (Some(&namesake), "it does not accept the client certificate (DecryptError)"),
            (Some(&old), "it does not accept the client certificate (CertificateExpired)"),
        ] {
            let server = SecureServer::new(servers.issue("localhost"))
                .versions(versions)
                .wants_certificate_of(&clients)
                .start();
            let mut destination = destination(&server, servers.pem());
            if let Some(own) = own {
                destination = destination.client_certificate(own.clone());
            }
            let unit = Unit::new();
            unit.store(&["a"]);
            let report = unit.dispatch("b", Some(&destination));
            assert_eq!((report.waiting, report.lost), (2, false), "{report:?}");
            let said = problem(&report);
            assert!(said.ends_with(expected), "{said}");
            assert!(server.requests().is_empty());
        }
    }
}

#[test]
fn client_certificate_that_cannot_be_used_is_said_and_nothing_of_the_key() {
    let authority = Authority::new();
    let server = authority.server("localhost", rustls::ALL_VERSIONS);
    let (own, other) = (authority.issue("charm"), authority.issue("other"));
    let pem = |text: &str| Pem::Text(text.to_owned());
    let file = |path: &str| Pem::File(Path::new(path).to_owned());
    let broken = own.key.replace('M', "!");
    let unknown = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
    let key = "cannot use the private key of the client certificate: ";
    let neither = "is neither a text in PEM nor the absolute path of a file with one";
    let no_key = "the given text holds no private key in PEM that is not encrypted";
    let cases = [
        (
            pem("garbage"),
            pem(&own.key),
            "cannot use the client certificate: the given text holds no certificate in PEM".to_owned(),
        ),
        (
            file("own.crt"),
            pem(&own.key),
            format!("cannot use the client certificate: the certificate {neither}"),
        ),
        (pem(&own.pem), pem("garbage"), format!("{key}{no_key}")),
        (pem(&own.pem), pem(&broken), format!("{key}{no_key}")),
        (pem(&own.pem), pem(&own.pem), format!("{key}{no_key}")),
        (pem(&own.pem), pem(&other.key), format!("{key}it is not that of the certificate")),
        (
            pem(&own.pem),
            pem(unknown),
            format!(
                "{key}it cannot be read: unexpected error: failed to parse private key as RSA, ECDSA, or EdDSA"
            ),
        ),
        (pem(&own.pem), file("own.key"), format!("{key}it {neither}")),
        (
            pem(&own.pem),
            file("/nonexistent/own.key"),
            format!("{key}cannot read /nonexistent/own.key: No such file or directory (os error 2)"),
        ),
    ];
    let unit = Unit::new();
    for (waiting, (chain, key, expected)) in (1..).zip(cases) {
        let destination =
            destination(&server, authority.pem()).client_certificate(ClientCertificate::new(chain, key));
        let report = unit.dispatch("a", Some(&destination));
        assert!(matches!(report.problem, Some(DeliveryProblem::Certificate { .. })), "{report:?}");
        assert_eq!(problem(&report), format!("cannot send traces: {expected}"));
        assert_eq!((report.waiting, report.lost), (waiting, false), "{report:?}");
        let told = format!("{report:?} {destination:?}");
        for line in own.key.lines().chain(broken.lines()).chain(["secret", "c2VjcmV0"]) {
            assert!(!told.contains(line), "{told}");
        }
    }
    assert_eq!(server.connections(), 0);
}
