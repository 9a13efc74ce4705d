use std::fs;
use std::path::Path;

use charm_testing::collector::{Answer, Collector};
use rustix::fs::{FlockOperation, fcntl_lock};

use crate::fixture::{CharmDir, Ran, config_changed, request, run, start};

fn send(path: &Path, endpoint: &str, arguments: &[&str]) -> Ran {
    run([&["send", path.to_str().expect("a text"), "--endpoint", endpoint][..], arguments].concat())
}

#[test]
fn a_taken_trace_stays_unless_it_shall_be_removed() {
    let (collector, charm) = (Collector::start(), CharmDir::with_two_traces());
    let sent = send(charm.path(), &collector.endpoint(), &[]);
    assert_eq!((sent.code, sent.err.as_str()), (Some(0), ""));
    assert_eq!(
        sent.out,
        "\
11111111111111111111111111111111  taken
22222222222222222222222222222222  taken
2 of 2 traces taken, 0 refused, 0 left
"
    );
    assert_eq!((collector.requests().len(), charm.waiting().len()), (2, 2));
    send(charm.path(), &collector.endpoint(), &["--remove", "--trace", "1111"]);
    assert_eq!(charm.waiting().len(), 1);
    send(charm.path(), &collector.endpoint(), &["--remove"]);
    assert_eq!(charm.waiting(), [""; 0]);
}

#[test]
fn what_is_not_taken_stays_with_the_reason() {
    let charm = CharmDir::with_two_traces();
    for (answer, word, requests) in
        [(Answer::Status(503), "kept: cannot send traces to", 2), (Answer::Status(400), "refused: ", 2)]
    {
        let collector = Collector::start();
        collector.answer(answer);
        let sent = send(charm.path(), &collector.endpoint(), &["--remove"]);
        assert_eq!((sent.code, sent.err.as_str()), (Some(1), ""));
        assert!(sent.out.starts_with(&format!("{}  {word}", "1".repeat(32))), "{}", sent.out);
        assert_eq!((charm.waiting().len(), collector.requests().len()), (2, requests));
    }
}

#[test]
fn over_https_the_given_authority_is_trusted_and_no_other() {
    let (collector, charm) = (Collector::start_tls(), CharmDir::with_two_traces());
    let ca = charm.write("ca.crt", collector.ca_pem());
    let sent = send(charm.path(), &collector.endpoint(), &["--ca", ca.to_str().expect("a text")]);
    assert_eq!((sent.code, collector.requests().len()), (Some(0), 2), "{}{}", sent.out, sent.err);
    let other = charm.write("other.crt", Collector::start_tls().ca_pem());
    let sent = send(charm.path(), &collector.endpoint(), &["--ca", other.to_str().expect("a text")]);
    assert_eq!((sent.code, collector.requests().len()), (Some(1), 2));
    assert!(sent.out.contains("not signed by the authority"), "{}", sent.out);
}

#[test]
fn a_buffer_of_python_is_removed_when_all_of_it_was_taken() {
    let (collector, charm) = (Collector::start(), CharmDir::new());
    let requests = [request(&config_changed()), request(&start())];
    let buffer =
        charm.write(".charm_tracing_buffer.raw", requests.join(&b"__CHARM_TRACING_BUFFER_SPAN_SEP__"[..]));
    send(charm.path(), &collector.endpoint(), &["--remove", "--failed"]);
    assert!(buffer.exists(), "one of two was sent");
    let sent = send(charm.path(), &collector.endpoint(), &["--remove"]);
    assert_eq!((sent.code, buffer.exists()), (Some(0), false), "{}{}", sent.out, sent.err);
    assert_eq!(collector.requests().len(), 3);
}

#[test]
fn rows_of_ops_tracing_are_sent_and_removed() {
    let (collector, charm) = (Collector::start(), CharmDir::new());
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/fixtures/ops-tracing.db");
    fs::copy(fixture, charm.path().join(".tracing-data.db")).expect("a copy");
    let sent = send(charm.path(), &collector.endpoint(), &["--remove"]);
    assert_eq!((sent.code, collector.requests().len()), (Some(0), 1), "{}{}", sent.out, sent.err);
    assert_eq!(run(["show".as_ref(), charm.path()]).out, "");
}

#[test]
fn while_the_charm_sends_nothing_is_removed_beside_it() {
    let (collector, charm) = (Collector::start(), CharmDir::with_two_traces());
    let sending = charm.write(".charm_tracing_buffer/sending", b"");
    let lock = fs::File::options().write(true).open(sending).expect("a file");
    // As a charm does.
    fcntl_lock(&lock, FlockOperation::NonBlockingLockExclusive).expect("a lock");
    let sent = send(charm.path(), &collector.endpoint(), &["--remove"]);
    assert_eq!((sent.code, collector.requests().len()), (Some(1), 0));
    assert!(sent.err.contains("the charm sends its traces right now"), "{}", sent.err);
}
