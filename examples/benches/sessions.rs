//! Spans that are recorded, encoded as OTLP and written to a file: a whole session of charm-tracing, and the same with
//! OpenTelemetry's own crates.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use charm_tracing::{Config, Session};
use opentelemetry::KeyValue;
use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use prost::Message;

use crate::clock::Calls;
use crate::quiet_dispatch::dispatch;
use crate::recorders::{Collected, provider, traced};

/// How long it took from before the first span until they are all in the file.
#[derive(Debug)]
pub(crate) struct Took {
    pub(crate) whole: Duration,
    /// The part that encodes, if it can be told.
    pub(crate) encoding: Option<Duration>,
    /// Spans for which the trace had no room.
    pub(crate) dropped: u64,
}

/// A session with these calls, whose trace waits in a new queue.
pub(crate) fn charm_tracing(directory: &Path, calls: &mut Calls) -> Took {
    let queue = directory.join("queue");
    let config = Config::new().buffer_path(&queue);
    let charm_dir = directory.display().to_string();
    let dispatch = dispatch([("JUJU_CHARM_DIR", charm_dir.as_str())]);
    let started = Instant::now();
    let mut session = Session::start(dispatch, config);
    session.event(|| calls.make(traced));
    let report = session.finish(None);
    let whole = started.elapsed();
    assert!(report.buffered, "{report:?}");
    fs::remove_dir_all(queue).expect("the trace waits");
    Took { whole, encoding: None, dropped: report.dropped_spans }
}

/// A span for each of these calls, with the three attributes that `#[trace_fn]` sets.
pub(crate) fn sdk(directory: &Path, calls: &mut Calls) -> Took {
    let file = directory.join("spans");
    let started = Instant::now();
    let collected = Collected::default();
    let tracer = provider(collected.clone()).tracer("benchmark");
    tracer.in_span("root", |_| {
        calls.make(|x| {
            let attributes = [
                KeyValue::new("code.function.name", concat!(module_path!(), "::sdk")),
                KeyValue::new("code.file.path", file!()),
                KeyValue::new("code.line.number", i64::from(line!())),
            ];
            tracer.in_span_with_builder(tracer.span_builder("work").with_attributes(attributes), |_| x + 1)
        });
    });
    let encoding = Instant::now();
    let resource = ResourceAttributesWithSchema::from(&Resource::builder().build());
    let resource_spans = group_spans_by_resource_and_scope(collected.take(), &resource);
    let request = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
    let encoding = encoding.elapsed();
    fs::write(&file, request).expect("a place for the request");
    let whole = started.elapsed();
    fs::remove_file(file).expect("the request was written");
    Took { whole, encoding: Some(encoding), dropped: 0 }
}
