//! Traces on the disk, and the program that reads them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use charm_tracing::__charm_traces::WaitingName;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use prost::Message as _;
use tempfile::TempDir;

/// 2026-11-29 09:00:00 UTC.
pub(crate) const NINE: u64 = 1_795_942_800;

/// The result of a run of the program.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the program to its end.
pub(crate) fn run<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ran {
    run_with("", "", arguments)
}

/// Runs the program to its end, with a variable in its environment.
pub(crate) fn run_with<A: AsRef<std::ffi::OsStr>>(
    name: &str,
    value: &str,
    arguments: impl IntoIterator<Item = A>,
) -> Ran {
    let mut command = command(arguments);
    if !name.is_empty() {
        command.env(name, value);
    }
    let output = command.output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("a text");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Starts the program.
pub(crate) fn spawn(arguments: &[&str]) -> Child {
    command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs")
}

fn command<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_charm-traces"));
    command.args(arguments).env_clear().env("TZ", "UTC").stdin(Stdio::null());
    command
}

/// A charm directory.
pub(crate) struct CharmDir(TempDir);

impl CharmDir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    /// Returns the directory of a unit with two traces: one of them has failed.
    pub(crate) fn with_two_traces() -> Self {
        let directory = Self::new();
        directory.store(0, &request(&config_changed()));
        directory.store(60, &request(&start()));
        directory
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn queue(&self) -> PathBuf {
        self.path().join(".charm_tracing_buffer")
    }

    /// Stores a request as a waiting trace, these seconds after nine. Returns its file.
    pub(crate) fn store(&self, seconds: u64, request: &[u8]) -> PathBuf {
        let spans = charm_tracing::testing::Trace::from_otlp(request).expect("a request");
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(NINE + seconds);
        let name = WaitingName::new(time, spans.spans()[0].trace_id, request);
        self.write(&format!(".charm_tracing_buffer/{name}"), request)
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(&path, contents).expect("a file");
        path
    }

    /// Returns the names of the files in the queue.
    pub(crate) fn waiting(&self) -> Vec<String> {
        let entries = fs::read_dir(self.queue()).expect("a directory");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        names.sort();
        names
    }
}

/// The spans of a dispatch that failed after 12 ms.
pub(crate) fn config_changed() -> Vec<Span> {
    let failed = "cannot reach <the database>\nconnection refused";
    vec![
        span(0x11, 1, 0, "app/0: config-changed event", 0, 12_000),
        span(0x11, 2, 1, "method call: MyCharm.new", 100, 2_000),
        span(0x11, 3, 1, "event: config_changed", 3_000, 11_900),
        failing(failed, span(0x11, 4, 3, "method call: MyCharm.on_config_changed", 3_100, 11_800)),
        span(0x11, 5, 4, "relation-get", 4_000, 9_000),
    ]
}

/// The spans of a dispatch a minute later.
pub(crate) fn start() -> Vec<Span> {
    vec![
        span(0x22, 1, 0, "app/0: start event", 60_000_000, 60_005_000),
        span(0x22, 2, 1, "event: start", 60_001_000, 60_004_000),
    ]
}

/// Makes a span that starts and ends these microseconds after nine. A root has the parent 0.
pub(crate) fn span(trace: u8, id: u8, parent: u8, name: &str, start: u64, end: u64) -> Span {
    let nanos = |micros: u64| NINE * 1_000_000_000 + micros * 1_000;
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        parent_span_id: if parent == 0 { Vec::new() } else { vec![parent; 8] },
        name: name.to_owned(),
        kind: span::SpanKind::Internal.into(),
        start_time_unix_nano: nanos(start),
        end_time_unix_nano: nanos(end),
        attributes: vec![attribute("code.function.name", "a::b")],
        ..Span::default()
    }
}

pub(crate) fn failing(message: &str, span: Span) -> Span {
    let exception = span::Event {
        time_unix_nano: span.end_time_unix_nano,
        name: "exception".to_owned(),
        attributes: vec![attribute("exception.message", message)],
        dropped_attributes_count: 0,
    };
    let status = Status { message: message.to_owned(), code: 2 };
    Span { status: Some(status), events: vec![exception], ..span }
}

/// Encodes spans of the unit `app/0`.
pub(crate) fn request(spans: &[Span]) -> Vec<u8> {
    let resource = vec![attribute("service.name", "app-charm"), attribute("juju_unit", "app/0")];
    let scope_spans = ScopeSpans { spans: spans.to_vec(), ..ScopeSpans::default() };
    let resource_spans = ResourceSpans {
        resource: Some(Resource { attributes: resource, ..Resource::default() }),
        scope_spans: vec![scope_spans],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }.encode_to_vec()
}

pub(crate) fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}
