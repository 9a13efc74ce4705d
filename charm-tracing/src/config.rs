use std::path::{Path, PathBuf};
use std::time::Duration;

use opentelemetry::{Key, KeyValue, Value};

#[cfg(feature = "log")]
use crate::JujuLogger;
use crate::delivery::TimeBudget;
#[cfg(feature = "sdk")]
use crate::sdk::{Exports, NewExporter};

/// The configuration of tracing. The arguments of `#[trace_charm]` set it; use it directly with
/// [`Session`](crate::Session).
///
/// ```
/// use charm_tracing::Config;
///
/// let config = Config::new().service_name("my-service").buffer_path("/charm-traces/waiting");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Config {
    pub(crate) charm_type: Option<String>,
    pub(crate) service_name: Option<String>,
    pub(crate) resource_attributes: Vec<KeyValue>,
    pub(crate) ca_relation: Option<String>,
    pub(crate) buffer_max_events: u32,
    pub(crate) buffer_max_size_mib: u32,
    pub(crate) buffer_path: Option<PathBuf>,
    pub(crate) max_bytes_per_trace: u32,
    pub(crate) request_timeout: Duration,
    pub(crate) delivery_timeout: Duration,
    #[cfg(feature = "log")]
    pub(crate) logger: Option<JujuLogger>,
    /// The exporters, in the order in which the charm gave them.
    #[cfg(feature = "sdk")]
    pub(crate) exporters: Vec<NewExporter>,
    /// The number of spans in an event in which only the charm's own dispatch code ran.
    pub(crate) idle_spans: usize,
}

/// The name of the queue's directory in the charm directory.
const DEFAULT_QUEUE: &str = ".charm_tracing_buffer";
const MIN_BUFFER_SIZE_MIB: u32 = 10;

impl Config {
    /// Returns the defaults, which the methods below name.
    pub const fn new() -> Self {
        Self {
            charm_type: None,
            service_name: None,
            resource_attributes: Vec::new(),
            ca_relation: None,
            buffer_max_events: 100,
            buffer_max_size_mib: MIN_BUFFER_SIZE_MIB,
            buffer_path: None,
            max_bytes_per_trace: 4_500_000,
            request_timeout: Duration::from_secs(1),
            delivery_timeout: Duration::from_secs(2),
            #[cfg(feature = "log")]
            logger: None,
            #[cfg(feature = "sdk")]
            exporters: Vec::new(),
            idle_spans: 0,
        }
    }

    /// Sets the resource attribute `charm_type`. Default: left out; `#[trace_charm]` sets the name of the charm's type.
    pub fn charm_type(mut self, name: impl Into<String>) -> Self {
        self.charm_type = Some(name.into());
        self
    }

    /// Sets the resource attributes `service.name` and `compose_service`. Default: `OTEL_SERVICE_NAME`, else
    /// `<application>-charm`.
    ///
    /// End it in `-charm`. The tail sampling of Canonical's OpenTelemetry collector keeps all traces of such services, but only 1 %
    /// of the traces of all others. A line at DEBUG says so of a name that ends otherwise.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = Some(name.into());
        self
    }

    /// Adds an attribute to the resource, for example `deployment.environment.name`. May be called several times.
    ///
    /// It is left out if the resource has an attribute of this key already: of two the first counts, and those that name the
    /// unit and its model stay. Only `service.version` is replaced.
    ///
    /// ```
    /// use charm_tracing::Config;
    ///
    /// let config = Config::new().resource_attribute("deployment.environment.name", "staging");
    /// ```
    pub fn resource_attribute(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.resource_attributes.push(KeyValue::new(key, value));
        self
    }

    /// Sets the endpoint of the charm's metadata (interface `certificate_transfer`, under `requires`) that delivers the
    /// CA certificates to trust when traces go to an `https` endpoint. Default: none.
    ///
    /// The certificates of all its relations are read at the end of a dispatch, but only if the traces go to `https`
    /// and the [`Destination`](crate::Destination) has no certificate of its own. This runs as few hook tools as
    /// [`CertificateTransferRequirer`](crate::relation::CertificateTransferRequirer) says; they are spans of the trace.
    /// Until there is a certificate the traces wait, and a warning in Juju's log says so.
    pub fn ca_relation(mut self, endpoint: impl Into<String>) -> Self {
        self.ca_relation = Some(endpoint.into());
        self
    }

    /// Sets how many traces may wait, one for each dispatch. Beyond that, traces of dispatches in which only the
    /// handler ran are dropped first, then the oldest. With 0 no trace waits and no journal is written: a trace that
    /// cannot be sent at once is lost. Default: 100.
    pub const fn buffer_max_events(mut self, events: u32) -> Self {
        self.buffer_max_events = events;
        self
    }

    /// Sets how many MiB the waiting traces may have together; beyond that they are dropped in the same order. Values
    /// below 10 count as 10, with a warning. Default: 10.
    pub const fn buffer_max_size_mib(mut self, mib: u32) -> Self {
        self.buffer_max_size_mib = mib;
        self
    }

    /// Sets how many bytes the trace of one dispatch may have. Values below 262,144 count as 262,144, values above
    /// [`buffer_max_size_mib`](Self::buffer_max_size_mib) count as that, and values above 30,000,000 as 30,000,000.
    ///
    /// Default: 4,500,000, because Tempo answers 200 to a trace that is larger than its own `max_bytes_per_trace` and then
    /// drops it. That setting of Tempo is 5,000,000 by default; if your Tempo has another, keep this one below it.
    ///
    /// The larger of the trace's size in a request and its size in memory counts: 4.5 MB are some 16,000 calls, or
    /// 13,000 spans that have attributes or events of their own. A span that starts after they are used up is not
    /// recorded, and the spans below it become children of its parent, so every recorded span has its parent in the
    /// trace. A span that is still open then records only its failure. The number of missing spans is in the attribute
    /// `charm_tracing.dropped_spans` of the root, in [`DeliveryReport::dropped_spans`](crate::DeliveryReport), and in a
    /// warning in Juju's log.
    pub const fn max_bytes_per_trace(mut self, bytes: u32) -> Self {
        self.max_bytes_per_trace = bytes;
        self
    }

    /// Sets the directory in which traces wait, one file each. Default: `.charm_tracing_buffer` in the charm directory.
    ///
    /// On Kubernetes the charm directory is lost with the pod, so a charm that must keep its traces names a directory
    /// on a storage. Use the directory for tracing only: it is made when it is needed, and its mode is set to 0700.
    /// Missing parent directories are made only at the end of a dispatch, because the charm may want to make them
    /// itself. A file that has the directory's name is moved into it. A relative path is below the directory in which
    /// the session starts. Units of different models that have the same name need different directories, because a unit
    /// takes a journal with its name for its own.
    pub fn buffer_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.buffer_path = Some(path.into());
        self
    }

    /// Sets how long one request to the backend may take. Default: 1 s.
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets how long one dispatch may spend on delivery in all, and after it as long again on the charm's own exporters if it has
    /// any (feature `sdk`). Default: 2 s.
    pub const fn delivery_timeout(mut self, timeout: Duration) -> Self {
        self.delivery_timeout = timeout;
        self
    }

    /// Sets a logger for the crate `log`, which writes to Juju's log and into the trace; with the feature `log`. Default: none.
    ///
    /// A text is a filter in the style of `RUST_LOG`, such as `"info"` or `"info,my_charm::db=debug"`. A [`JujuLogger`] has
    /// further settings. The session installs it when it starts; a process that has a logger already keeps it.
    ///
    /// ```
    /// use charm_tracing::{Config, JujuLogger};
    ///
    /// let plain = Config::new().log("info");
    /// let with_ids = Config::new().log(JujuLogger::new("debug").trace_ids(true));
    /// ```
    #[cfg(feature = "log")]
    pub fn log(mut self, logger: impl Into<JujuLogger>) -> Self {
        self.logger = Some(logger.into());
        self
    }

    /// Adds an exporter or a span processor of `opentelemetry_sdk` 0.33, which gets the spans of each dispatch beside the queue;
    /// with the feature `sdk`. May be called several times. Default: none.
    ///
    /// `new` makes it: it returns a `SpanExporter` or a `SpanProcessor`, or a `Result` of one. It is called when the charm's code
    /// has ended and the trace was stored and sent, on a thread of its own. That thread then calls `set_resource`; for an exporter
    /// `export` with all spans of this dispatch and `force_flush`; for a processor `on_end` with each span, `force_flush` and
    /// `shutdown_with_timeout`. Then it drops the exporter. So an `InMemorySpanExporter`, which forgets its spans when it is shut
    /// down, still has them if `new` returns a clone.
    ///
    /// All exporters work at the same time, and together for at most [`delivery_timeout`](Self::delivery_timeout). The thread of
    /// one that takes longer is abandoned. Each error, panic and time-out is in
    /// [`DeliveryReport::failed_exporters`](crate::DeliveryReport::failed_exporters), and a warning in Juju's log says the first
    /// one. The trace in the queue is not affected, and the exporter does not get these spans again.
    ///
    /// - `SpanProcessor::on_start` is never called, because only the SDK's own provider can make the span that it takes.
    /// - Traces of earlier dispatches, which wait in the queue or were interrupted, are not exported.
    /// - Nothing that the exporter does is part of the trace.
    /// - An exporter that needs a tokio runtime has to bring one. The guide has an example.
    /// - A child process that the charm forks exports nothing.
    ///
    /// ```
    /// use charm_tracing::Config;
    /// use opentelemetry_sdk::trace::InMemorySpanExporter;
    ///
    /// let exporter = InMemorySpanExporter::default();
    /// let config = Config::new().span_exporter(move || exporter.clone());
    /// ```
    #[cfg(feature = "sdk")]
    pub fn span_exporter<Kind, T: Exports<Kind>>(
        mut self,
        new: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        self.exporters.push(NewExporter::of(new));
        self
    }

    /// Makes the compiler name the feature that is missing.
    #[cfg(not(feature = "log"))]
    #[doc(hidden)]
    pub fn log(self, _: impl InFeatureLog) -> Self {
        self
    }

    /// Makes the compiler name the feature that is missing.
    #[cfg(not(feature = "sdk"))]
    #[doc(hidden)]
    pub fn span_exporter(self, _: impl InFeatureSdk) -> Self {
        self
    }

    /// Notes that the handler of every event has a span of its own; a trace with only that span still counts as idle.
    pub(crate) const fn handler_is_traced(mut self) -> Self {
        self.idle_spans = 1;
        self
    }

    pub(crate) fn buffer_max_bytes(&self) -> u64 {
        u64::from(self.buffer_max_size_mib.max(MIN_BUFFER_SIZE_MIB)) * 1024 * 1024
    }

    /// The quota of a dispatch's spans. The remaining bytes are for the resource and the frame of the request.
    pub(crate) fn quota(&self) -> u64 {
        const REST: u64 = 64 * 1024;
        const LEAST: u64 = 4 * REST;
        const MOST: u64 = 30_000_000;
        u64::from(self.max_bytes_per_trace).clamp(LEAST, self.buffer_max_bytes().min(MOST)) - REST
    }

    pub(crate) fn budget(&self) -> TimeBudget {
        TimeBudget { per_request: self.request_timeout, total: self.delivery_timeout }
    }

    /// Returns a message about a setting that cannot be used as it is; a usable value replaces it. `None` if there is
    /// none.
    pub(crate) fn complaint(&self) -> Option<String> {
        (self.buffer_max_size_mib < MIN_BUFFER_SIZE_MIB).then(|| {
            format!(
                "the charm asks for a trace buffer of {} MiB; {MIN_BUFFER_SIZE_MIB} MiB is the least and is used",
                self.buffer_max_size_mib
            )
        })
    }

    pub(crate) fn queue_path(&self, charm_dir: &Path) -> PathBuf {
        self.buffer_path.clone().unwrap_or_else(|| charm_dir.join(DEFAULT_QUEUE))
    }
}

/// A trait that nothing implements, for the message of the compiler.
#[cfg(not(feature = "log"))]
#[diagnostic::on_unimplemented(
    message = "a logger needs the feature `log` of `charm-tracing`",
    label = "there is no logger without the feature",
    note = "add the feature in Cargo.toml: `charm-tracing = {{ ..., features = [\"log\"] }}`"
)]
pub trait InFeatureLog {}

/// A trait that nothing implements, for the message of the compiler.
#[cfg(not(feature = "sdk"))]
#[diagnostic::on_unimplemented(
    message = "exporters need the feature `sdk` of `charm-tracing`",
    label = "there are no exporters without the feature",
    note = "add the feature in Cargo.toml: `charm-tracing = {{ ..., features = [\"sdk\"] }}`"
)]
pub trait InFeatureSdk {}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
