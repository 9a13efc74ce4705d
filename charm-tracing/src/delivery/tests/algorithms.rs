//! Certificates that TLS does not take here because of how they are signed, or what kind of name they have.

use rcgen::SanType;

use super::super::{Certificate, DeliveryProblem};
use super::authority::{Authority, Identity, SecureServer, destination, forged, pem};
use super::raw::RawServer;
use super::*;

const ECDSA_WITH_SHA256: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x02";
const ECDSA_WITH_SHA512: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x04";
const P384: &[u8] = b"\x2b\x81\x04\x00\x22";
const P521: &[u8] = b"\x2b\x81\x04\x00\x23";

/// The problem of a trace that waits, after the place.
fn said(server: &Server, certificate: Certificate) -> String {
    let report = Unit::new().dispatch("a", Some(&destination(server, certificate)));
    assert_eq!((report.waiting, report.lost), (1, false), "{report:?}");
    assert!(matches!(report.problem, Some(DeliveryProblem::Untrusted { .. })), "{report:?}");
    assert!(server.requests().is_empty());
    let place = format!("cannot send traces to https://localhost:{}/v1/traces: ", server.port());
    problem(&report).strip_prefix(&place).unwrap().to_owned()
}

#[test]
fn an_algorithm_that_is_not_supported_is_named_once() {
    let authority = Authority::new();
    let sha512 = authority.issue("localhost").forged(ECDSA_WITH_SHA256, ECDSA_WITH_SHA512);
    let text = said(&SecureServer::new(sha512).start(), authority.pem());
    assert!(
        text.starts_with("its certificate is signed by ECDSA with SHA-512, which is not supported; "),
        "{text}"
    );

    let on_p384 = Authority::on_p384();
    let on_p521 = Certificate::Pem(pem(&forged(on_p384.0.der(), P384, P521)));
    let text = said(&SecureServer::new(on_p384.issue("localhost")).start(), on_p521);
    assert!(
        text.starts_with("its certificate is signed by a key of ECDSA on P-521, which is not supported; "),
        "{text}"
    );
    assert_eq!(text.matches("P-521").count(), 1, "{text}");
    assert!(
        text.ends_with("P-256 or P-384 with SHA-256 or SHA-384, or Ed25519") && text.len() < 250,
        "{text}"
    );
}

#[test]
fn an_algorithm_of_a_certificate_that_is_named_itself_is_of_no_matter() {
    let identity = || {
        Identity::of_its_own("localhost", |params| params.is_ca = rcgen::IsCa::NoCa)
            .forged(ECDSA_WITH_SHA256, ECDSA_WITH_SHA512)
    };
    let (own, other) = (identity(), identity());
    let server = SecureServer::new(own.clone()).start();
    let report = Unit::new().dispatch("a", Some(&destination(&server, own.certificate())));
    assert_eq!(report.delivered, 1, "{report:?}");
    let text = said(&SecureServer::new(own).start(), other.certificate());
    assert!(text.starts_with("its certificate is signed by ECDSA with SHA-512"), "{text}");
}

/// A backend whose only key is of a kind that was not offered to it, as one on P-521.
#[test]
fn a_backend_that_does_not_agree_is_a_warning_with_what_is_spoken_here() {
    for alert in [40, 70, 71] {
        let server = RawServer::new(move |connection| {
            let _ = std::io::Read::read(&mut connection.stream, &mut [0; 4096]);
            connection.say([21, 3, 3, 0, 2, 2, alert]);
        });
        let endpoint = format!("https://localhost:{}", server.port());
        let report =
            Unit::new().dispatch("a", Some(&Destination::new(endpoint, Some(Authority::new().pem()))));
        assert!(matches!(report.problem, Some(DeliveryProblem::Untrusted { .. })), "{report:?}");
        let text = problem(&report);
        assert!(text.contains("version 1.2 or 1.3") && text.contains("ECDSA on P-256 or P-384"), "{text}");
    }
}

/// It is most likely that of the backend, which then has nothing to sign with that TLS takes here.
#[test]
fn a_backend_that_does_not_agree_is_said_to_have_the_key_of_the_authority() {
    let server = RawServer::new(|connection| {
        let _ = std::io::Read::read(&mut connection.stream, &mut [0; 4096]);
        connection.say([21, 3, 3, 0, 2, 2, 40]);
    });
    let on_p521 = pem(&forged(Authority::on_p384().0.der(), P384, P521));
    let said_with = |certificates: String| {
        let endpoint = format!("https://localhost:{}", server.port());
        let certificate = Certificate::Pem(certificates);
        problem(&Unit::new().dispatch("a", Some(&Destination::new(endpoint, Some(certificate)))))
    };
    let text = said_with(on_p521.clone());
    assert!(
        text.contains(": its certificate is signed by a key of ECDSA on P-521, which is not supported"),
        "{text}"
    );
    let text = said_with(on_p521 + &Authority::new().0.pem());
    assert!(text.contains(": it does not agree to the TLS that is spoken here"), "{text}");
}

#[test]
fn a_name_of_the_wrong_kind_is_said_with_its_kind() {
    let authority = Authority::new();
    let issued = |names: &[SanType]| {
        let identity = authority.issue_with("localhost", |params| params.subject_alt_names = names.to_vec());
        SecureServer::new(identity).start()
    };
    let to_address = |server: &Server| {
        let endpoint = format!("https://127.0.0.1:{}", server.port());
        let report = Unit::new().dispatch("a", Some(&Destination::new(endpoint, Some(authority.pem()))));
        problem(&report).split_once("/v1/traces: ").unwrap().1.to_owned()
    };
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let uri = |name: &str| SanType::URI(name.try_into().unwrap());
    assert_eq!(
        to_address(&issued(&[dns("127.0.0.1")])),
        "its certificate is not for 127.0.0.1 but for a DNS name 127.0.0.1, where it needs an IP address"
    );
    assert_eq!(
        to_address(&issued(&[dns("tempo"), SanType::IpAddress([127, 0, 0, 2].into())])),
        "its certificate is not for 127.0.0.1 but for tempo, 127.0.0.2"
    );
    assert_eq!(
        said(&issued(&[uri("localhost")]), authority.pem()),
        "its certificate is not for localhost but for the URI localhost"
    );
}
