use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use super::exporters::NewExporter;
use super::span_data::span_data;
use crate::recorder::{Store, TraceContext, own_scope};
use crate::span::{catch_panics, with_causes};

/// The reason why an exporter or a span processor of the charm did not export the spans of a dispatch. Match on the variant; the
/// text is for people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// It returned an error, or could not be made.
    #[error("cannot export the spans of this event with {exporter}: {reason}")]
    Failed {
        /// The type of the exporter.
        exporter: &'static str,
        /// The text of the error with its causes, of which at most 8 KiB are kept. The error itself stays on the exporter's
        /// thread, because its `Display` and destructor may do anything.
        reason: String,
    },
    /// It panicked. With `panic = "abort"` a panic ends the charm instead.
    #[error("cannot export the spans of this event with {exporter}: it panicked")]
    Panicked {
        /// The type of the exporter.
        exporter: &'static str,
    },
    /// It had not ended after [`Config::delivery_timeout`](crate::Config::delivery_timeout). Its thread is abandoned: it runs
    /// until it ends or the process does.
    #[error("cannot export the spans of this event with {exporter}: it has not ended within {limit:?}")]
    TimedOut {
        /// The type of the exporter.
        exporter: &'static str,
        /// The limit.
        limit: Duration,
    },
}

/// The spans of a dispatch on their way to the charm's exporters.
pub(crate) struct Export {
    exporters: Vec<NewExporter>,
    spans: Arc<[SpanData]>,
    resource: Resource,
}

impl Export {
    /// Copies the spans for the exporters; `None` if there are none.
    pub(crate) fn new(
        exporters: Vec<NewExporter>,
        spans: &Store,
        trace: TraceContext,
        resource: &[KeyValue],
    ) -> Option<Self> {
        if exporters.is_empty() {
            return None;
        }
        let resource = Resource::builder_empty().with_attributes(resource.iter().cloned()).build();
        Some(Self { exporters, spans: span_data(spans, trace, &own_scope()).into(), resource })
    }

    /// Lets all exporters work at the same time, and waits for them for at most `limit` together. Returns the errors of those
    /// that failed, in the order of the exporters.
    pub(crate) fn run(self, limit: Duration) -> Vec<ExportError> {
        let Self { exporters, spans, resource } = self;
        let started = Instant::now();
        let left = move || limit.saturating_sub(started.elapsed());
        let running = exporters.into_iter().map(|exporter| {
            let name = exporter.name;
            let (spans, resource) = (Arc::clone(&spans), resource.clone());
            (name, start(move || export(&exporter, &spans, &resource, left)))
        });
        // All are started before the first is waited for.
        let running: Vec<_> = running.collect();
        let ended = running.into_iter().filter_map(|(exporter, running)| {
            let failed = |reason| ExportError::Failed { exporter, reason };
            match running.map(|result| result.recv_timeout(left())) {
                Ok(Ok(Some(result))) => result.err().map(failed),
                Ok(Ok(None)) => Some(ExportError::Panicked { exporter }),
                Ok(Err(_)) => Some(ExportError::TimedOut { exporter, limit }),
                Err(error) => Some(failed(error.to_string())),
            }
        });
        ended.collect()
    }
}

/// Starts the work on a thread. The result is `None` if it panics.
fn start<T: Send + 'static>(
    work: impl FnOnce() -> Option<T> + Send + 'static,
) -> io::Result<Receiver<Option<T>>> {
    let (sender, result) = mpsc::sync_channel(1);
    let run = move || {
        // If the time is over, there is no receiver.
        let _ = sender.send(catch_panics(work).flatten());
    };
    thread::Builder::new().name("span exporter".to_owned()).spawn(run)?;
    Ok(result)
}

/// Gives the spans to the exporter. Returns the text of its error; `None` if it panicked.
fn export(
    exporter: &NewExporter,
    spans: &[SpanData],
    resource: &Resource,
    left: impl Fn() -> Duration,
) -> Option<Result<(), String>> {
    // The code of OpenTelemetry does not trace its own requests then, as on the threads of the SDK.
    let _suppressed = Context::enter_telemetry_suppressed_scope();
    // The error is formatted and dropped here, because that may panic or block as well.
    let mut processor = match (exporter.new)() {
        Ok(processor) => processor,
        Err(error) => return with_causes(&*error).map(Err),
    };
    // The panic does not drop the processor, because a second panic in its destructor would end the charm.
    let given = catch_panics(|| {
        processor.set_resource(resource);
        for span in spans {
            processor.on_end(span.clone());
        }
        let flushed = processor.force_flush();
        let shut_down = processor.shutdown_with_timeout(left());
        match flushed.and(shut_down) {
            Ok(()) => Some(Ok(())),
            Err(error) => with_causes(&error).map(Err),
        }
    });
    drop(processor);
    given.flatten()
}
