use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Child;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::fixture::{CharmDir, config_changed, request, run, spawn, start};

/// A running collector.
struct Collecting {
    process: Child,
    out: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Collecting {
    fn start(arguments: &[&str]) -> Self {
        let own: &[&str] = if arguments.contains(&"--listen") { &[] } else { &["--listen", "127.0.0.1:0"] };
        let arguments = [&["collect"], own, arguments].concat();
        let mut process = spawn(&arguments);
        let mut out = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        let (_, address) = line.split_once("http://").expect("an address");
        let address = address.split_whitespace().next().expect("an address").to_owned();
        Self { process, out, address }
    }

    /// Makes a request. Returns the status and the body of the answer.
    fn ask(&self, head: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        let length = body.len();
        let head = format!("{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n");
        let (line, rest) = head.split_once(" HTTP/1.1\r\n").expect("a line");
        let (line, headers) = line.split_once('|').unwrap_or((line, ""));
        let headers =
            headers.split('|').filter(|header| !header.is_empty()).map(|header| header.to_owned() + "\r\n");
        let head = format!("{line} HTTP/1.1\r\n{}{rest}\r\n", headers.collect::<String>());
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a connection");
        stream.write_all(&[head.as_bytes(), body].concat()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    fn post(&self, content_type: &str, body: &[u8]) -> (u16, String) {
        self.ask(&format!("POST /v1/traces|content-type: {content_type}"), body)
    }

    /// Waits for the end. Returns the exit code and what was printed since the start.
    fn end(mut self) -> (Option<i32>, String) {
        let mut text = String::new();
        self.out.read_to_string(&mut text).expect("a text");
        (self.process.wait().expect("an end").code(), text)
    }

    fn interrupt(self) -> (Option<i32>, String) {
        let id = self.process.id().to_string();
        let kill = std::process::Command::new("kill").args(["-INT", &id]).status();
        assert!(kill.is_ok_and(|status| status.success()));
        self.end()
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).expect("bytes");
    gzip.finish().expect("bytes")
}

#[test]
fn a_request_that_is_huge_when_unpacked_is_refused() {
    let collector = Collecting::start(&["--quiet"]);
    let head = "POST /v1/traces|content-type: application/x-protobuf|content-encoding: gzip";
    assert_eq!(collector.ask(head, &gzip(&vec![0; 30 << 20])).0, 413);
    assert_eq!(collector.post(PROTOBUF, &request(&start())).0, 200);
    assert_eq!(collector.interrupt().0, Some(0));
}

const PROTOBUF: &str = "application/x-protobuf";

#[test]
fn protobuf_json_and_gzip_are_taken_and_each_trace_is_printed() {
    let collector = Collecting::start(&[]);
    assert_eq!(collector.post(PROTOBUF, &request(&config_changed())), (200, String::new()));
    let charm = CharmDir::new();
    let file = charm.write("start", request(&start()));
    let json = run(["export".as_ref(), file.as_os_str()]).out;
    assert_eq!(collector.post("application/json; charset=utf-8", json.as_bytes()), (200, "{}".to_owned()));
    let stop = request(&[crate::fixture::span(0x33, 1, 0, "app/0: stop event", 0, 5)]);
    let head = "POST /v1/traces|content-type: application/x-protobuf|content-encoding: gzip";
    // A gzip stream may have several members.
    let members = [gzip(&stop[..9]), gzip(&stop[9..])].concat();
    assert_eq!(collector.ask(head, &members), (200, String::new()));
    let (code, text) = collector.interrupt();
    assert_eq!(code, Some(0), "{text}");
    let [failed, started, stopped, verdict] = &text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
    assert!(
        failed.starts_with("2026-11-29 09:00:00  app/0")
            && failed.ends_with(&format!("{}  1 failed", "1".repeat(32))),
        "{text}"
    );
    assert!(started.contains(" start ") && stopped.contains(" stop "), "{text}");
    assert_eq!(*verdict, "ok: 3 traces, 8 spans");
}

#[test]
fn what_is_no_request_of_otlp_is_refused() {
    let collector = Collecting::start(&["--quiet"]);
    for (head, body, status) in [
        ("POST /v1/traces|content-type: text/plain", &b"x"[..], 415),
        ("POST /v1/traces", b"x", 415),
        ("POST /v1/traces|content-type: application/x-protobuf", b"x", 400),
        ("POST /v1/traces|content-type: application/json", b"[]", 400),
        ("POST /v1/traces|content-type: application/json|content-encoding: gzip", b"{}", 400),
        ("POST /v1/traces|content-type: application/json|content-encoding: br", b"{}", 415),
        ("GET /v1/traces", b"", 405),
        ("POST /v1/logs|content-type: application/json", b"{}", 404),
        ("GET /favicon.ico", b"", 404),
    ] {
        assert_eq!(collector.ask(head, body).0, status, "{head}");
    }
    let (code, text) = collector.interrupt();
    assert_eq!((code, text.as_str()), (Some(0), "ok: 0 traces, 0 spans\n"));
}

#[test]
fn the_page_is_live_and_has_what_came_since() {
    let collector = Collecting::start(&["--keep", "1"]);
    collector.post(PROTOBUF, &request(&config_changed()[..2]));
    let (status, page) = collector.ask("GET /", b"");
    assert!(status == 200 && page.contains("\"live\":true") && page.contains("connect-src 'self'"), "{page}");
    let changes = |since: u64| -> serde_json::Value {
        let (status, json) = collector.ask(&format!("GET /traces.json?since={since}"), b"");
        assert_eq!(status, 200);
        serde_json::from_str(&json).expect("JSON")
    };
    assert_eq!(changes(1)["traces"].as_array().map(Vec::len), Some(0));
    // The rest of the spans, and some once more.
    collector.post(PROTOBUF, &request(&config_changed()[1..]));
    let second = changes(1);
    assert_eq!(
        (&second["next"], second["traces"][0]["spans"].as_array().map(Vec::len)),
        (&2.into(), Some(5))
    );
    // One trace is kept.
    collector.post(PROTOBUF, &request(&start()));
    let third = changes(2);
    assert_eq!((&third["gone"][0], &third["traces"][0]["event"]), (&"1".repeat(32).into(), &"start".into()));
    assert_eq!(third["traces"].as_array().map(Vec::len), Some(1));
    assert_eq!(collector.interrupt().0, Some(0));
}

#[test]
fn it_ends_as_soon_as_what_is_expected_came() {
    let collector = Collecting::start(&["--expect", "event: start", "--for", "60"]);
    collector.post(PROTOBUF, &request(&config_changed()));
    collector.post(PROTOBUF, &request(&start()));
    let (code, text) = collector.end();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.ends_with("ok: 2 traces, 7 spans\n"), "{text}");
}

#[test]
fn what_is_missing_or_failed_ends_it_with_1() {
    let collector = Collecting::start(&["--expect", "event: stop", "--fail-on", "error"]);
    collector.post(PROTOBUF, &request(&config_changed()));
    let (code, text) = collector.interrupt();
    assert_eq!(code, Some(1), "{text}");
    let id = "1".repeat(32);
    let end = format!(
        "not ok: 1 trace, 5 spans
  trace {id}: method call: MyCharm.on_config_changed failed: cannot reach <the database>
  no span is named \"event: stop\"
"
    );
    assert!(text.ends_with(&end), "{text}");
    let (code, text) = Collecting::start(&["--expect", "x", "--for", "0.1"]).end();
    assert_eq!((code, text.contains("not ok: 0 traces")), (Some(1), true), "{text}");
}

#[test]
fn saved_requests_are_shown_and_sent_like_a_charms() {
    let charm = CharmDir::new();
    let directory = charm.path().join("saved/here");
    let collector = Collecting::start(&["--save", directory.to_str().expect("a text")]);
    collector.post(PROTOBUF, &request(&config_changed()));
    collector.post(PROTOBUF, &request(&start()));
    assert_eq!(collector.interrupt().0, Some(0));
    let ran = run(["show".as_ref(), directory.as_os_str()]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(ran.out.contains("  config_changed  ") && ran.out.contains("  start  "), "{}", ran.out);
}

#[test]
fn a_request_that_cannot_be_saved_is_not_taken() {
    let charm = CharmDir::new();
    let directory = charm.path().join("saved");
    let collector = Collecting::start(&["--quiet", "--save", directory.to_str().expect("a text")]);
    std::fs::remove_dir(&directory).expect("a directory");
    let (status, reason) = collector.post(PROTOBUF, &request(&start()));
    assert!(status == 503 && reason.starts_with("cannot write "), "{status} {reason}");
    let (code, text) = collector.interrupt();
    assert_eq!((code, text.as_str()), (Some(1), "not ok: 0 traces, 0 spans\n  1 request not saved\n"));
}

#[test]
fn clients_that_send_slowly_hold_up_neither_others_nor_the_end() {
    let collector = Collecting::start(&["--quiet"]);
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n\
                content-length: 100000\r\nexpect: 100-continue\r\n\r\n";
    let slow: Vec<_> = (0..8)
        .map(|_| {
            let mut client = TcpStream::connect(&collector.address).expect("a connection");
            client.write_all(head.as_bytes()).expect("a head");
            // The answer to `expect` says that the body is being read.
            client.read_exact(&mut [0; 12]).expect("an answer");
            client
        })
        .collect();
    assert_eq!(collector.post(PROTOBUF, &request(&start())).0, 200);
    let (code, text) = collector.interrupt();
    assert_eq!((code, text.as_str()), (Some(0), "ok: 1 trace, 2 spans\n"));
    drop(slow);
}

#[test]
fn the_address_may_be_a_name() {
    let collector = Collecting::start(&["--listen", "localhost:0", "--quiet"]);
    assert_eq!(collector.post(PROTOBUF, &request(&start())).0, 200);
    assert_eq!(collector.interrupt().0, Some(0));
    for (address, reason) in [("4318", "invalid socket address"), ("localhost:80000", "invalid port")] {
        let ran = run(["collect", "--listen", address]);
        assert!(ran.code == Some(2) && ran.err.contains(reason), "{}", ran.err);
    }
}

#[test]
fn a_taken_address_is_an_error() {
    let collector = Collecting::start(&[]);
    let ran = run(["collect", "--listen", &collector.address]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.starts_with(&format!("charm-traces: cannot listen on {}: ", collector.address)),
        "{}",
        ran.err
    );
    assert_eq!(collector.interrupt().0, Some(0));
}
