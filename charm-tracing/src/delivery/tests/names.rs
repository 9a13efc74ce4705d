//! Names that are looked up as in production, by the C library, in a network of the test's own.

use std::net::{Ipv4Addr, Ipv6Addr, ToSocketAddrs as _, UdpSocket};
use std::process::Command;
use std::thread;

use super::raw::RawServer;
use super::*;

/// The C library's settings, with which it asks a name server on the loopback interface, and an IPv6 network in which
/// nobody answers. `$0`: a directory. `$@`: what is run then.
const SET_UP: &str = r#"
    ip link set lo up
    ip -6 addr add fd00::9/64 dev lo nodad
    echo "hosts: dns" > "$0/nsswitch.conf"
    echo "nameserver 127.0.0.1" > "$0/resolv.conf"
    for name in nsswitch.conf resolv.conf; do mount --bind "$0/$name" "/etc/$name"; done
    exec "$@"
"#;

/// Set for the ignored tests below when another test runs them.
const ALONE: &str = "CHARM_TRACING_TEST_ALONE";

/// Runs one of the ignored tests below as root of a user, mount and network namespace, where that is allowed.
fn run_alone(test: &str) {
    let directory = tempfile::tempdir().unwrap();
    let alone = |program: &std::ffi::OsStr| {
        let mut command = Command::new("unshare");
        command.env(ALONE, "").args(["-rmn", "sh", "-e", "-c", SET_UP]).arg(directory.path()).arg(program);
        command
    };
    match alone("true".as_ref()).output() {
        Ok(output) if output.status.success() => {}
        impossible => return eprintln!("not run: there is no network of its own for {test}: {impossible:?}"),
    }
    let itself = std::env::current_exe().unwrap();
    let name = format!("delivery::tests::names::{test}");
    let output = alone(itself.as_os_str()).args(["--ignored", "--exact", &name]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{output:?}");
}

#[test]
fn name_server_that_never_answers_costs_at_most_the_time_of_a_request() {
    run_alone("asks_a_name_server_that_never_answers");
}

#[test]
#[ignore = "run by the test above"]
fn asks_a_name_server_that_never_answers() {
    if std::env::var_os(ALONE).is_none() {
        return;
    }
    let silent = UdpSocket::bind("127.0.0.1:53").unwrap();
    let mut unit = Unit::new();
    unit.budget = TimeBudget { per_request: Duration::from_millis(500), total: Duration::from_millis(1500) };
    unit.store(&["a"]);
    let started = Instant::now();
    let report = unit.dispatch("b", Some(&Destination::new("http://tempo.test:4318", None)));
    let spent = started.elapsed();
    assert!(spent >= Duration::from_millis(480) && spent < Duration::from_secs(4), "{spent:?}");
    assert_eq!((report.waiting, report.lost), (2, false), "{report:?}");
    assert!(problem(&report).ends_with(": there is no answer in time"), "{report:?}");
    silent.set_nonblocking(true).unwrap();
    silent.recv(&mut [0; 512]).expect("it was asked");
}

#[test]
fn address_that_cannot_be_reached_does_not_hide_the_next_one() {
    run_alone("meets_an_address_that_cannot_be_reached");
}

#[test]
#[ignore = "run by the test above"]
fn meets_an_address_that_cannot_be_reached() {
    if std::env::var_os(ALONE).is_none() {
        return;
    }
    let names = UdpSocket::bind("127.0.0.1:53").unwrap();
    thread::spawn(move || serve_names(&names));
    let server = RawServer::new(|connection| {
        while connection.request().is_some() {
            connection.say("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let found: Vec<_> = ("tempo.test", server.port()).to_socket_addrs().unwrap().collect();
    assert!(found.len() == 2 && found[0].is_ipv6(), "the silent one is the first: {found:?}");

    let mut unit = Unit::new();
    // Two thirds of it for the first address.
    unit.budget.per_request = Duration::from_millis(1500);
    unit.store(&["a"]);
    let destination = Destination::new(format!("http://tempo.test:{}", server.port()), None);
    let report = unit.dispatch("b", Some(&destination));
    assert_eq!((report.delivered, report.waiting), (2, 0), "{report:?}");
    assert_eq!((server.texts(), server.connections()), (vec!["a".to_owned(), "b".to_owned()], 1));
}

/// Every name has an IPv6 address where nobody answers, and the IPv4 address of this machine.
fn serve_names(socket: &UdpSocket) {
    const A: u8 = 1;
    const AAAA: u8 = 28;

    let mut buffer = [0; 512];
    while let Ok((length, asker)) = socket.recv_from(&mut buffer) {
        // The header, then one question: labels to an empty one, type, class.
        let labels = buffer[12..length].iter().position(|byte| *byte == 0).unwrap();
        let question = &buffer[12..12 + labels + 5];
        let kind = question[labels + 2];
        let address = match kind {
            A => Ipv4Addr::LOCALHOST.octets().to_vec(),
            AAAA => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).octets().to_vec(),
            _ => continue,
        };
        let head = [buffer[0], buffer[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
        let length = u8::try_from(address.len()).unwrap();
        let record = [0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, length];
        socket.send_to(&[&head[..], question, &record, &address].concat(), asker).unwrap();
    }
}
