//! The collector, seen from its socket: each way to answer, and what it keeps of what it was sent.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use charm_testing::Trace;
use charm_testing::collector::{Answer, Collector, Reply, port_closed_endpoint};
use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const LONG_ENOUGH: Duration = Duration::from_secs(20);

#[test]
fn accepts_a_trace_and_keeps_it() {
    let collector = Collector::start();
    let body = trace(&["root", "child"]);
    let response = Client::of(&collector).post("/v1/traces", &[], &body);

    assert_eq!(response.status, 200);
    assert_eq!(response.body, [0x0a, 0x00]);
    let requests = collector.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("POST", "/v1/traces"));
    assert_eq!(requests[0].header("content-type"), Some("application/x-protobuf"));
    assert_eq!(requests[0].body, body);
    assert_eq!(requests[0].status, Some(200));
    assert_eq!(names(&collector), ["root", "child"]);

    collector.clear();
    assert_eq!(collector.requests().len(), 0);
}

#[test]
fn unpacks_gzip_but_keeps_the_bytes_as_they_were_sent() {
    let collector = Collector::start();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&trace(&["packed"])).unwrap();
    let packed = gzip.finish().unwrap();
    let mut client = Client::of(&collector);

    assert_eq!(client.post("/v1/traces", &[("Content-Encoding", "gzip")], &packed).status, 200);
    assert_eq!(names(&collector), ["packed"]);
    assert_eq!(collector.requests()[0].body, packed);

    let response = client.post("/v1/traces", &[("Content-Encoding", "gzip")], b"not gzip at all");
    assert_eq!(response.status, 400);
    assert_eq!(client.post("/v1/traces", &[("Content-Encoding", "br")], &packed).status, 400);
    assert_eq!(names(&collector), ["packed"]);
}

#[test]
fn refuses_what_no_backend_would_take() {
    let collector = Collector::start();
    let mut client = Client::of(&collector);
    assert_eq!(client.post("/v1/logs", &[], &trace(&[])).status, 404);
    assert_eq!(client.post("/v1/traces", &[], b"\xff not protobuf").status, 400);
    assert_eq!(client.send("GET /v1/traces HTTP/1.1\r\n\r\n".as_bytes()).status, 405);
    let text = "POST /v1/traces HTTP/1.1\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\n{}";
    assert_eq!(client.send(text.as_bytes()).status, 415);
    for json in ["[]", "{", r#"{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xy"}]}]}]}"#] {
        assert_eq!(client.send(&post_json("application/json", &[], json.as_bytes())).status, 400, "{json}");
    }
    assert_eq!(client.send(b"nonsense\r\n\r\n").status, 400);
    assert_eq!(collector.requests().len(), 7, "nonsense is not a request");
    assert!(collector.trace().is_empty());
}

/// A body as exporters write it: ids in hexadecimal of either case, times and integers as texts or as numbers, and a field that
/// OTLP does not have.
const JSON: &str = r#"{"resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "app-charm"}}],
                 "droppedAttributesCount": 0},
    "scopeSpans": [{"scope": {"name": "ops", "version": "3.7"}, "spans": [
        {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174",
         "parentSpanId": "", "name": "ops.main", "kind": 1, "flags": 257, "links": [], "unknown": 7,
         "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": "1544712661000000000",
         "attributes": [{"key": "text", "value": {"intValue": "42"}}, {"key": "number", "value": {"intValue": 42}},
                        {"key": "bytes", "value": {"bytesValue": "AP8="}},
                        {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": true}, {"doubleValue": 2}]}}}],
         "events": [{"timeUnixNano": "1544712660500000000", "name": "start", "attributes": []}],
         "status": {"code": 0}},
        {"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B173",
         "parentSpanId": "EEE19B7EC3C1B174", "name": "Charm._on_start", "kind": 3,
         "startTimeUnixNano": 1544712660000000001, "endTimeUnixNano": 1544712660000000002,
         "status": {"message": "no such unit", "code": 2}}]}]}]}"#;

#[test]
fn takes_json_compressed_or_not_and_answers_in_json() {
    let collector = Collector::start();
    let mut client = Client::of(&collector);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(JSON.as_bytes()).unwrap();
    let packed = gzip.finish().unwrap();
    let plain = post_json("application/json", &[], JSON.as_bytes());
    let packed = post_json("application/json; charset=utf-8", &[("Content-Encoding", "gzip")], &packed);
    for request in [plain, packed] {
        collector.clear();
        let response = client.send(&request);
        let body = String::from_utf8(response.body.clone()).unwrap();
        assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")));
        assert!(serde_json::from_str::<serde_json::Value>(&body).unwrap().is_object(), "{body}");

        let trace = collector.trace();
        trace.assert_tree("ops.main\n  Charm._on_start [error: no such unit]");
        trace.check().unwrap();
        let root = trace.span("ops.main");
        assert_eq!(root.trace_id.to_string(), "5b8efff798038103d269b633813fc60c");
        assert_eq!(root.duration(), Duration::from_secs(1));
        assert_eq!(root.attribute("text").unwrap(), 42);
        assert_eq!(root.attribute("number").unwrap(), 42);
        assert_eq!(root.attribute("bytes").unwrap().to_string(), "00ff");
        assert_eq!(root.attribute("list").unwrap().to_string(), "[true, 2]");
        assert_eq!(root.resource_attribute("service.name").unwrap(), "app-charm");
        assert_eq!((root.scope.name.as_str(), root.events[0].name.as_str()), ("ops", "start"));
        assert_eq!(trace.failed()[0].start_unix_nanos, 1_544_712_660_000_000_001);
        assert_eq!(Trace::from_otlp(&collector.requests()[0].otlp).unwrap(), trace);
    }
    collector.answer(Answer::PartialSuccess { rejected: 3, message: "too long".to_owned() });
    let response = client.send(&post_json("application/json", &[], JSON.as_bytes()));
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    let partial = &body["partialSuccess"];
    assert_eq!(partial["errorMessage"], "too long");
    assert_eq!(partial["rejectedSpans"].to_string().trim_matches('"'), "3");
}

#[test]
fn keeps_a_connection_open_and_numbers_it() {
    let collector = Collector::start();
    let mut first = Client::of(&collector);
    first.post("/v1/traces", &[], &trace(&["a"]));
    first.post("/v1/traces", &[], &trace(&["b"]));
    let mut second = Client::of(&collector);
    let response = second.post("/v1/traces", &[("Connection", "close")], &trace(&["c"]));

    assert_eq!(response.header("connection"), Some("close"));
    assert!(second.closed());
    let connections: Vec<_> = collector.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1, 1, 2]);
    assert_eq!(names(&collector), ["a", "b", "c"]);
}

#[test]
fn reads_chunked_bodies_and_two_requests_sent_at_once() {
    let collector = Collector::start();
    let (front, back) = (trace(&["chunked"]), trace(&["second"]));
    let (first, rest) = front.split_at(5);
    let mut bytes = b"POST /v1/traces HTTP/1.1\r\nContent-Type: application/x-protobuf\r\n".to_vec();
    write!(bytes, "Transfer-Encoding: chunked\r\n\r\n5\r\n").unwrap();
    bytes.extend_from_slice(first);
    write!(bytes, "\r\n{:x};extension=1\r\n", rest.len()).unwrap();
    bytes.extend_from_slice(rest);
    bytes.extend_from_slice(b"\r\n0\r\nTrailer: x\r\n\r\n");
    bytes.extend(post("/v1/traces", &[], &back));

    let mut client = Client::of(&collector);
    assert_eq!(client.send(&bytes).status, 200);
    assert_eq!(client.receive().unwrap().status, 200);
    assert_eq!(names(&collector), ["chunked", "second"]);
    assert_eq!(collector.requests()[0].body, front);
}

#[test]
fn lets_a_cautious_client_continue() {
    let collector = Collector::start();
    let body = trace(&["cautious"]);
    let bytes = post("/v1/traces", &[("Expect", "100-continue")], &body);
    let (head, _) = bytes.split_at(bytes.len() - body.len());
    let mut client = Client::of(&collector);
    assert_eq!(client.send(head).status, 100);
    assert_eq!(client.send(&body).status, 200);
    assert_eq!(names(&collector), ["cautious"]);
}

#[test]
fn answers_as_it_is_told_and_counts_only_what_it_took() {
    let collector = Collector::start();
    let mut client = Client::of(&collector);
    let mut push = |name: &str| client.post("/v1/traces", &[], &trace(&[name]));

    collector.answer(Answer::Status(503));
    assert_eq!(push("refused").status, 503);

    collector.answer(Reply::new(429).header("Retry-After", "7").body("slow down"));
    let response = push("limited");
    assert_eq!((response.status, response.header("retry-after")), (429, Some("7")));
    assert_eq!(response.body, b"slow down");

    collector.answer(Answer::PartialSuccess { rejected: 3, message: "too long".to_owned() });
    let response = ExportTraceServiceResponse::decode(push("partly").body.as_slice()).unwrap();
    let partial = response.partial_success.unwrap();
    assert_eq!((partial.rejected_spans, partial.error_message.as_str()), (3, "too long"));

    collector.answer(Answer::Accept);
    assert_eq!(push("taken").status, 200);
    let statuses: Vec<_> = collector.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(503), Some(429), Some(200), Some(200)]);
    assert_eq!(names(&collector), ["partly", "taken"]);
}

#[test]
fn follows_a_list_and_stays_with_its_last_answer() {
    let collector = Collector::start();
    let twice = Answer::Then(vec![Answer::Status(503), Answer::Status(502)]);
    collector.answer(Answer::Then(vec![twice, Answer::Accept]));
    let mut client = Client::of(&collector);
    let statuses: Vec<_> =
        (0..4).map(|_| client.post("/v1/traces", &[], &trace(&["again"])).status).collect();
    assert_eq!(statuses, [503, 502, 200, 200]);
}

#[test]
fn hangs_after_the_request() {
    let collector = Collector::start();
    collector.answer(Answer::Hang);
    let mut client = Client::of(&collector);
    client.write(&post("/v1/traces", &[], &trace(&["unanswered"])));
    assert_eq!(collector.wait_for(1, LONG_ENOUGH).unwrap()[0].status, None);
    assert!(client.silent());
    assert!(collector.trace().is_empty());
}

#[test]
fn hangs_before_the_request() {
    let collector = Collector::start();
    collector.answer(Answer::Then(vec![Answer::HangOnAccept, Answer::Accept]));
    let mut first = Client::of(&collector);
    first.write(&post("/v1/traces", &[], &trace(&["unread"])));
    assert!(first.silent());
    assert_eq!(collector.requests().len(), 0);

    assert_eq!(Client::of(&collector).post("/v1/traces", &[], &trace(&["next"])).status, 200);
    assert_eq!(names(&collector), ["next"]);
}

#[test]
fn closes_early() {
    let collector = Collector::start();
    collector.answer(Answer::CloseEarly);
    let mut client = Client::of(&collector);
    client.write(&post("/v1/traces", &[], &trace(&["cut off"])));
    assert!(client.closed());
    assert_eq!(collector.requests().len(), 1);
    assert!(collector.trace().is_empty());
}

#[test]
fn answers_late() {
    let collector = Collector::start();
    collector.answer(Answer::After(Duration::from_millis(120), Box::new(Answer::Accept)));
    let start = Instant::now();
    assert_eq!(Client::of(&collector).post("/v1/traces", &[], &trace(&["late"])).status, 200);
    assert!(start.elapsed() >= Duration::from_millis(120));
}

#[test]
fn says_how_many_requests_are_missing() {
    let collector = Collector::start();
    Client::of(&collector).post("/v1/traces", &[], &trace(&["only one"]));
    let missing = collector.wait_for(2, Duration::from_millis(20)).unwrap_err();
    assert_eq!(missing, "1 of 2 requests have arrived");
}

#[test]
fn speaks_tls_with_a_certificate_of_its_own_authority() {
    let collector = Collector::start_tls();
    assert!(collector.endpoint().starts_with("https://127.0.0.1:"));
    for name in ["127.0.0.1", "localhost"] {
        let mut client = Client::new(tls(&collector, name, collector.ca_pem()));
        assert_eq!(client.post("/v1/traces", &[], &trace(&[name])).status, 200);
    }
    assert_eq!(names(&collector), ["127.0.0.1", "localhost"]);
}

#[test]
fn a_client_that_trusts_another_authority_or_name_does_not_get_in() {
    let (collector, other) = (Collector::start_tls(), Collector::start_tls());
    for (name, ca_pem) in [("localhost", other.ca_pem()), ("example.com", collector.ca_pem())] {
        let mut stream = tls(&collector, name, ca_pem);
        let error = stream.write_all(&post("/v1/traces", &[], &[])).unwrap_err();
        assert!(error.to_string().contains("invalid peer certificate"), "{error}");
    }
    assert_eq!(collector.requests().len(), 0);
}

#[test]
fn hangs_before_the_handshake_when_it_speaks_tls() {
    let collector = Collector::start_tls();
    collector.answer(Answer::HangOnAccept);
    let mut stream = tls(&collector, "localhost", collector.ca_pem());
    stream.sock.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let error = stream.conn.complete_io(&mut stream.sock).unwrap_err();
    assert!(matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{error}");
}

#[test]
fn leaves_nothing_behind_even_if_it_hangs() {
    let collector = Collector::start();
    let address = address(&collector);
    collector.answer(Answer::Then(vec![Answer::HangOnAccept, Answer::Hang, Answer::Accept]));
    let mut clients: Vec<_> = (0..3).map(|_| Client::of(&collector)).collect();
    for client in &mut clients {
        client.write(&post("/v1/traces", &[], &trace(&["hanging"])));
    }
    collector.wait_for(2, LONG_ENOUGH).unwrap();

    // It joins its threads, so this would not return if one of them stayed.
    drop(collector);
    assert_eq!(TcpStream::connect(&address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_closed_port_refuses() {
    let endpoint = port_closed_endpoint();
    let address = endpoint.strip_prefix("http://").unwrap();
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
}

/// A request with spans of these names.
fn trace(names: &[&str]) -> Vec<u8> {
    let (trace_id, span_id) = (vec![1; 16], vec![2; 8]);
    let span = |name: &&str| Span {
        name: (*name).to_owned(),
        trace_id: trace_id.clone(),
        span_id: span_id.clone(),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: names.iter().map(span).collect(), ..ScopeSpans::default() }];
    let group =
        ResourceSpans { resource: Some(Resource::default()), scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![group] }.encode_to_vec()
}

fn names(collector: &Collector) -> Vec<String> {
    collector.trace().into_iter().map(|span| span.name).collect()
}

fn address(collector: &Collector) -> String {
    let endpoint = collector.endpoint();
    endpoint.rsplit_once('/').expect("an endpoint has a scheme").1.to_owned()
}

fn post(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    post_as(path, "application/x-protobuf", headers, body)
}

fn post_json(content_type: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    post_as("/v1/traces", content_type, headers, body)
}

fn post_as(path: &str, content_type: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("POST {path} HTTP/1.1\r\nContent-Type: {content_type}\r\n").into_bytes();
    for (name, value) in headers {
        write!(bytes, "{name}: {value}\r\n").unwrap();
    }
    write!(bytes, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
    bytes.extend_from_slice(body);
    bytes
}

fn tls(collector: &Collector, name: &str, ca_pem: &str) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(session, TcpStream::connect(address(collector)).unwrap())
}

struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

struct Client<S: Read + Write> {
    stream: BufReader<S>,
}

impl Client<TcpStream> {
    fn of(collector: &Collector) -> Self {
        let stream = TcpStream::connect(address(collector)).unwrap();
        stream.set_read_timeout(Some(LONG_ENOUGH)).unwrap();
        Self::new(stream)
    }

    /// Returns true if the collector says nothing for a while and does not close the connection either.
    fn silent(&mut self) -> bool {
        self.stream.get_ref().set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let answer = self.stream.read(&mut [0]);
        answer.is_err_and(|error| matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
    }
}

impl<S: Read + Write> Client<S> {
    fn new(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.send(&post(path, headers, body))
    }

    fn send(&mut self, bytes: &[u8]) -> Response {
        self.write(bytes);
        self.receive().unwrap()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    /// Returns true if the collector has closed the connection.
    fn closed(&mut self) -> bool {
        self.stream.read(&mut [0]).unwrap() == 0
    }

    fn receive(&mut self) -> io::Result<Response> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &String| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_lowercase(), value.to_owned())
        };
        let mut response =
            Response { status, headers: lines[1..].iter().map(header).collect(), body: Vec::new() };
        if let Some(length) = response.header("content-length") {
            response.body = vec![0; length.parse().unwrap()];
            self.stream.read_exact(&mut response.body)?;
        }
        Ok(response)
    }
}
