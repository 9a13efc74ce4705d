use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, Span, SpanData, SpanProcessor};

/// What one session records: the finished spans in the order in which they ended, whichever API made them.
///
/// Nothing is exported while the charm works. The SDK's own batch processor would drop what does not fit its queue
/// of 2048 spans, and would report success for an export that failed; here delivery takes over when the dispatch is
/// done.
#[derive(Debug)]
pub(crate) struct Recorder {
    tracer: SdkTracer,
    finished: Finished,
    root: OnceLock<Context>,
}

impl Recorder {
    pub(crate) fn new(tracer: SdkTracer, finished: Finished) -> Arc<Self> {
        Arc::new(Self { tracer, finished, root: OnceLock::new() })
    }

    pub(crate) fn tracer(&self) -> &SdkTracer {
        &self.tracer
    }

    /// The span that everything without a nearer parent hangs on. None only before it is open.
    pub(crate) fn root(&self) -> Option<Context> {
        self.root.get().cloned()
    }

    pub(crate) fn set_root(&self, root: Context) {
        // A session opens one root, before anybody else can see the recorder.
        let _ = self.root.set(root);
    }

    pub(crate) fn take_finished(&self) -> Vec<SpanData> {
        mem::take(&mut *self.finished.lock())
    }

    #[cfg(feature = "testing")]
    pub(crate) fn with_finished<R>(&self, look: impl FnOnce(&[SpanData]) -> R) -> R {
        look(&self.finished.lock())
    }

    /// How many spans have ended so far.
    pub(crate) fn finished_count(&self) -> usize {
        self.finished.lock().len()
    }
}

/// The finished spans of a session: the end of the SDK's pipeline.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finished(Arc<Mutex<Vec<SpanData>>>);

impl Finished {
    fn lock(&self) -> MutexGuard<'_, Vec<SpanData>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpanProcessor for Finished {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.lock().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}
