use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, ProtocolVersion, ServerConnection, StreamOwned};

use super::super::{Certificate, DeliveryProblem};
use super::authority::{Authority, Handshakes, SecureServer, destination};
use super::connections::large;
use super::raw::RawServer;
use super::*;

#[test]
fn traces_are_delivered_over_https_with_a_certificate_file() {
    let authority = Authority::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority.0.pem()).unwrap();
    for version in [&TLS12, &TLS13] {
        let (unit, server) = (Unit::new(), authority.server("localhost", &[version]));
        unit.store(&["a", "b"]);
        let destination = destination(&server, Certificate::File(file.path().to_owned()));
        let report = unit.dispatch("c", Some(&destination));
        assert_eq!((report.delivered, report.waiting), (3, 0), "{report:?}");
        assert_eq!(server.texts(), ["a", "b", "c"]);
        assert_eq!(server.connections(), 1, "one handshake for the whole queue");
    }
}

#[test]
fn backlog_is_delivered_after_one_handshake() {
    let (authority, unit, handshakes) = (Authority::new(), Unit::new(), Handshakes::default());
    let server = SecureServer::new(authority.issue("localhost")).observed(&handshakes).start();
    unit.store(&["a"; 99]);
    let report = unit.dispatch("b", Some(&destination(&server, authority.pem())));
    assert_eq!((report.delivered, report.waiting), (100, 0), "{report:?}");
    assert_eq!(server.connections(), 1);
    assert_eq!(*handshakes.lock().unwrap(), [(HandshakeKind::Full, ProtocolVersion::TLSv1_3)]);
}

/// As the time that is left gets less, each request has a time-out of its own.
#[test]
fn connection_that_the_backend_closes_is_resumed() {
    for (versions, agreed) in [
        (&[&TLS13, &TLS12][..], ProtocolVersion::TLSv1_3),
        (&[&TLS13], ProtocolVersion::TLSv1_3),
        (&[&TLS12], ProtocolVersion::TLSv1_2),
    ] {
        let (authority, mut unit, handshakes) = (Authority::new(), Unit::new(), Handshakes::default());
        unit.budget.total = unit.budget.per_request;
        let closing = Reply::Answer(200, "connection: close\r\n", Vec::new());
        let identity = authority.issue("localhost");
        let server =
            SecureServer::new(identity).versions(versions).reply(closing).observed(&handshakes).start();
        unit.store(&["a", "b"]);
        let report = unit.dispatch("c", Some(&destination(&server, authority.pem())));
        assert_eq!((report.delivered, report.waiting), (3, 0), "{report:?}");
        let kinds = [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed];
        assert_eq!(*handshakes.lock().unwrap(), kinds.map(|kind| (kind, agreed)), "{agreed:?}");
    }
}

#[test]
fn certificate_of_an_http_backend_is_not_looked_at() {
    let (unit, server) = (Unit::new(), Server::always(Reply::OK));
    let nowhere = Certificate::File(PathBuf::from("ca.crt"));
    let destination = Destination::new(format!("http://127.0.0.1:{}", server.port()), Some(nowhere));
    let report = unit.dispatch("a", Some(&destination));
    assert_eq!((report.delivered, report.problem.is_none()), (1, true), "{report:?}");
}

#[test]
fn any_certificate_of_a_bundle_will_do() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = authority.server("localhost", rustls::ALL_VERSIONS);
    let bundle = Certificate::Pem(format!("{}{}", other.0.pem(), authority.0.pem()));
    let report = Unit::new().dispatch("a", Some(&destination(&server, bundle)));
    assert_eq!(report.delivered, 1, "{report:?}");
}

#[test]
fn certificate_that_appears_later_is_used_then() {
    let (authority, unit) = (Authority::new(), Unit::new());
    let server = authority.server("localhost", rustls::ALL_VERSIONS);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.crt");
    let destination = destination(&server, Certificate::File(path.clone()));

    let report = unit.dispatch("a", Some(&destination));
    assert!(matches!(report.problem, Some(DeliveryProblem::Certificate { .. })), "{report:?}");
    assert_eq!(unit.backoff().failures, 0, "the backend is not to blame");

    std::fs::write(path, authority.0.pem()).unwrap();
    assert_eq!(unit.dispatch("b", Some(&destination)).delivered, 2);
}

#[test]
fn unusable_certificate_is_said_and_the_trace_waits() {
    let unit = Unit::new();
    let secret = "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----";
    for (waiting, path) in (1..).zip(["ca.crt", "secret", secret, &format!("/CN=secret\n{secret}")]) {
        let certificate = Certificate::File(PathBuf::from(path));
        let destination = Destination::new("https://localhost:1", Some(certificate));
        let report = unit.dispatch("a", Some(&destination));
        assert_eq!(
            problem(&report),
            "cannot send traces: the certificate is neither a text in PEM nor the absolute path of a file with one"
        );
        assert_eq!((report.waiting, report.lost), (waiting, false), "{report:?}");
        assert!(!format!("{report:?} {destination:?}").contains(path), "{destination:?}");
    }
}

/// Breaks the connection by closing it while data is still on its way.
#[test]
fn answer_before_the_request_was_read_is_heard_over_tls() {
    for version in [&TLS12, &TLS13] {
        let authority = Authority::new();
        let config = SecureServer::new(authority.issue("localhost")).versions(&[version]).config();
        let server = RawServer::new(move |connection| {
            let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = StreamOwned::new(tls, connection.stream.get_ref());
            tls.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n").unwrap();
        });
        let unit = Unit::new();
        let destination =
            Destination::new(format!("https://localhost:{}", server.port()), Some(authority.pem()));
        let report = unit.dispatch(&large(), Some(&destination));
        assert_eq!((report.refused, report.waiting), (1, 0), "{version:?}: {report:?}");
        assert_eq!(server.connections(), 1);
    }
}
