use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};

use super::super::{Certificate, DeliveryProblem};
use super::*;

/// A certificate authority of the test's own.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> Certificate {
        Certificate::Pem(self.0.pem())
    }

    /// A backend whose certificate is for this name, that speaks these versions of TLS.
    fn server(&self, name: &str, versions: &[&'static SupportedProtocolVersion]) -> Server {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        let config = Arc::new(config);
        let wrap = move |stream: TcpStream| -> Box<dyn server::Stream> {
            Box::new(StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream))
        };
        Server::wrapped(Box::new(|_, _| Reply::OK), Box::new(wrap))
    }
}

fn destination(server: &Server, certificate: Certificate) -> Destination {
    Destination::new(format!("https://localhost:{}", server.port()), Some(certificate))
}

#[test]
fn traces_are_delivered_over_https_with_a_certificate_file() {
    let authority = Authority::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority.0.pem()).unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
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
fn any_certificate_of_a_bundle_will_do() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = authority.server("localhost", rustls::ALL_VERSIONS);
    let bundle = Certificate::Pem(format!("{}{}", other.0.pem(), authority.0.pem()));
    let report = Unit::new().dispatch("a", Some(&destination(&server, bundle)));
    assert_eq!(report.delivered, 1, "{report:?}");
}

#[test]
fn backend_that_cannot_be_trusted_gets_nothing() {
    let authority = Authority::new();
    let unit = Unit::new();

    let server = authority.server("localhost", rustls::ALL_VERSIONS);
    let report = unit.dispatch("a", Some(&destination(&server, Authority::new().pem())));
    assert!(problem(&report).contains("invalid peer certificate"), "wrong CA: {}", problem(&report));
    assert_eq!((report.waiting, report.lost), (1, false), "{report:?}");
    assert!(server.requests().is_empty());

    let server = authority.server("elsewhere", rustls::ALL_VERSIONS);
    let report = unit.dispatch("b", Some(&destination(&server, authority.pem())));
    assert!(problem(&report).contains("not valid for"), "wrong name: {}", problem(&report));
    assert_eq!((report.waiting, report.lost), (2, false), "{report:?}");
    assert!(server.requests().is_empty());
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
    assert_eq!(unit.buffer.backoff().unwrap().failures, 0, "the backend is not to blame");

    std::fs::write(path, authority.0.pem()).unwrap();
    assert_eq!(unit.dispatch("b", Some(&destination)).delivered, 2);
}

#[test]
fn unusable_certificate_is_said_and_the_trace_waits() {
    let unit = Unit::new();
    let relative = Certificate::File(PathBuf::from("ca.crt"));
    let report = unit.dispatch("a", Some(&Destination::new("https://localhost:1", Some(relative))));
    assert_eq!(problem(&report), "cannot send traces: the certificate's path is not absolute: ca.crt");
    assert_eq!((report.waiting, report.lost), (1, false), "{report:?}");
}

#[test]
fn https_without_a_certificate_waits_even_when_the_backend_is_there() {
    let (authority, unit) = (Authority::new(), Unit::new());
    let server = authority.server("localhost", rustls::ALL_VERSIONS);
    let destination = Destination::new(format!("https://localhost:{}", server.port()), None);
    let report = unit.dispatch("a", Some(&destination));
    assert!(matches!(report.problem, Some(DeliveryProblem::HttpsWithoutCertificate)), "{report:?}");
    assert_eq!((report.waiting, server.connections()), (1, 0));
}
