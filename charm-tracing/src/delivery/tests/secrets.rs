//! Secrets in an endpoint, and texts in the answers of a backend, are in no message.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Mutex;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::super::headers;
use super::raw::RawServer;
use super::*;

#[test]
fn user_and_password_are_sent_and_nothing_else_of_them() {
    let (unit, server) = (Unit::new(), Server::always(Reply::OK));
    for (user, sent) in [("user:secret", "user:secret"), ("user:p%40ss%3Aword", "user:p@ss:word")] {
        let destination = Destination::new(format!("http://{user}@127.0.0.1:{}", server.port()), None);
        assert_eq!(unit.dispatch("a", Some(&destination)).delivered, 1);
        let request = server.requests().pop().unwrap();
        assert_eq!(
            request.header("authorization"),
            Some(&*format!("Basic {}", BASE64_STANDARD.encode(sent)))
        );
        assert_eq!(request.header("host"), Some(&*format!("127.0.0.1:{}", server.port())));
        assert_eq!(request.line, "POST /v1/traces HTTP/1.1");
    }
    assert_eq!(unit.dispatch("b", Some(&server.destination())).delivered, 1);
    assert_eq!(server.requests().pop().unwrap().header("authorization"), None);
}

#[test]
fn headers_of_the_environment_go_with_every_request_and_an_authorization_in_place_of_the_urls() {
    let (unit, server) = (Unit::new(), Server::always(Reply::OK));
    let mut destination = Destination::new(format!("http://user:secret@127.0.0.1:{}", server.port()), None);
    destination.headers =
        headers::parse("x-scope-orgid=a%2Cb,authorization=Bearer%20token,content-type=text/plain");
    unit.store(&["a"]);
    assert_eq!(unit.dispatch("b", Some(&destination)).delivered, 2);
    for request in server.requests() {
        assert_eq!(request.header("x-scope-orgid"), Some("a,b"));
        let of = |name: &str| -> Vec<_> {
            request
                .headers
                .iter()
                .filter(|(other, _)| other == name)
                .map(|(_, value)| value.as_str())
                .collect()
        };
        assert_eq!(of("authorization"), ["Bearer token"]);
        assert_eq!(of("content-type"), ["application/x-protobuf"]);
    }
}

#[test]
fn an_exact_url_is_posted_to_as_it_is() {
    let (unit, server) = (Unit::new(), Server::always(Reply::OK));
    let destination = Destination::exactly(&format!("http://127.0.0.1:{}/otlp/?a=b", server.port()));
    assert_eq!(unit.dispatch("a", Some(&destination)).delivered, 1);
    assert_eq!(server.requests()[0].line, "POST /otlp/?a=b HTTP/1.1");
}

/// Nothing is sent to anybody, and nothing is read, of what is not `http` or would become more than one line of a request.
#[test]
fn endpoint_that_is_more_than_a_url_is_refused() {
    let unit = Unit::new();
    let server = Server::always(Reply::OK);
    for (waiting, endpoint) in (1..).zip([
        format!("http://127.0.0.1:{}/a HTTP/1.1\r\nx-evil: yes\r\n\r\n", server.port()),
        format!("http://127.0.0.1:{}/\r\nx-evil: yes", server.port()),
        format!("http://a\r\nb:c@127.0.0.1:{}/", server.port()),
        format!("http+unix://127.0.0.1:{}/", server.port()),
        "file:///etc/passwd".to_owned(),
        "file://localhost/etc/passwd".to_owned(),
        "unix:///run/otlp.sock".to_owned(),
    ]) {
        let report = unit.dispatch("a", Some(&Destination::new(endpoint.clone(), None)));
        assert!(matches!(report.problem, Some(super::super::DeliveryProblem::Endpoint { .. })), "{report:?}");
        assert_eq!((report.waiting, report.lost), (waiting, false), "{endpoint:?}");
        assert!(!problem(&report).contains("evil"), "{report:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn what_a_backend_says_is_one_short_line() {
    let long = format!("\u{1b}[2Jno\r\n\0{}", "way ".repeat(250_000));
    for reply in
        [Reply::Answer(400, "", long.clone().into_bytes()), Reply::Answer(422, "", vec![0x1b; 1 << 20])]
    {
        let (unit, server) = (Unit::new(), Server::always(reply));
        unit.store(&["a"]);
        let report = unit.dispatch("b", Some(&server.destination()));
        assert_eq!((report.refused, report.waiting), (2, 0), "{report:?}");
        let said = report.last_refusal.unwrap();
        assert!(said.len() < 230 && !said.contains(char::is_control), "{said:?}");
    }
    let (unit, server) = (Unit::new(), Server::always(Reply::Answer(400, "", long.into_bytes())));
    let said = unit.dispatch("a", Some(&server.destination())).last_refusal.unwrap();
    assert!(said.starts_with("the backend answered 400: [2Jno way way "), "{said:?}");
}

/// The log of a process of its own, in which all is heard that anybody says.
#[test]
fn credentials_are_nowhere_but_in_the_request() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "delivery::tests::secrets::listens_to_everything_that_is_said"]);
    for name in ["all_proxy", "https_proxy", "http_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    let output = command.env(LISTENS, "").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}

const LISTENS: &str = "CHARM_TRACING_TEST_LISTENS";

struct Listener(Mutex<String>);

static HEARD: Listener = Listener(Mutex::new(String::new()));

impl log::Log for Listener {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        writeln!(self.0.lock().unwrap(), "{} {}", record.level(), record.args()).unwrap();
    }
    fn flush(&self) {}
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn listens_to_everything_that_is_said() {
    if std::env::var_os(LISTENS).is_none() {
        return;
    }
    log::set_logger(&HEARD).unwrap();
    log::set_max_level(log::LevelFilter::Trace);

    let refuses = Server::always(Reply::Answer(401, "location: http://127.0.0.1:1/\r\n", Vec::new()));
    let redirects = Server::always(Reply::Answer(302, "location: http://127.0.0.1:1/\r\n", Vec::new()));
    let accepts = Server::always(Reply::OK);
    let nonsense = RawServer::new(|connection| {
        connection.request();
        connection.say("HTTP/1.1 nonsense\r\n\r\n");
    });
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ports = [refuses.port(), redirects.port(), nonsense.port(), closed, accepts.port()];
    let ports = ports.map(|port| format!("127.0.0.1:{port}"));
    let hosts: Vec<_> = ["", "[]", ":1", "host:99999", "host/\r\n", "host name"].map(str::to_owned).into();
    let mut told = String::new();
    let mut tried = 0;
    for host in hosts.iter().chain(&ports) {
        for scheme in ["http", "https", "file", "ftp"] {
            let unit = Unit::new();
            let certificate = Some(super::super::Certificate::Pem("no".to_owned()));
            for certificate in [None, certificate] {
                let endpoint = format!("{scheme}://hunter1:hunter2@{host}");
                let mut destination = Destination::new(endpoint, certificate);
                destination.headers = headers::parse("api-key=hunter3,authorization=hunter4%0a,x-hunter");
                let report = unit.dispatch("trace", Some(&destination));
                tried += 1;
                writeln!(told, "{report:?} {} {destination:?}", problem(&report)).unwrap();
            }
        }
    }
    assert_eq!((tried, accepts.requests().len() > 1), ((6 + 5) * 4 * 2, true));
    let heard = HEARD.0.lock().unwrap().clone();
    assert!(heard.contains("refused") && heard.contains("127.0.0.1"), "{heard}");
    for text in [heard, told] {
        for secret in ["hunter", &BASE64_STANDARD.encode("hunter1:hunter2")] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
