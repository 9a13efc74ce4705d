//! A charm whose subscriber of `tracing` is set up at the top of `main`, before `run`, as a process of its own.

use std::env;
use std::process::ExitCode;

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju};
use charm_tracing::juju::Dispatch;
use charm_tracing::opentelemetry::trace::TracerProvider;
use charm_tracing::{trace_charm, tracer_provider};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

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
fn a_subscriber_from_before_run_has_its_spans_in_the_trace() {
    let collector = Collector::start();
    let test = env::current_exe().unwrap();
    let script =
        format!("#!/bin/sh\nexec '{}' --quiet --exact subscriber::charm --ignored\n", test.display());
    let mut juju = Juju::of_script(&script);
    let event = Event::hook("start").env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint());
    let outcome = juju.dispatch(event);
    assert!(outcome.success(), "{outcome}");
    let spans = collector.trace();
    spans.check().unwrap();
    assert_eq!(
        spans.outline().to_string(),
        "\
app/0: start event
  method call: MyCharm.new
  event: start
    method call: MyCharm.handle
      render"
    );
}
