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
use super::quiet::{is_own_work, own_work};
use super::quota::Share;
use super::record::{Details, weight};
use super::span::LiveSpan;

/// The instrumentation scope of every span that this crate opens by itself.
pub(crate) fn own_scope() -> InstrumentationScope {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME")).with_version(env!("CARGO_PKG_VERSION")).build()
}

/// Returns the provider whose tracers record into the trace of the open session, whichever that is when a span starts.
///
/// A tracer may be taken from it at any time: at the top of `main`, before [`run`](crate::run) or
/// [`Session::start`](crate::Session::start), too. While no session is open, its spans record nothing. While one is open,
/// they are part of its trace: below the context in which they start, or below the root if that context has no span.
///
/// Tracers that `opentelemetry::global` returns before a session is open are different: OpenTelemetry has given away
/// tracers that record nothing by then, and they never record anything later. Where code that you cannot change takes such
/// a tracer early, make this provider the global one first:
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
    SessionTracerProvider { orphans: Orphans::BelowRoot }
}

/// The provider that [`tracer_provider`] returns.
#[derive(Clone, Debug)]
pub struct SessionTracerProvider {
    orphans: Orphans,
}

/// The place of a span that starts in a context without a span.
#[derive(Clone, Copy, Debug)]
enum Orphans {
    BelowRoot,
    /// OpenTelemetry's specification demands it, and `opentelemetry::global` promises what that says.
    NewTrace,
}

/// Makes tracers of `opentelemetry::global` record into the session. Returns the provider that was global before, for
/// [`uninstall`].
pub(crate) fn install() -> GlobalTracerProvider {
    let previous = global::tracer_provider();
    global::set_tracer_provider(SessionTracerProvider { orphans: Orphans::NewTrace });
    previous
}

/// Gives the place back. Spans that are started from now on are none of ours.
pub(crate) fn uninstall(previous: GlobalTracerProvider) {
    // What is replaced may be the charm's own. It is not to end while OpenTelemetry has its place locked, in which it may look.
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

/// A tracer that starts spans in the session that is open then; [`tracer_provider`] has them.
///
/// All its spans are sampled, whatever the parent that Juju passed says, because Juju's default ratio of 0.1 is about the
/// agent's traces, not the charm's.
#[derive(Clone, Debug)]
pub struct SessionTracer {
    scope: Arc<InstrumentationScope>,
    /// Set once the scope's size has been counted. The scope is written once, for all spans of it.
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
            if !self.weighed.swap(true, Ordering::Relaxed) {
                globals::take_quota(weight::scope(&self.scope));
            }
            let details = Details { scope: Some(Arc::clone(&self.scope)), ..details(builder) };
            let begin = |parent: &SpanContext| {
                let handle = globals::begin(parent, None, Some(Box::new(details)), start)?;
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
    /// Returns `None` if the session ended a moment ago.
    fn place_of_orphan(&self) -> Option<SpanContext> {
        match self.orphans {
            Orphans::BelowRoot => Some(globals::root()?.span().span_context().clone()),
            Orphans::NewTrace => Some(new_trace()),
        }
    }
}

/// Where the root of a new trace belongs.
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
