//! What a dispatch does not need, it does not build, read or start.

use std::fs;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tests::collector::Collector;
use tests::juju::Event;

use crate::unit::session_charm;

#[test]
fn a_short_dispatch_has_one_thread() {
    let collector = Collector::start();
    let mut juju = session_charm().start();
    let start = || Event::hook("start").env("TRACE_THREADS", "1");
    let buffered = juju.dispatch(start());
    assert_eq!(
        buffered.stdout, "delivered 0\nwaiting 1\nbuffered true\nlost false\nthreads 1\n",
        "{buffered}"
    );
    let sent = juju.dispatch(start().env("TRACE_ENDPOINT", &collector.endpoint()));
    assert_eq!(sent.stdout, "delivered 2\nwaiting 0\nbuffered false\nlost false\nthreads 1\n", "{sent}");
}

/// In place of the store there is a pipe that nobody writes to: whoever reads it waits for ever.
#[test]
fn the_systems_store_is_not_read_where_an_authority_is_named() {
    let (http, https) = (Collector::start(), Collector::start_tls());
    let mut juju = session_charm().start();
    let (store, ca) = (juju.charm_dir().join("store.pem"), juju.charm_dir().join("ca.crt"));
    mknodat(CWD, &store, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    fs::write(&ca, https.ca_pem()).unwrap();
    for endpoint in [http.endpoint(), https.endpoint()] {
        let event = Event::hook("start").env("SSL_CERT_FILE", store.to_str().unwrap());
        let event = event.env("TRACE_ENDPOINT", &endpoint).env("TRACE_CA", ca.to_str().unwrap());
        let outcome = juju.dispatch(event);
        assert_eq!(outcome.stdout, "delivered 1\nwaiting 0\nbuffered false\nlost false\n", "{outcome}");
    }
}
