//! Distributed tracing of Juju charms written in Rust: one attribute, and every event and method call is an
//! OpenTelemetry span.
//!
//! ```no_run
//! use charm_tracing::{juju::Dispatch, trace_charm};
//!
//! struct MyCharm {
//!     endpoint: Option<String>,
//! }
//!
//! #[trace_charm(tracing_endpoint = "endpoint")]
//! impl MyCharm {
//!     fn new(_: &Dispatch) -> Result<Self, std::io::Error> {
//!         Ok(Self { endpoint: Some("http://tempo:4318".into()) })
//!     }
//!     fn handle(&mut self, dispatch: &Dispatch) -> Result<(), std::io::Error> {
//!         if dispatch.event() == "update_status" {
//!             self.on_update_status();
//!         }
//!         Ok(())
//!     }
//!     fn on_update_status(&self) {}
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     charm_tracing::run(MyCharm::new, MyCharm::handle)
//! }
//! ```
//!
//! yields, for the event `update-status` of the unit `app/0`, the trace
//!
//! ```text
//! app/0: update-status event
//!   method call: MyCharm.new
//!   event: update_status
//!     method call: MyCharm.handle
//!       method call: MyCharm.on_update_status
//! ```
//!
//! # Spans
//!
//! Names and attributes are those of the Python `charm_tracing`, and of `ops-tracing` where that has more.
//!
//! | span | name | attributes |
//! |---|---|---|
//! | root, from [`Session::start`] to its end | `<unit>: <hook> event` | `juju.dispatch_path`, `process.pid`, `process.exit.code` |
//! | event | `event: <event>`, with a span event of that name | `event_type`: `hook`, `action` or `custom` |
//! | method | `method call: <Type>.<method>` | `code.function.name`, `code.file.path`, `code.line.number` |
//! | function | `function call: <function>` | the same |
//! | hook tool, but `juju-log` | the tool's name | `juju.hook_tool.arguments`: what was asked for, never what was written; `process.exit.code` |
//!
//! A failed span has the status error, the attribute `error.type`, and an event `exception` with `exception.type`, `exception.message` and
//! `exception.stacktrace`: the causes of an error, the place of a panic. At most 8 KiB of a text are formatted. When formatting
//! the errors of a dispatch has taken 50 ms, later errors have only a type, because an error may ask a server for its text. The
//! resource has `service.name`, `compose_service`, `charm`, `charm_type`, `juju_unit`, `juju_application`, `juju_model`,
//! `juju_model_uuid`, `service.namespace` (the model's uuid), `service.namespace.name` (its name), `service.instance.id` (the
//! unit's number), `service.version` (the charm's file `version`) and `telemetry.sdk.*`.
//!
//! # When it is killed
//!
//! While a session is open, its spans are written into a journal beside the traces that wait. So a dispatch that is killed, or
//! calls [`std::process::exit`] in a handler, leaves its spans: the next dispatch of the unit delivers them as one trace. A
//! span that had not ended has the status error "interrupted" in that trace.
//!
//! The traced calls write the journal themselves, without a thread, and a killed dispatch lacks at most the last 63 records of a
//! burst. A child process that the charm forks writes no journal and sends nothing, because the trace belongs to its parent.
//!
//! # Parents
//!
//! If Juju passes a trace context (`TRACEPARENT` with `TRACESTATE`, or since 4.0 `JUJU_TRACE_ID` with `JUJU_SPAN_ID` and
//! `JUJU_TRACE_FLAGS`), a sampled one is the root's parent, an unsampled one is linked.
//!
//! # Where the traces go
//!
//! The traces go to the first of these endpoints that exists:
//!
//! 1. The charm's own endpoint, which it has learnt over a relation.
//! 2. The endpoint that the controller names for all charms (`JUJU_CHARM_TRACE_CONFIG_HTTP`, since Juju 4.1).
//! 3. The endpoint of OpenTelemetry's own variables: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` as it is, or
//!    `OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/traces`. The variables `..._HEADERS`, `..._CERTIFICATE`,
//!    `..._CLIENT_CERTIFICATE`, `..._CLIENT_KEY` and `..._PROTOCOL` belong to them. Juju passes none of them, so they are for
//!    tests and for charms that are not started by Juju. `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` and
//!    `OTEL_SDK_DISABLED` are read as well.
//!
//! The proxies are those of `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`.
//!
//! # What to reach for
//!
//! * [`trace_charm`] and [`run`] for the charm, [`run_async`] if its handler is an `async fn`; [`Session`] for one that has its
//!   own `main`.
//! * [`trace_type`] and [`trace_fn`] for what the charm uses, [`traced_type!`] for a type of another crate.
//! * [`current_span`] to add events and attributes to a span, [`event`](fn@event) and [`try_event`] for custom events, and the
//!   OpenTelemetry API ([`opentelemetry`]) for spans of your own: they are part of the same trace.
//! * [`process`] to run a command in a span, and [`CurrentSpan::traceparent`] for a request: the other side continues the trace.
//! * [`tracer_provider`] for a tracer that is taken before the session is open, such as that of a subscriber of `tracing`.
//! * [`with_current_context`] where work continues in another thread or task.
//! * [`Certificate`] and [`Config::ca_relation`] for a backend that speaks `https`.
//! * [`relation`] to learn over the `tracing` relation, or on a machine over `cos_agent`, where to send traces; [`juju`] for
//!   the dispatch environment and hook tools.
//! * `testing` (a feature) and [`switch_off`] in tests.
//!
//! # What it promises
//!
//! Tracing never makes a hook fail, and prints nothing. A trace that no backend has accepted yet waits as a file of its own in
//! a directory ([`Config::buffer_path`]). The file is the body of an OTLP/HTTP request, so `curl` can send it as well.
//! [`DeliveryReport`] says what happened to the traces. When nothing is recorded, a traced call costs one relaxed atomic load.
//!
//! The trace of one dispatch is bounded ([`Config::max_bytes_per_trace`]). When its quota is used up, no more spans begin.
//! Spans that are open stay open, and the root says how many are missing. Nothing is sent before the session finishes.
//!
//! While `opentelemetry::trace::get_active_span` or `Context::map_current` runs the charm's code, OpenTelemetry cannot make
//! another span the active one, and panics. A traced call in there catches that panic and is recorded.
//!
//! With `panic = "abort"` in the profile no panic can be caught. So the spans of functions that fail have only the type of the
//! error and not its text, because its `Display` may panic. The event and the root have the text that [`run`] prints. The charm
//! itself must avoid two things, because they abort it: a traced call inside of `get_active_span` or `Context::map_current`
//! (use [`current_span`] there), and a panic in an expression of `attributes(...)` or in the method that is the
//! `tracing_endpoint` or `server_cert`.
//!
//! Spans of a thread that was given no OpenTelemetry context are children of the event while it is handled, else of the root, if
//! the attributes, this crate's functions or a tracer of [`tracer_provider`] open them. The spans of a task that `tokio::spawn`
//! runs on such a thread are as well. [`with_current_context`] gives both the context. A span that is still open when the
//! session finishes is not part of the trace. The spans that have ended below it become children of its parent.
//!
//! # The guide
//!
//! The repository has a guide, as Markdown and as a book: `docs/guide/first-charm.md` leads from an empty folder to a packed charm,
//! `docs/guide/add-to-a-charm.md` adds tracing to a charm, and `docs/reference/spans.md` lists all names and attributes.
//!
//! # Features
//!
//! **`session`** (on by default): the trace of a dispatch, with all that is about Juju, files and the network: [`run`],
//! [`Session`], [`trace_charm`]. A library whose types are traced depends on this crate with `default-features = false`, which
//! has [`trace_type`], [`trace_fn`], [`traced_type!`], [`current_span`], [`event`](fn@event), [`is_enabled`],
//! [`tracer_provider`] and [`opentelemetry`], and builds none of the other crates. Its spans are part of the trace of the charm
//! that uses it.
//!
//! **`tls`** (on by default): pushing to `https` endpoints. Without it their traces wait.
//!
//! **`log`**: `JujuLogger`, a logger for the crate `log`. Its lines go to Juju's log and become events of the current span. It
//! is set by `Config::log` or `#[trace_charm(log = "info")]`.
//!
//! **`tokio`**: [`process::CommandExt`] for `tokio::process::Command`.
//!
//! **`tracing`**: `TracingLayer`, a layer for a subscriber of the crate `tracing`. Its spans become spans of the trace, and its
//! events become span events and lines in Juju's log.
//!
//! **`sdk`**: `Config::span_exporter`, also `#[trace_charm(span_exporters = [...])]`. Exporters and span processors of the charm, of
//! `opentelemetry_sdk` 0.33, get the spans beside the queue.
//!
//! **`testing`**: the module `testing`, which records spans in memory for the tests of traced code, and plays whole dispatches
//! in a Juju in memory. For the `[dev-dependencies]` only.

// docs.rs shows which feature an item needs, with a compiler that has the means.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(feature = "session"),
    expect(
        dead_code,
        unused_imports,
        reason = "the recorder has all that a session needs, and nothing opens one"
    ),
    allow(rustdoc::broken_intra_doc_links, reason = "what a session offers is named in plain text then")
)]

#[cfg(feature = "session")]
mod charm;
#[cfg(feature = "session")]
mod config;
#[cfg(feature = "session")]
mod delivery;
#[cfg(all(feature = "session", any(test, fuzzing)))]
#[doc(hidden)]
pub mod fuzzed;
#[cfg(feature = "session")]
mod hook_tools;
#[cfg(any(feature = "log", feature = "tracing"))]
mod juju_log;
#[cfg(feature = "log")]
mod logger;
mod names;
#[cfg(feature = "session")]
mod notice;
#[cfg(feature = "session")]
mod otel_variables;
#[cfg(any(feature = "session", feature = "testing"))]
mod otlp;
#[cfg(feature = "session")]
mod parent;
pub mod process;
mod protobuf;
#[cfg(feature = "session")]
mod queue;
mod recorder;
#[cfg(feature = "session")]
mod recovery;
#[cfg(feature = "session")]
mod resource;
#[cfg(feature = "session")]
mod run;
#[cfg(feature = "sdk")]
mod sdk;
#[cfg(feature = "session")]
mod session;
mod site;
mod span;
#[cfg(feature = "session")]
mod target;
#[cfg(feature = "testing")]
pub mod testing;
mod trace_context;
#[cfg(feature = "tracing")]
mod tracing_layer;
#[cfg(feature = "session")]
mod warnings_only;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

#[cfg(all(feature = "session", feature = "testing"))]
#[doc(hidden)]
#[path = "charm_traces.rs"]
pub mod __charm_traces;

#[cfg(feature = "session")]
pub use charm::TracedCharm;
#[cfg(feature = "session")]
pub use charm_tracing_macros::trace_charm;
pub use charm_tracing_macros::{trace_fn, trace_type, traced_type};
#[cfg(feature = "session")]
pub use config::Config;
#[cfg(feature = "session")]
pub use delivery::{
    Certificate, CertificateError, ClientCertificate, DeliveryProblem, DeliveryReport, Destination,
    EndpointError, Pem,
};
#[cfg(feature = "log")]
pub use logger::JujuLogger;
pub use opentelemetry;
pub use recorder::{SessionTracer, SessionTracerProvider, SwitchedOff, switch_off, tracer_provider};
#[cfg(feature = "session")]
pub use run::{run, run_async};
#[cfg(feature = "sdk")]
pub use sdk::{ExportError, Exports};
#[cfg(feature = "session")]
pub use session::Session;
pub use span::{CurrentSpan, current_span, event, try_event, with_current_context};
#[cfg(feature = "tracing")]
pub use tracing_layer::TracingLayer;
#[cfg(feature = "session")]
pub use tracing_relation as relation;
#[cfg(feature = "session")]
pub use tracing_relation::juju;

/// Returns true if traced calls record spans right now: a session is open and tracing is not switched off.
#[inline]
#[must_use]
pub fn is_enabled() -> bool {
    recorder::globals::is_recording()
}

/// Makes tests of the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
