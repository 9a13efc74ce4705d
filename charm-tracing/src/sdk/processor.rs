use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};

/// A processor that gives its exporter all spans of a dispatch in one batch.
///
/// The processors of the SDK do something else. Its `SimpleSpanProcessor` exports each span alone and returns no error. Its
/// `BatchSpanProcessor` starts a thread, and drops what a queue of 2048 spans cannot hold.
///
/// The exporter is dropped, but not shut down: one that the charm's function clones may be used by another dispatch of the
/// process, and `InMemorySpanExporter` forgets its spans when it is shut down.
#[derive(Debug)]
pub(super) struct OneBatch<E> {
    exporter: E,
    spans: Mutex<Vec<SpanData>>,
}

impl<E> OneBatch<E> {
    pub(super) fn new(exporter: E) -> Self {
        Self { exporter, spans: Mutex::default() }
    }
}

impl<E: SpanExporter> SpanProcessor for OneBatch<E> {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        let spans = mem::take(&mut *self.spans.lock().unwrap_or_else(PoisonError::into_inner));
        // The executor is the one in which the SDK's own processors wait.
        futures_executor::block_on(self.exporter.export(spans))?;
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
