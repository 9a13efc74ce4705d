//! The exporter over OTLP/gRPC that the page of the guide shows, against a server of tonic.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

use std::sync::mpsc::{self, Receiver, Sender};

use charm_tracing::juju::Dispatch;
use charm_tracing::{Config, DeliveryReport, ExportError, Session};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

// The text of the page, so that it has no test attributes.
include!("on_tokio.rs");

#[test]
fn the_page_has_the_code_that_is_tested() {
    let page = include_str!("../../../../docs/guide/exporters.md");
    assert!(page.contains(include_str!("on_tokio.rs")), "copy on_tokio.rs into docs/guide/exporters.md");
}

#[test]
fn spans_arrive_over_grpc() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (endpoint, requests) = collector(&runtime);
    let report = dispatch(Config::new().span_exporter(move || otlp(&endpoint)));
    assert!(report.failed_exporters.is_empty(), "{report:?}");

    let request = requests.recv_timeout(Duration::from_secs(10)).unwrap();
    let [spans] = &request.resource_spans[..] else { panic!("one resource") };
    let unit =
        spans.resource.as_ref().unwrap().attributes.iter().find(|attribute| attribute.key == "juju_unit");
    assert!(unit.is_some(), "{spans:?}");
    let names = spans.scope_spans.iter().flat_map(|scope| scope.spans.iter().map(|span| span.name.as_str()));
    assert_eq!(names.collect::<Vec<_>>(), ["event: start", "app/0: start event"]);
    assert!(requests.try_recv().is_err(), "all spans are in one request");
}

#[test]
fn a_refused_connection_and_an_invalid_url_are_failures() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let report = dispatch(Config::new().span_exporter(move || otlp(&format!("http://{unused}"))));
    assert!(matches!(&report.failed_exporters[..], [ExportError::Failed { .. }]), "{report:?}");
    let not_valid = dispatch(Config::new().span_exporter(|| otlp("no url at all")));
    assert!(matches!(&not_valid.failed_exporters[..], [ExportError::Failed { .. }]), "{not_valid:?}");
}

fn dispatch(config: Config) -> DeliveryReport {
    let dispatch = Dispatch::from_vars([
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_DISPATCH_PATH", "hooks/start"),
        ("JUJU_MODEL_NAME", "testing"),
        ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
    ]);
    // Enough for a busy machine.
    let config = config.buffer_max_events(0).delivery_timeout(Duration::from_secs(20));
    let mut session = Session::start(dispatch, config);
    session.event(|| ());
    session.finish(None)
}

struct Collector(Sender<ExportTraceServiceRequest>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.send(request.into_inner()).map_err(|_| Status::internal("the test is over"))?;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// Starts a server on the runtime, and returns its endpoint and what it gets.
fn collector(runtime: &tokio::runtime::Runtime) -> (String, Receiver<ExportTraceServiceRequest>) {
    let (sender, requests) = mpsc::channel();
    let inside = runtime.enter();
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let endpoint = format!("http://{}", incoming.local_addr().unwrap());
    let service = TraceServiceServer::new(Collector(sender));
    runtime.spawn(Server::builder().serve_with_incoming(service, incoming));
    drop(inside);
    (endpoint, requests)
}
