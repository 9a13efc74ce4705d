//! The recorders of a span around a call, each in the way its authors document, under a span that is open already. Those of
//! charm-tracing and of tracing-opentelemetry by default have attributes that say where the call is, the others have none.

use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use charm_tracing::{Config, Session, TracingLayer};
use opentelemetry::Context;
use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter,
    SpanProcessor,
};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use crate::SPANS;
use crate::clock::Calls;
use crate::quiet_dispatch::dispatch;

pub(crate) struct Recorder {
    /// On the command line, and in `instructions.txt`.
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    pub(crate) record: fn(&mut Calls),
}

/// The floor is the first: no less than when a span began and ended can be recorded of it.
pub(crate) const RECORDERS: [Recorder; 8] = [
    Recorder { key: "floor", title: "floor: two `SystemTime` reads and a 64-byte push", record: floor },
    OURS,
    LAYER,
    Recorder { key: "sdk", title: "opentelemetry_sdk, `in_span`, own collecting processor", record: sdk },
    Recorder {
        key: "sdk-batch",
        title: "opentelemetry_sdk, `in_span`, `BatchSpanProcessor`",
        record: sdk_batch,
    },
    Recorder { key: "tracing", title: "tracing + tracing-opentelemetry, default", record: tracing_default },
    Recorder {
        key: "tracing-lean",
        title: "tracing + tracing-opentelemetry, without place, thread, target, busy and idle times",
        record: tracing_lean,
    },
    Recorder { key: "fastrace", title: "fastrace under a root", record: fastrace },
];

pub(crate) const OURS: Recorder =
    Recorder { key: "charm-tracing", title: "charm-tracing, `#[trace_fn]`", record: charm_tracing };

pub(crate) const LAYER: Recorder = Recorder {
    key: "tracing-layer",
    title: "tracing + charm-tracing's `TracingLayer`",
    record: tracing_layer,
};

/// The call that is recorded, too short to matter.
#[inline(never)]
fn work(x: u64) -> u64 {
    black_box(x) + 1
}

fn floor(calls: &mut Calls) {
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let mut records = Vec::new();
    calls.make(|x| {
        let started = now();
        let y = work(x);
        records.push([started, now(), 0, 0]);
        y
    });
}

fn charm_tracing(calls: &mut Calls) {
    let mut session = Session::start(dispatch([]), Config::new().buffer_max_events(0));
    session.event(|| calls.make(traced));
    session.finish(None);
}

#[charm_tracing::trace_fn]
pub(crate) fn traced(x: u64) -> u64 {
    work(x)
}

fn sdk(calls: &mut Calls) {
    let tracer = provider(Collected::default()).tracer("benchmark");
    tracer.in_span("root", |_| calls.make(|x| tracer.in_span("work", |_| work(x))));
}

fn sdk_batch(calls: &mut Calls) {
    // Room for all of them; the default of 2048 would drop some.
    let config = BatchConfigBuilder::default().with_max_queue_size(2 * SPANS).build();
    let processor = BatchSpanProcessor::builder(Discarded).with_batch_config(config).build();
    let tracer = provider(processor).tracer("benchmark");
    tracer.in_span("root", |_| calls.make(|x| tracer.in_span("work", |_| work(x))));
}

pub(crate) fn provider(processor: impl SpanProcessor + 'static) -> SdkTracerProvider {
    SdkTracerProvider::builder().with_span_processor(processor).build()
}

fn tracing_default(calls: &mut Calls) {
    let tracer = provider(Collected::default()).tracer("benchmark");
    tracing_by(calls, tracing_opentelemetry::layer().with_tracer(tracer));
}

fn tracing_lean(calls: &mut Calls) {
    let tracer = provider(Collected::default()).tracer("benchmark");
    let lean = tracing_opentelemetry::layer()
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    tracing_by(calls, lean.with_tracer(tracer));
}

fn tracing_by(calls: &mut Calls, layer: OpenTelemetryLayer<Registry, SdkTracer>) {
    tracing::subscriber::with_default(Registry::default().with(layer), || {
        tracing::info_span!("root").in_scope(|| calls.make(instrumented));
    });
}

fn tracing_layer(calls: &mut Calls) {
    let mut session = Session::start(dispatch([]), Config::new().buffer_max_events(0));
    tracing::subscriber::with_default(Registry::default().with(TracingLayer::new()), || {
        session.event(|| calls.make(instrumented));
    });
    session.finish(None);
}

#[tracing::instrument(skip_all)]
fn instrumented(x: u64) -> u64 {
    work(x)
}

fn fastrace(calls: &mut Calls) {
    #[fastrace::trace]
    fn traced(x: u64) -> u64 {
        work(x)
    }
    fastrace::set_reporter(Discarded, fastrace::collector::Config::default());
    let root = fastrace::Span::root("root", fastrace::prelude::SpanContext::random());
    {
        let _current = root.set_local_parent();
        calls.make(traced);
    }
    drop(root);
    fastrace::flush();
}

/// Keeps the spans, as a processor does that must not lose any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collected(Arc<Mutex<Vec<SpanData>>>);

impl Collected {
    pub(crate) fn take(&self) -> Vec<SpanData> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SpanProcessor for Collected {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Where spans go that nobody wants.
#[derive(Debug)]
struct Discarded;

impl SpanExporter for Discarded {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}

impl fastrace::collector::Reporter for Discarded {
    fn report(&mut self, _spans: Vec<fastrace::collector::SpanRecord>) {}
}
