use std::process::Command;

use super::*;

const ENDPOINT: &str = "CHARM_TRACING_TEST_PROXIED_ENDPOINT";

/// Not a test of its own: sends one trace in a process whose environment another test has made.
#[test]
#[ignore = "run by the tests below, with an environment"]
fn sends_one_trace() {
    if let Ok(endpoint) = std::env::var(ENDPOINT) {
        Unit::new().dispatch("a", Some(&Destination::new(endpoint, None)));
    }
}

fn send_with(endpoint: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "delivery::tests::proxy::sends_one_trace"]);
    for name in ["all_proxy", "https_proxy", "http_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    let output = command.env(ENDPOINT, endpoint).envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn proxy_of_the_environment_is_used() {
    let proxy = Server::always(Reply::status(502));
    let url = format!("http://127.0.0.1:{}", proxy.port());
    for variable in ["http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        send_with("http://backend.invalid:4318", &[(variable, &url)]);
    }
    let lines: Vec<_> = proxy.requests().iter().map(|request| request.line.clone()).collect();
    assert_eq!(lines, ["CONNECT backend.invalid:4318 HTTP/1.1"; 3]);
}

#[test]
fn no_proxy_is_honoured() {
    let (proxy, server) = (Server::always(Reply::status(502)), Server::always(Reply::OK));
    let url = format!("http://127.0.0.1:{}", proxy.port());
    let endpoint = format!("http://127.0.0.1:{}", server.port());
    for variable in ["no_proxy", "NO_PROXY"] {
        send_with(&endpoint, &[("http_proxy", &url), (variable, "example.com,127.0.0.1")]);
    }
    assert_eq!((server.texts().len(), proxy.requests().len()), (2, 0));
}

#[cfg(feature = "tls")]
mod over_tls {
    use std::path::PathBuf;

    use super::super::super::Certificate;
    use super::super::authority::{Authority, SecureServer};
    use super::*;

    const AUTHORITY: &str = "CHARM_TRACING_TEST_AUTHORITY";

    #[test]
    #[ignore = "run by the test below, with an environment"]
    fn sends_one_trace_securely() {
        if let (Ok(endpoint), Ok(authority)) = (std::env::var(ENDPOINT), std::env::var(AUTHORITY)) {
            let certificate = Certificate::File(PathBuf::from(authority));
            Unit::new().dispatch("a", Some(&Destination::new(endpoint, Some(certificate))));
        }
    }

    /// The connection to the proxy is TLS; that to the backend, inside of it, must be, too.
    #[test]
    fn backend_behind_a_proxy_that_speaks_tls_is_not_spoken_to_in_the_clear() {
        let authority = Authority::new();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), authority.0.pem()).unwrap();
        let proxy = SecureServer::new(authority.issue("localhost")).start();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([
            "--ignored",
            "--nocapture",
            "--exact",
            "delivery::tests::proxy::over_tls::sends_one_trace_securely",
        ]);
        for name in ["all_proxy", "https_proxy", "http_proxy", "no_proxy"] {
            command.env_remove(name).env_remove(name.to_uppercase());
        }
        command.env("HTTPS_PROXY", format!("https://localhost:{}", proxy.port()));
        command.env(ENDPOINT, "https://user:secret@backend.invalid:4318").env(AUTHORITY, file.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let seen: Vec<_> = proxy
            .requests()
            .iter()
            .map(|request| {
                (request.line.clone(), request.header("authorization").map(str::to_owned), request.text())
            })
            .collect();
        assert!(!seen.is_empty(), "{output:?}");
        assert!(seen.iter().all(|(line, ..)| line.starts_with("CONNECT")), "{seen:?}");
    }
}
