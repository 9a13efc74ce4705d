//! A backend with TLS, and what the charm is told to trust.

use std::path::{Path, PathBuf};

use charm_testing::collector::{Answer, Client, Collector};

use crate::document::assert_documented;
use crate::fault::Fault;
use crate::trial::Trial;
use crate::waits::{SECOND, SHORT};

/// Which file is named as the certificate to trust.
type Named = fn(&Trial, &Collector) -> Option<String>;

#[test]
fn whatever_the_certificate_is() {
    assert_documented(
        "TLS",
        &[
            secure("none: the authority is named", Collector::start_tls, right),
            secure("no certificate is named", Collector::start_tls, |_, _| None),
            secure("the certificate's file is missing", Collector::start_tls, |trial, _| {
                Some(trial.path("missing.crt").to_str()?.to_owned())
            }),
            secure("the certificate's file is garbage", Collector::start_tls, |trial, _| {
                Some(trial.file("garbage.crt", "not a certificate").to_str()?.to_owned())
            }),
            secure("the certificate's file is a directory", Collector::start_tls, |trial, _| {
                Some(trial.juju.charm_dir().to_str()?.to_owned())
            }),
            secure("the certificate's path is relative", Collector::start_tls, |_, _| {
                Some("ca.crt".to_owned())
            }),
            secure("another authority is named", Collector::start_tls, |trial, _| {
                Some(trial.file("wrong.crt", Collector::start_tls().ca_pem()).to_str()?.to_owned())
            })
            .peers("lost", "kept"),
            secure(
                "the backend's certificate is for another host",
                || Collector::start_tls_for("tempo.example"),
                right,
            )
            .mended(Trial::send_home),
            secure("the backend's certificate has expired", Collector::start_tls_expired, right)
                .mended(Trial::send_home),
            secure("the backend never shakes hands", mute, right)
                .waits(&[SECOND, SHORT])
                .mended(Trial::send_home),
            mutual("the backend wants a client certificate, and one is named", |trial, client| {
                (trial.file("client.crt", &client.certificate), trial.file("client.key", &client.key))
            }),
            secure(
                "the backend wants a client certificate, and none is named",
                Collector::start_mutual_tls,
                right,
            )
            .mended(named_client),
            mutual("the client certificate's file is missing", |trial, client| {
                (trial.path("missing.crt"), trial.file("client.key", &client.key))
            }),
            mutual("the private key's file is garbage", |trial, client| {
                (trial.file("client.crt", &client.certificate), trial.file("client.key", "not a key"))
            }),
            mutual("the private key is another certificate's", |trial, client| {
                let other = Collector::start_mutual_tls();
                (trial.file("client.crt", &client.certificate), trial.file("client.key", &other.client().key))
            }),
            mutual("the client certificate is another authority's", |trial, _| {
                let other = Collector::start_mutual_tls();
                let other = other.client();
                (trial.file("client.crt", &other.certificate), trial.file("client.key", &other.key))
            }),
            Fault::new("the backend does not speak TLS", |trial| {
                let other = Collector::start_tls();
                trial.variables.extend(right(trial, &other).map(|path| ("TRACE_CA", path)));
                trial.send_to(&trial.backend.endpoint().replace("http:", "https:"));
                trial.hooks(2);
            })
            .mended(Trial::send_home),
            Fault::new("the backend speaks TLS, and the endpoint says `http`", |trial| {
                let backend = Collector::start_tls();
                trial.send_to(&backend.endpoint().replace("https:", "http:"));
                trial.others.push(backend);
                trial.hooks(2);
            })
            .mended(Trial::send_home),
        ],
    );
}

/// Two hooks send to this backend with this certificate; then the right one is named.
fn secure(name: &'static str, backend: fn() -> Collector, named: Named) -> Fault {
    Fault::new(name, move |trial| {
        let backend = backend();
        trial.send_to(&backend.endpoint());
        trial.variables.extend(named(trial, &backend).map(|path| ("TRACE_CA", path)));
        trial.others.push(backend);
        trial.hooks(2);
    })
    .mended(|trial| {
        let path = right(trial, &trial.others[0]).unwrap();
        trial.variables.insert("TRACE_CA", path);
    })
}

/// Two hooks send to a backend that wants a client certificate, and show these; then the right one is named.
fn mutual(name: &'static str, shown: fn(&Trial, &Client) -> (PathBuf, PathBuf)) -> Fault {
    Fault::new(name, move |trial| {
        let backend = Collector::start_mutual_tls();
        trial.send_to(&backend.endpoint());
        trial.variables.extend(right(trial, &backend).map(|path| ("TRACE_CA", path)));
        let (certificate, key) = shown(trial, backend.client());
        show(trial, &certificate, &key);
        trial.others.push(backend);
        trial.hooks(2);
    })
    .mended(named_client)
}

/// Names the client certificate that the other backend wants to see.
fn named_client(trial: &mut Trial) {
    let client = trial.others[0].client();
    let certificate = trial.file("right-client.crt", &client.certificate);
    let key = trial.file("right-client.key", &client.key);
    show(trial, &certificate, &key);
}

fn show(trial: &mut Trial, certificate: &Path, key: &Path) {
    trial.variables.insert("TRACE_CLIENT_CERTIFICATE", certificate.to_str().unwrap().to_owned());
    trial.variables.insert("TRACE_CLIENT_KEY", key.to_str().unwrap().to_owned());
}

fn right(trial: &Trial, backend: &Collector) -> Option<String> {
    Some(trial.file("right.crt", backend.ca_pem()).to_str()?.to_owned())
}

fn mute() -> Collector {
    let backend = Collector::start_tls();
    backend.answer(Answer::HangOnAccept);
    backend
}
