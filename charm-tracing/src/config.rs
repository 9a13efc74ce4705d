use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a charm is traced. The arguments of `#[trace_charm]` set it; use it directly with [`Session`](crate::Session).
///
/// ```
/// use charm_tracing::Config;
///
/// let config = Config::new().service_name("my-service").buffer_path("/charm-traces/buffer.file");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Config {
    pub(crate) charm_type: Option<String>,
    pub(crate) service_name: Option<String>,
    pub(crate) ca_relation: Option<String>,
    pub(crate) buffer_max_events: u32,
    pub(crate) buffer_max_size_mib: u32,
    pub(crate) buffer_max_age: Duration,
    pub(crate) buffer_path: Option<PathBuf>,
    pub(crate) flight_recorder: bool,
    pub(crate) request_timeout: Duration,
    pub(crate) delivery_timeout: Duration,
    /// How many spans an event has in which nothing but the charm's dispatching ran.
    pub(crate) idle_spans: usize,
}

/// The name of the buffer file in the charm directory.
pub(crate) const BUFFER_FILE: &str = ".charm_tracing_buffer";
const MIN_BUFFER_SIZE_MIB: u32 = 10;

impl Config {
    /// The defaults that each method names.
    pub const fn new() -> Self {
        Self {
            charm_type: None,
            service_name: None,
            ca_relation: None,
            buffer_max_events: 100,
            buffer_max_size_mib: MIN_BUFFER_SIZE_MIB,
            buffer_max_age: Duration::from_hours(14 * 24),
            buffer_path: None,
            flight_recorder: true,
            request_timeout: Duration::from_secs(1),
            delivery_timeout: Duration::from_secs(2),
            idle_spans: 0,
        }
    }

    /// The resource attribute `charm_type`. Default: left out; `#[trace_charm]` sets the name of the charm's type.
    pub fn charm_type(mut self, name: impl Into<String>) -> Self {
        self.charm_type = Some(name.into());
        self
    }

    /// The resource attributes `service.name` and `compose_service`. Default: `<application>-charm`.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = Some(name.into());
        self
    }

    /// The endpoint of the charm's metadata (interface `certificate_transfer`, under `requires`) over which the CA
    /// certificates come that are trusted when traces go to an `https` endpoint. Default: none.
    ///
    /// The certificates of all its relations are read at the end of a dispatch, and only if the traces go to `https` and
    /// the [`Destination`](crate::Destination) has no certificate of its own: the relation is asked with as few hook
    /// tools as [`CertificateTransferRequirer`](crate::relation::CertificateTransferRequirer) says, which are spans of
    /// the trace. Until there is a certificate the traces wait in the buffer, and a warning in Juju's log says so.
    pub fn ca_relation(mut self, endpoint: impl Into<String>) -> Self {
        self.ca_relation = Some(endpoint.into());
        self
    }

    /// How many dispatches the buffer keeps; the oldest are dropped first. 0 disables the buffer: a trace that cannot be
    /// pushed at once is lost. Default: 100.
    pub const fn buffer_max_events(mut self, events: u32) -> Self {
        self.buffer_max_events = events;
        self
    }

    /// How many MiB of traces the buffer keeps; the oldest are dropped first. Values below 10 count as 10, with a
    /// warning. Default: 10. The file itself may grow to twice as much before its space is reused.
    ///
    /// It also limits the trace of one dispatch, to 16 MiB at most, since backends refuse larger requests (Tempo those of 20
    /// MiB). What counts is the larger of what is sent and what is in memory: 10 MiB are some 40,000 calls, or 30,000 spans that
    /// have attributes or events of their own. A span that begins when there is no room left for it is not recorded, and what
    /// is below it is its parent's child, so no span lacks its parent for that. An open span is told nothing more then but its
    /// failure. How many spans are missing is the attribute `charm_tracing.dropped_spans` of the root,
    /// [`DeliveryReport::dropped_spans`](crate::DeliveryReport), and a warning in Juju's log.
    pub const fn buffer_max_size_mib(mut self, mib: u32) -> Self {
        self.buffer_max_size_mib = mib;
        self
    }

    /// How long the buffer keeps a trace; what is older is dropped when the next one is stored. Default: 14 days, after which
    /// Tempo forgets traces, too (its `block_retention`, where nobody sets it).
    pub const fn buffer_max_age(mut self, age: Duration) -> Self {
        self.buffer_max_age = age;
        self
    }

    /// The buffer file; missing directories are made. On Kubernetes the charm directory is lost with the pod, so
    /// a charm that must keep its traces puts it on a storage. Default: `.charm_tracing_buffer` in the charm directory.
    pub fn buffer_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.buffer_path = Some(path.into());
        self
    }

    /// Whether spans are written to disk while the dispatch runs, into `<buffer file>.flight`, so that they are there if it is
    /// killed. A charm without a buffer has none of that. With more than some 30 spans in a row a thread does it, which a charm may
    /// have to avoid: `unshare` into a new user namespace fails in a process with two. Default: true.
    pub const fn flight_recorder(mut self, on: bool) -> Self {
        self.flight_recorder = on;
        self
    }

    /// How long one request to the backend may take. Default: 1 s.
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// How long one dispatch may spend on delivery in all. Default: 2 s.
    pub const fn delivery_timeout(mut self, timeout: Duration) -> Self {
        self.delivery_timeout = timeout;
        self
    }

    /// The handler of every event has a span of its own, which alone makes no trace interesting.
    pub(crate) const fn handler_is_traced(mut self) -> Self {
        self.idle_spans = 1;
        self
    }

    pub(crate) fn buffer_max_bytes(&self) -> u64 {
        u64::from(self.buffer_max_size_mib.max(MIN_BUFFER_SIZE_MIB)) * 1024 * 1024
    }

    /// How large the trace of a dispatch may become: what the buffer can hold, and what backends take. Tempo refuses requests
    /// of more than 20 MiB.
    pub(crate) fn trace_max_bytes(&self) -> u64 {
        const MOST: u64 = 16 * 1024 * 1024;
        // The rest is for the resource and the frame of the request.
        self.buffer_max_bytes().min(MOST) - 64 * 1024
    }

    /// What is wrong with the settings, though they are used as far as possible.
    pub(crate) fn complaint(&self) -> Option<String> {
        (self.buffer_max_size_mib < MIN_BUFFER_SIZE_MIB).then(|| {
            format!(
                "the charm asks for a trace buffer of {} MiB; {MIN_BUFFER_SIZE_MIB} MiB is the least and is used",
                self.buffer_max_size_mib
            )
        })
    }

    pub(crate) fn buffer_file(&self, charm_dir: &Path) -> PathBuf {
        self.buffer_path.clone().unwrap_or_else(|| charm_dir.join(BUFFER_FILE))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
