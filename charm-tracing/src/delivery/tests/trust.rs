//! Which backends are trusted, and what is said of the others. They get nothing, and nothing is lost.

use std::io::Read as _;

use rcgen::date_time_ymd;
use rustls::version::{TLS12, TLS13};

use super::super::{Certificate, DeliveryProblem};
use super::authority::{Authority, Identity, SecureServer, destination};
use super::raw::RawServer;
use super::*;

fn is_trusted(server: &Server, certificate: Certificate) {
    let report = Unit::new().dispatch("a", Some(&destination(server, certificate)));
    assert_eq!((report.delivered, report.waiting), (1, 0), "{report:?}");
    assert_eq!(server.texts(), ["a"]);
}

/// Says this of the backend, after where it is; the traces wait, and none arrives.
fn is_said(expected: &str, server: &Server, certificate: Certificate) {
    let unit = Unit::new();
    unit.store(&["a"]);
    let report = unit.dispatch("b", Some(&destination(server, certificate)));
    assert_eq!((report.waiting, report.lost), (2, false), "{report:?}");
    assert!(matches!(report.problem, Some(DeliveryProblem::Untrusted { .. })), "{report:?}");
    let place = format!("cannot send traces to https://localhost:{}/v1/traces: ", server.port());
    assert_eq!(problem(&report), place + expected);
    assert!(server.requests().is_empty());
}

#[test]
fn authority_is_an_anchor_whether_root_or_intermediate() {
    let root = Authority::new();
    let intermediate = root.intermediate();
    let alone = intermediate.issue("localhost");
    let mut whole = alone.clone();
    whole.chain.push(intermediate.0.der().clone());

    is_trusted(&SecureServer::new(alone.clone()).start(), intermediate.pem());
    is_trusted(&SecureServer::new(whole.clone()).start(), intermediate.pem());
    is_trusted(&SecureServer::new(whole).start(), root.pem());
    is_said(
        "its certificate is signed by an authority that the charm does not trust",
        &SecureServer::new(alone).start(),
        root.pem(),
    );
}

/// A certificate that signs itself, as OpenSSL makes it.
#[test]
fn certificate_of_an_authority_that_is_the_backends_own_is_trusted_if_it_is_named() {
    for versions in [&[&TLS12][..], &[&TLS13]] {
        let identity = Identity::of_its_own("localhost", |_| {});
        let server = || SecureServer::new(identity.clone()).versions(versions).start();
        is_trusted(&server(), identity.certificate());
        let bundle = format!("{}{}", Authority::new().0.pem(), identity.pem);
        is_trusted(&server(), Certificate::Pem(bundle));
        is_said(
            "its certificate is that of an authority, and not one that the charm trusts",
            &server(),
            Identity::of_its_own("localhost", |_| {}).certificate(),
        );
    }
    let other = Identity::of_its_own("elsewhere", |_| {});
    is_said(
        "its certificate is not for localhost but for elsewhere",
        &SecureServer::new(other.clone()).start(),
        other.certificate(),
    );
    let old = Identity::of_its_own("localhost", |params| params.not_after = date_time_ymd(2020, 2, 29));
    is_said(
        "its certificate has expired on Sat, 29 Feb 2020 00:00:00 GMT",
        &SecureServer::new(old.clone()).start(),
        old.certificate(),
    );
    let plain = Identity::of_its_own("localhost", |params| params.is_ca = rcgen::IsCa::NoCa);
    is_trusted(&SecureServer::new(plain.clone()).start(), plain.certificate());
}

/// Whoever has the certificate has not its key.
#[test]
fn certificate_alone_proves_nothing() {
    let named = Identity::of_its_own("localhost", |_| {});
    let authority = Authority::new();
    let thief = authority.issue("localhost");
    let mut chain = thief.clone();
    chain.chain.push(named.chain[0].clone());
    is_said(
        "its certificate is signed by an authority that the charm does not trust",
        &SecureServer::new(chain).start(),
        named.certificate(),
    );
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_in_words() {
    let authority = Authority::new();
    let issued = |change: fn(&mut rcgen::CertificateParams)| {
        SecureServer::new(authority.issue_with("localhost", change)).start()
    };
    is_said(
        "its certificate is signed by an authority that the charm does not trust",
        &issued(|_| {}),
        Authority::named("another").pem(),
    );
    is_said(
        "its certificate is not signed by the authority that the charm trusts, but by one of the same name",
        &issued(|_| {}),
        Authority::new().pem(),
    );
    is_said(
        "its certificate has expired on Sat, 29 Feb 2020 00:00:00 GMT",
        &issued(|params| params.not_after = date_time_ymd(2020, 2, 29)),
        authority.pem(),
    );
    is_said(
        "its certificate is not valid before Wed, 01 Jan 3000 00:00:00 GMT; the clock here may be wrong",
        &issued(|params| {
            (params.not_before, params.not_after) = (date_time_ymd(3000, 1, 1), date_time_ymd(3001, 1, 1));
        }),
        authority.pem(),
    );
    is_said(
        "its certificate is not for localhost but for elsewhere",
        &authority.server("elsewhere", rustls::ALL_VERSIONS),
        authority.pem(),
    );
    is_said(
        "its certificate is not for localhost but for no name",
        &issued(|params| params.subject_alt_names.clear()),
        authority.pem(),
    );
}

#[test]
fn backend_that_speaks_something_else_is_said_to() {
    let unit = Unit::new();
    let plain = RawServer::new(|connection| {
        let _ = connection.stream.read(&mut [0; 512]);
        connection.say("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n400 Bad Request");
    });
    let endpoint = format!("https://localhost:{}", plain.port());
    let report = unit.dispatch("a", Some(&Destination::new(endpoint, Some(Authority::new().pem()))));
    let expected = "what answers there does not speak TLS; if it speaks HTTP, its URL is to begin with http";
    assert!(problem(&report).ends_with(expected), "{report:?}");

    let secure = Authority::new().server("localhost", rustls::ALL_VERSIONS);
    let report =
        unit.dispatch("b", Some(&Destination::new(format!("http://localhost:{}", secure.port()), None)));
    let expected = "what answers there does not speak HTTP; if it speaks TLS, its URL is to begin with https";
    assert!(problem(&report).ends_with(expected), "{report:?}");

    let go = RawServer::new(|connection| {
        connection.request();
        connection.say("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
    });
    let report = unit.dispatch("c", Some(&go.destination()));
    assert!(
        problem(&report).ends_with("the backend answered 400 (it expects https: check the endpoint)"),
        "{report:?}"
    );
    assert_eq!((report.refused, report.waiting), (0, 3), "{report:?}");
}

#[test]
fn address_may_stand_for_the_name() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1", rustls::ALL_VERSIONS);
    let endpoint = format!("https://127.0.0.1:{}", server.port());
    let report = Unit::new().dispatch("a", Some(&Destination::new(endpoint, Some(authority.pem()))));
    assert_eq!(report.delivered, 1, "{report:?}");
    is_said(
        "its certificate is not for localhost but for 127.0.0.1",
        &authority.server("127.0.0.1", &[&TLS13]),
        authority.pem(),
    );
}
