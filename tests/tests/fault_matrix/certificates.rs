//! A backend with TLS, and what the charm is told to trust.

use tests::collector::{Answer, Collector};

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

fn right(trial: &Trial, backend: &Collector) -> Option<String> {
    Some(trial.file("right.crt", backend.ca_pem()).to_str()?.to_owned())
}

fn mute() -> Collector {
    let backend = Collector::start_tls();
    backend.answer(Answer::HangOnAccept);
    backend
}
