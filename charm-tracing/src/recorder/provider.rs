use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::global::{self, GlobalTracerProvider};
use opentelemetry::trace::{
    SpanBuilder, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, InstrumentationScope};

use super::clock::{now, on_the_clock};
use super::globals;
use super::ids::new_trace_id;
use super::live_span::{LiveSpan, parent_of_orphans};
use super::own_work::{is_own_work, own_work};
use super::quota::Share;
use super::record::{Details, weight};

/// The version of OpenTelemetry's semantic conventions that our attributes follow.
const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// Returns the instrumentation scope of every span that this crate opens by itself.
pub(crate) fn own_scope() -> InstrumentationScope {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(SCHEMA_URL)
        .build()
}

/// Returns the provider whose tracers record into the trace of the open session, whichever that is when a span starts.
///
/// A tracer may be taken from it at any time, even at the top of `main` before [`run`](crate::run) or
/// [`Session::start`](crate::Session::start). While no session is open, its spans record nothing. While one is open, they are
/// part of its trace: below the context in which they start. If that has no span, they are below the event while it is handled,
/// else below the root.
///
/// Tracers that `opentelemetry::global` returns before a session is open are different: they record nothing, and never record
/// anything later. If code that you cannot change takes such a tracer early, make this provider the global one first:
/// `opentelemetry::global::set_tracer_provider(charm_tracing::tracer_provider())`.
///
/// A subscriber of the crate `tracing` is usually set up at the top of `main`. With this tracer, the spans of
/// `#[tracing::instrument]` and `tracing::info_span!` are between those of the attributes, and what is logged inside them
/// becomes their span events. What is logged outside of a span of `tracing` is not in the trace.
///
/// ```
/// use charm_tracing::opentelemetry::trace::TracerProvider;
/// use charm_tracing::{juju::Dispatch, trace_charm};
/// use tracing_subscriber::prelude::*;
///
/// struct MyCharm {
///     endpoint: Option<String>,
/// }
///
/// #[trace_charm(tracing_endpoint = "endpoint")]
/// impl MyCharm {
///     fn new(_: &Dispatch) -> Result<Self, std::io::Error> {
///         Ok(Self { endpoint: None })
///     }
///     fn handle(&mut self, _: &Dispatch) -> Result<(), std::io::Error> {
///         tracing::info_span!("render", files = 3).in_scope(|| tracing::info!("rendered"));
///         Ok(())
///     }
/// }
///
/// fn main() -> std::process::ExitCode {
///     let tracer = charm_tracing::tracer_provider().tracer("my-charm");
///     tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer)).init();
///     charm_tracing::run(MyCharm::new, MyCharm::handle)
/// }
/// ```
#[must_use]
pub fn tracer_provider() -> SessionTracerProvider {
    SessionTracerProvider { orphans: Orphans::InSession }
}

/// The provider that [`tracer_provider`] returns.
#[derive(Clone, Debug)]
pub struct SessionTracerProvider {
    orphans: Orphans,
}

/// The place of a span that starts in a context without a span.
#[derive(Clone, Copy, Debug)]
enum Orphans {
    /// Below the event while it is handled, else below the root.
    InSession,
    /// The root of a new trace. OpenTelemetry's specification demands this, and code that uses `opentelemetry::global` relies
    /// on it.
    NewTrace,
}

/// Makes tracers of `opentelemetry::global` record into the session. Returns the provider that was global before, for
/// [`uninstall`].
pub(crate) fn install() -> GlobalTracerProvider {
    let previous = global::tracer_provider();
    global::set_tracer_provider(SessionTracerProvider { orphans: Orphans::NewTrace });
    previous
}

/// Makes the provider that was global before [`install`] the global one again.
pub(crate) fn uninstall(previous: GlobalTracerProvider) {
    // The replaced provider may be the charm's own, and its destructor may ask for the global provider. So it is dropped only
    // after OpenTelemetry has released its lock.
    let replaced = global::tracer_provider();
    global::set_tracer_provider(previous);
    drop(replaced);
}

impl TracerProvider for SessionTracerProvider {
    type Tracer = SessionTracer;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> SessionTracer {
        SessionTracer { scope: Arc::new(scope), weighed: Arc::default(), orphans: self.orphans }
    }
}

/// A tracer that starts spans in the session that is open at that time. A [`tracer_provider`] returns it.
///
/// All its spans are sampled, even if the parent that Juju passed is not, because Juju's default ratio of 0.1 is for the traces
/// of the agent, not of the charm.
#[derive(Clone, Debug)]
pub struct SessionTracer {
    scope: Arc<InstrumentationScope>,
    /// True once the size of the scope has been taken from the quota. It is taken once, because the scope is written once for
    /// all its spans. A later session of the process writes it again and takes nothing from its quota, but a charm has one session.
    weighed: Arc<AtomicBool>,
    orphans: Orphans,
}

impl Tracer for SessionTracer {
    type Span = LiveSpan;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> LiveSpan {
        if parent.is_telemetry_suppressed() || is_own_work() {
            return LiveSpan::unrecorded(SpanContext::NONE);
        }
        let parent = parent.span();
        let parent = parent.span_context();
        if !globals::is_recording() {
            return LiveSpan::unrecorded(parent.clone());
        }
        own_work(|| {
            let start = builder.start_time.map_or_else(now, on_the_clock);
            let details = Details { scope: Some(Arc::clone(&self.scope)), ..details(builder) };
            let begin = |parent: &SpanContext| {
                let handle = globals::with(|trace| {
                    if !self.weighed.load(Ordering::Relaxed) {
                        if !trace.take_quota(weight::scope(&self.scope)) {
                            trace.dropped_spans += 1;
                            return None;
                        }
                        self.weighed.store(true, Ordering::Relaxed);
                    }
                    trace.begin_span(parent, None, Some(Box::new(details)), start)
                })??;
                Some(LiveSpan::owning(handle, parent))
            };
            let span = if parent.is_valid() {
                begin(parent)
            } else {
                self.place_of_orphan().and_then(|place| begin(&place))
            };
            span.unwrap_or_else(|| LiveSpan::unrecorded(parent.clone()))
        })
    }
}

impl SessionTracer {
    /// Returns the parent of a span that starts in a context without a span; `None` if the session has just ended.
    fn place_of_orphan(&self) -> Option<SpanContext> {
        match self.orphans {
            Orphans::InSession => Some(parent_of_orphans()?.span().span_context().clone()),
            Orphans::NewTrace => Some(new_trace()),
        }
    }
}

/// Returns the context of a new trace, below which its root begins.
pub(crate) fn new_trace() -> SpanContext {
    SpanContext::new(new_trace_id(), SpanId::INVALID, TraceFlags::NOT_SAMPLED, false, TraceState::NONE)
}

fn details(builder: SpanBuilder) -> Details {
    let SpanBuilder { span_kind, name, start_time: _, attributes, events, links } = builder;
    let mut details = Details::named(name, attributes.unwrap_or_default());
    details.kind = span_kind;
    for event in events.into_iter().flatten() {
        details.add_event(event, &mut Share::unlimited());
    }
    for link in links.into_iter().flatten() {
        details.add_link(link, &mut Share::unlimited());
    }
    details
}
