//! A charm whose subscriber of `tracing` is set up at the top of `main`, before `run`, as a process of its own.

use std::env;
use std::process::ExitCode;

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju};
use charm_tracing::juju::Dispatch;
use charm_tracing::opentelemetry::trace::TracerProvider;
use charm_tracing::{TracingLayer, trace_charm, tracer_provider};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::unit::EITHER_WAY;

struct MyCharm {
    endpoint: Option<String>,
    files: u8,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl MyCharm {
    fn new(dispatch: &Dispatch) -> Result<Self, String> {
        let endpoint = dispatch.var("OTEL_EXPORTER_OTLP_ENDPOINT").map(ToOwned::to_owned);
        Ok(Self { endpoint, files: 3 })
    }

    fn handle(&mut self, _: &Dispatch) -> Result<(), String> {
        tracing::info_span!("render", self.files).in_scope(|| tracing::info!("rendered"));
        Ok(())
    }
}

#[test]
#[ignore = "it is the `main` of the charm that the test below deploys"]
fn charm() {
    let tracer = tracer_provider().tracer("my-charm");
    tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer)).init();
    let _main = tracing::info_span!("main").entered();
    assert_eq!(charm_tracing::run(MyCharm::new, MyCharm::handle), ExitCode::SUCCESS);
}

#[test]
#[ignore = "it is the `main` of the charm that the test below deploys"]
fn charm_with_our_layer() {
    tracing_subscriber::registry().with(TracingLayer::new()).init();
    let _main = tracing::info_span!("main").entered();
    assert_eq!(charm_tracing::run(MyCharm::new, MyCharm::handle), ExitCode::SUCCESS);
}

#[test]
fn our_layer_from_before_run_has_spans_and_events_in_the_trace_and_lines_in_jujus_log() {
    for way in EITHER_WAY {
        let collector = Collector::start();
        let outcome = way(juju("charm_with_our_layer")).dispatch(start(&collector));
        assert!(outcome.success(), "{outcome}");
        assert!(
            outcome.log.iter().any(|line| line.level == "INFO" && line.message == "rendered"),
            "{outcome}"
        );
        let spans = collector.trace();
        spans.check().unwrap();
        assert_eq!(spans.outline().to_string(), TREE);
        assert!(spans.span("render").event("rendered").is_some());
        assert!(spans.span("render").attribute("self.files").is_some());
    }
}

#[test]
fn a_subscriber_from_before_run_has_its_spans_in_the_trace() {
    let collector = Collector::start();
    let outcome = juju("charm").dispatch(start(&collector));
    assert!(outcome.success(), "{outcome}");
    let spans = collector.trace();
    spans.check().unwrap();
    assert_eq!(spans.outline().to_string(), TREE);
}

const TREE: &str = "\
app/0: start event
  method call: MyCharm.new
  event: start
    method call: MyCharm.handle
      render";

/// Deploys the charm whose `main` is this test.
fn juju(main: &str) -> Juju {
    let test = env::current_exe().unwrap();
    let script =
        format!("#!/bin/sh\nexec '{}' --quiet --exact subscriber::{main} --ignored\n", test.display());
    Juju::from_script(&script)
}

fn start(collector: &Collector) -> Event {
    Event::hook("start").env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint())
}
