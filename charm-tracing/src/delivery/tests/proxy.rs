//! Proxies between the charm and its backend. Which one is taken is decided in `delivery::proxy`; here the requests meet some.

use std::net::TcpListener;
use std::process::Command;

use super::raw::{Connection, RawServer};
use super::*;

const ENDPOINT: &str = "CHARM_TRACING_TEST_PROXIED_ENDPOINT";
const AUTHORITY: &str = "CHARM_TRACING_TEST_AUTHORITY";
const HURRY: &str = "CHARM_TRACING_TEST_HURRY";

/// Not a test of its own: sends two traces in a process whose environment another test has made, and says how that went.
#[test]
#[ignore = "run by the tests below, with an environment"]
fn sends_two_traces() {
    let Ok(endpoint) = std::env::var(ENDPOINT) else { return };
    let mut unit = Unit::new();
    if std::env::var_os(HURRY).is_some() {
        let time = Duration::from_millis(300);
        unit.budget = TimeBudget { per_request: time, total: time };
    }
    let certificate =
        std::env::var(AUTHORITY).ok().map(|path| super::super::Certificate::File(PathBuf::from(path)));
    unit.store(&["a"]);
    let report = unit.dispatch(&"b".repeat(20_000), Some(&Destination::new(endpoint, certificate)));
    println!("delivered {} waiting {} {}", report.delivered, report.waiting, problem(&report));
    assert!(!format!("{report:?}").contains("secret"), "{report:?}");
}

/// Returns the words of the process.
fn send_with(endpoint: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--nocapture", "--exact", "delivery::tests::proxy::sends_two_traces"]);
    for name in ["all_proxy", "https_proxy", "http_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    let output = command.env(ENDPOINT, endpoint).envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("secret"), "{text}");
    text.lines().find_map(|line| Some(format!("delivered{}", line.split_once("delivered")?.1))).unwrap()
}

const BOTH: &str = "delivered 2 waiting 0 ";

#[test]
fn a_request_for_http_goes_to_the_proxy_with_the_whole_url() {
    for variable in ["http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        let proxy = Server::always(Reply::OK);
        let url = format!("http://us%40er:secret@127.0.0.1:{}/", proxy.port());
        let endpoint = "http://name:secret@backend.invalid:4318/tenant?a=b";
        assert_eq!(send_with(endpoint, &[(variable, &url), ("https_proxy", "http://127.0.0.1:1")]), BOTH);
        let requests = proxy.requests();
        assert_eq!((requests.len(), proxy.connections()), (2, 1));
        for request in &requests {
            assert_eq!(request.line, "POST http://backend.invalid:4318/tenant/v1/traces?a=b HTTP/1.1");
            assert_eq!(request.header("host"), Some("backend.invalid:4318"));
            assert_eq!(request.header("proxy-authorization"), Some("Basic dXNAZXI6c2VjcmV0"));
            assert_eq!(request.header("authorization"), Some("Basic bmFtZTpzZWNyZXQ="));
        }
        assert_eq!((requests[0].text(), requests[1].payload()), ("a".to_owned(), vec![b'b'; 20_000]));
    }
}

#[test]
fn a_refusal_in_the_backends_own_words_is_the_backends() {
    let url = |proxy: &Server| format!("http://127.0.0.1:{}", proxy.port());
    let refuses = Server::always(Reply::Answer(400, "", b"\x12\x07bad ids".to_vec()));
    assert_eq!(
        send_with("http://backend.invalid", &[("http_proxy", &url(&refuses))]),
        "delivered 0 waiting 0 "
    );
    let page = Server::always(Reply::Answer(400, "", b"\n<!DOCTYPE html><h1>400".to_vec()));
    let said = send_with("http://backend.invalid", &[("http_proxy", &url(&page))]);
    assert!(said.starts_with("delivered 0 waiting 2 cannot send traces to http://backend.invalid"), "{said}");
}

#[test]
fn a_connection_that_the_proxy_closes_is_opened_again() {
    let closing = Reply::Answer(200, "connection: close\r\n", Vec::new());
    let proxy = Server::always(closing);
    let url = format!("127.0.0.1:{}", proxy.port());
    assert_eq!(send_with("http://backend.invalid", &[("http_proxy", &url)]), BOTH);
    let lines: Vec<_> = proxy.requests().into_iter().map(|request| request.line).collect();
    assert_eq!(lines, ["POST http://backend.invalid/v1/traces HTTP/1.1"; 2]);
    assert_eq!(proxy.connections(), 2);
}

#[test]
fn a_backend_that_no_proxy_names_is_reached_directly() {
    let (proxy, server) = (Server::always(Reply::status(502)), Server::always(Reply::OK));
    let url = format!("http://127.0.0.1:{}", proxy.port());
    let endpoint = format!("http://127.0.0.1:{}", server.port());
    for variables in [
        [("no_proxy", "example.com,127.0.0.1"), ("http_proxy", &*url)],
        [("NO_PROXY", "example.com, 127.0.0.0/8"), ("http_proxy", &url)],
        [("NO_PROXY", ""), ("https_proxy", &url)],
    ] {
        assert_eq!(send_with(&endpoint, &variables), BOTH, "{variables:?}");
    }
    assert_eq!((server.texts().len(), proxy.connections()), (6, 0));
}

/// Serves a proxy that does not do what it is for, and returns what is said of it.
fn said_of(endpoint: &str, serve: impl Fn(&mut Connection<'_>) + Send + Sync + 'static) -> String {
    let proxy = RawServer::new(serve);
    let url = format!("http://user:secret@127.0.0.1:{}", proxy.port());
    let variable = if endpoint.starts_with("https") { "HTTPS_PROXY" } else { "http_proxy" };
    let authority = certificate_file();
    let path = authority.path().to_str().unwrap();
    let said = send_with(endpoint, &[(variable, &url), (HURRY, ""), (AUTHORITY, path)]);
    let place = format!(
        "delivered 0 waiting 2 cannot send traces to {endpoint}/v1/traces through the proxy http://127.0.0.1:{} of {variable}: ",
        proxy.port()
    );
    said.strip_prefix(&place).unwrap_or_else(|| panic!("{said}, not {place}")).to_owned()
}

fn certificate_file() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    std::fs::write(file.path(), certificate.pem()).unwrap();
    file
}

fn answers(head: &'static str) -> impl Fn(&mut Connection<'_>) {
    move |connection| {
        connection.request();
        connection.say(format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n"));
    }
}

#[test]
fn a_proxy_that_does_not_serve_http_is_named() {
    const BACKEND: &str = "http://backend.invalid:4318";
    assert_eq!(said_of(BACKEND, |connection| connection.stay()), "there is no answer in time");
    assert_eq!(
        said_of(BACKEND, answers("403 Forbidden")),
        "it, or the backend, answered 403 (not authorised: check the endpoint)"
    );
    assert_eq!(
        said_of(BACKEND, answers("407 Proxy Authentication Required")),
        "it, or the backend, answered 407"
    );
    assert_eq!(said_of(BACKEND, answers("503 Service Unavailable")), "it, or the backend, answered 503");
    assert_eq!(said_of(BACKEND, answers("400 Bad Request")), "it, or the backend, answered 400");
    assert_eq!(
        said_of(BACKEND, |connection| _ = connection.request()),
        "it has closed the connection instead of answering"
    );
}

#[test]
fn a_proxy_that_is_not_there_or_cannot_be_used_is_named() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://user:secret@127.0.0.1:{closed}");
    assert_eq!(
        send_with("http://backend.invalid:4318", &[("http_proxy", &url)]),
        format!(
            "delivered 0 waiting 2 cannot send traces to http://backend.invalid:4318/v1/traces through the proxy \
             http://127.0.0.1:{closed} of http_proxy: Connection refused (os error 111)"
        )
    );
    assert_eq!(
        send_with("http://backend.invalid:4318", &[("ALL_PROXY", "socks5h://user:secret@127.0.0.1:1080")]),
        "delivered 0 waiting 2 cannot send traces to http://backend.invalid:4318/v1/traces through the proxy that \
         ALL_PROXY names: its scheme is socks5h, not http or https"
    );
}

#[cfg(feature = "tls")]
mod over_tls {
    use std::io::Write as _;
    use std::net::{Shutdown, TcpStream};

    use super::super::authority::{Authority, SecureServer};
    use super::*;

    const BACKEND: &str = "https://backend.invalid:4318";

    fn file(authority: &Authority) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), authority.0.pem()).unwrap();
        file
    }

    /// A proxy that connects everybody to this port, after a pause.
    fn tunnel_to(port: u16, pause: Duration) -> RawServer {
        RawServer::new(move |connection| {
            let request = connection.request().unwrap();
            assert!(request.line.starts_with("CONNECT "), "{}", request.line);
            connection.say("HTTP/1.1 200 Connection established\r\n\r\n");
            std::thread::sleep(pause);
            let backend = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let charm = connection.stream.get_ref();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let _ = std::io::copy(&mut &*charm, &mut &backend);
                    let _ = backend.shutdown(Shutdown::Both);
                });
                let _ = std::io::copy(&mut &backend, &mut &*charm);
                let _ = charm.shutdown(Shutdown::Both);
            });
        })
    }

    #[test]
    fn a_backend_that_speaks_tls_is_reached_through_a_tunnel() {
        let authority = Authority::new();
        let server = SecureServer::new(authority.issue("localhost")).start();
        let proxy = tunnel_to(server.port(), Duration::from_millis(150));
        let (url, file) = (format!("http://127.0.0.1:{}", proxy.port()), file(&authority));
        let path = file.path().to_str().unwrap();
        let variables = [("https_proxy", &*url), ("http_proxy", "http://127.0.0.1:1"), (AUTHORITY, path)];
        assert_eq!(send_with("https://localhost:4318", &variables), BOTH);
        assert_eq!((server.texts().len(), proxy.connections()), (2, 1));
    }

    /// The proxy has answered 200 by then.
    #[test]
    fn a_backend_beyond_a_tunnel_that_is_not_trusted_takes_nothing() {
        let server = SecureServer::new(Authority::new().issue("localhost")).start();
        let proxy = tunnel_to(server.port(), Duration::ZERO);
        let (url, file) = (format!("http://127.0.0.1:{}", proxy.port()), file(&Authority::named("another")));
        let path = file.path().to_str().unwrap();
        let said = send_with("https://localhost:4318", &[("https_proxy", &url), (AUTHORITY, path)]);
        assert_eq!(
            said,
            "delivered 0 waiting 2 cannot send traces to https://localhost:4318/v1/traces: its certificate is signed by \
             an authority that the charm does not trust"
        );
        assert!(server.requests().is_empty());
    }

    /// It is not the proxy that is to blame.
    #[test]
    fn a_backend_beyond_a_tunnel_that_is_silent_takes_nothing() {
        let server = RawServer::new(|connection| connection.stay());
        let proxy = tunnel_to(server.port(), Duration::ZERO);
        let (url, file) = (format!("http://127.0.0.1:{}", proxy.port()), certificate_file());
        let path = file.path().to_str().unwrap();
        let said =
            send_with("https://localhost:4318", &[("https_proxy", &url), (AUTHORITY, path), (HURRY, "")]);
        assert_eq!(
            said,
            "delivered 0 waiting 2 cannot reach the tracing backend at https://localhost:4318/v1/traces: there is no \
             answer in time"
        );
    }

    #[test]
    fn a_proxy_that_opens_no_tunnel_is_named() {
        assert_eq!(said_of(BACKEND, |connection| connection.stay()), "there is no answer in time");
        assert_eq!(
            said_of(BACKEND, answers("403 Forbidden")),
            "it refuses to connect to the backend (it answered 403)"
        );
        assert_eq!(
            said_of(BACKEND, answers("407 Proxy Authentication Required")),
            "it refuses to connect to the backend (it answered 407)"
        );
        assert_eq!(
            said_of(BACKEND, |connection| _ = connection.request()),
            "it has closed the connection instead of answering"
        );
    }

    #[test]
    fn a_proxy_that_answers_piece_by_piece_costs_no_more_than_the_time_of_a_request() {
        let said = said_of(BACKEND, |connection| {
            connection.request();
            connection.say("HTTP/1.1 200 ");
            for _ in 0..60 {
                if connection.stream.get_mut().write_all(b"O").is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            connection.say("\r\n\r\n");
        });
        assert_eq!(said, "there is no answer in time");
    }

    /// The connection to the proxy is TLS; that to the backend, inside of it, must be, too.
    #[test]
    fn a_backend_behind_a_proxy_that_speaks_tls_is_not_spoken_to_in_the_clear() {
        let (authority, backend) = (Authority::new(), "https://user:secret@backend.invalid:4318");
        let file = file(&authority);
        let proxy = SecureServer::new(authority.issue("localhost")).start();
        let url = format!("https://localhost:{}", proxy.port());
        send_with(backend, &[("HTTPS_PROXY", &url), (AUTHORITY, file.path().to_str().unwrap())]);
        let requests = proxy.requests();
        assert!(!requests.is_empty());
        for request in requests {
            assert_eq!(request.line, "CONNECT backend.invalid:4318 HTTP/1.1");
            assert_eq!(request.header("authorization"), None);
        }
    }

    #[test]
    fn a_proxy_that_speaks_tls_takes_requests_for_http() {
        let authority = Authority::new();
        let file = file(&authority);
        let proxy = SecureServer::new(authority.issue("localhost")).start();
        let url = format!("https://localhost:{}", proxy.port());
        let variables = [("http_proxy", &*url), (AUTHORITY, file.path().to_str().unwrap())];
        assert_eq!(send_with("http://backend.invalid", &variables), BOTH);
        let lines: Vec<_> = proxy.requests().into_iter().map(|request| request.line).collect();
        assert_eq!(lines, ["POST http://backend.invalid/v1/traces HTTP/1.1"; 2]);
    }
}
