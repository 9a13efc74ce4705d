//! A dispatch does not build, read or start what it does not need.

use std::fs;

use charm_testing::collector::Collector;
use charm_testing::{Event, Outcome};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::unit::session_charm;

#[test]
fn a_short_dispatch_has_one_thread() {
    let collector = Collector::start();
    let mut juju = session_charm();
    let start = || Event::hook("start").env("TRACE_THREADS", "1");
    let buffered = juju.dispatch(start());
    assert_eq!(
        buffered.stdout, "delivered 0\nwaiting 1\nbuffered true\nlost false\nthreads 1\n",
        "{buffered}"
    );
    let sent = juju.dispatch(start().env("TRACE_ENDPOINT", &collector.endpoint()));
    assert_eq!(sent.stdout, "delivered 2\nwaiting 0\nbuffered false\nlost false\nthreads 1\n", "{sent}");
}

#[test]
fn a_million_spans_fit_into_64_mib_and_those_that_do_not_fit_into_the_trace_are_counted() {
    const CALLS: usize = 1_000_000;
    let collector = Collector::start();
    let mut juju = session_charm();
    let start = || {
        let event = Event::hook("start").env("TRACE_CALLS", &CALLS.to_string());
        event.env("TRACE_BUFFER_MIB", "40").env("TRACE_BYTES", "20000000").env("TRACE_SECONDS", "60")
    };
    let number = |outcome: &Outcome, what: &str| -> usize {
        let line = outcome.stdout.lines().find_map(|line| line.strip_prefix(what));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok())
            .unwrap_or_else(|| panic!("{outcome}"))
    };

    let kept = juju.dispatch(start());
    assert!(kept.stdout.starts_with("delivered 0\nwaiting 1\nbuffered true\nlost false\n"), "{kept}");
    let sent = juju.dispatch(start().env("TRACE_ENDPOINT", &collector.endpoint()));
    assert!(sent.stdout.starts_with("delivered 2\nwaiting 0\nbuffered false\nlost false\n"), "{sent}");
    let requests = collector.requests();
    for (outcome, request) in [(kept, &requests[0]), (sent, &requests[1])] {
        let spans = request.trace.as_ref().unwrap();
        let peak = number(&outcome, "peak memory ");
        assert!(peak <= 64 * 1024, "{peak} KiB");
        // Beside the calls there are the root and the event.
        let dropped = number(&outcome, "dropped spans ");
        assert_eq!(spans.len() + dropped, CALLS + 2);
        assert!(spans.len() > 50_000, "{} spans", spans.len());
        let root = spans.iter().find(|span| span.parent_span_id.is_none()).unwrap();
        assert_eq!(root.attribute("charm_tracing.dropped_spans").unwrap(), i64::try_from(dropped).unwrap());
        let told = outcome.log.last().unwrap();
        assert_eq!(
            (told.level.as_str(), told.message.contains(&dropped.to_string())),
            ("WARNING", true),
            "{outcome}"
        );
    }
}

/// In place of the store there is a pipe that nobody writes to: whoever reads it waits for ever.
#[test]
fn the_systems_store_is_not_read_where_an_authority_is_named() {
    let (http, https) = (Collector::start(), Collector::start_tls());
    let mut juju = session_charm();
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
