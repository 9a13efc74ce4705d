//! Where the backend is said to be.

use std::net::{Ipv6Addr, TcpListener};

use charm_testing::collector::{Collector, port_closed_endpoint};

use crate::document::assert_documented;
use crate::fault::Fault;
use crate::trial::Trial;
use crate::waits::{UP_TO_A_SECOND, UP_TO_SHORT};

#[test]
fn wherever_the_backend_is_said_to_be() {
    let ipv6 =
        TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).map(drop).map_err(|error| format!("no IPv6: {error}"));
    assert_documented(
        "The endpoint",
        &[
            Fault::new("nothing listens at the port, in 5 dispatches", |trial| {
                trial.send_to(&port_closed_endpoint());
                trial.hooks(5);
            })
            .mended(Trial::send_home)
            .peers("all 5 lost", "kept"),
            // With or without a server that could be asked, and whatever it says.
            sent_to("the host's name is unknown", "http://tempo.invalid:4318")
                .waits(&[UP_TO_A_SECOND, UP_TO_SHORT]),
            sent_to("port 0", "http://127.0.0.1:0"),
            sent_to("port 65536", "http://127.0.0.1:65536"),
            sent_to("no host", "http://"),
            sent_to("not a URL", "tempo, port 4318"),
            sent_to("no scheme", "127.0.0.1:4318"),
            sent_to("a scheme that is not HTTP", "ftp://127.0.0.1/v1/traces"),
            sent_to("a file", "file:///etc/passwd"),
            sent_to("a line break and a header in it", "http://127.0.0.1:4318/\r\nx-injected: 1"),
            Fault::new("a path in it that is `/v1/traces` already", |trial| {
                trial.send_to(&format!("{}/v1/traces", trial.backend.endpoint()));
                trial.hooks(2);
            }),
            Fault::new("an address of IPv6", |trial| {
                let backend = Collector::start_ipv6();
                trial.send_to(&backend.endpoint());
                trial.others.push(backend);
                trial.hooks(2);
            })
            .needs(ipv6),
            Fault::new("behind a proxy that is down", |trial| {
                trial.variables.insert("http_proxy", port_closed_endpoint());
                trial.hooks(2);
            })
            .mended(|trial| _ = trial.variables.remove("http_proxy")),
        ],
    );
}

/// Two hooks send there.
fn sent_to(name: &'static str, endpoint: &'static str) -> Fault {
    let strike = move |trial: &mut Trial| {
        trial.send_to(endpoint);
        trial.hooks(2);
    };
    Fault::new(name, strike).mended(Trial::send_home)
}
