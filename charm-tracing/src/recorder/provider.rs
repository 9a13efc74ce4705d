use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::global::{self, GlobalTracerProvider};
use opentelemetry::trace::{
    SpanBuilder, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, InstrumentationScope};

use super::clock::{now, on_the_clock};
use super::ids::new_trace_id;
use super::record::{Details, weight};
use super::room::Room;
use super::span::LiveSpan;
use crate::globals;
use crate::span::{is_own_work, own_work};

/// The instrumentation scope of every span that this crate opens by itself.
pub(crate) fn own_scope() -> InstrumentationScope {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME")).with_version(env!("CARGO_PKG_VERSION")).build()
}

/// What `opentelemetry::global` hands out while a session is open, so that spans of `global::tracer` land in its trace.
#[derive(Debug)]
struct Provider;

/// Makes it the global one. Returns the one that was global before, for [`uninstall`].
pub(crate) fn install() -> GlobalTracerProvider {
    let previous = global::tracer_provider();
    global::set_tracer_provider(Provider);
    previous
}

/// Gives the place back. Spans that are started from now on are none of ours.
pub(crate) fn uninstall(previous: GlobalTracerProvider) {
    // What is replaced may be the charm's own. It is not to end while OpenTelemetry has its place locked, in which it may look.
    let replaced = global::tracer_provider();
    global::set_tracer_provider(previous);
    drop(replaced);
}

impl TracerProvider for Provider {
    type Tracer = SessionTracer;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> SessionTracer {
        SessionTracer { scope: Arc::new(scope), weighed: AtomicBool::new(false) }
    }
}

/// Opens spans in whatever session is open then. All are sampled, whatever the parent that Juju passed says: its default
/// ratio of 0.1 is about the agent's traces, not the charm's.
#[derive(Debug)]
pub(crate) struct SessionTracer {
    scope: Arc<InstrumentationScope>,
    /// It is written once, for all spans of it.
    weighed: AtomicBool,
}

impl Tracer for SessionTracer {
    type Span = LiveSpan;

    /// Without a parent it is the root of a trace of its own, as OpenTelemetry has it.
    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> LiveSpan {
        if parent.is_telemetry_suppressed() || is_own_work() {
            return LiveSpan::unrecorded(SpanContext::NONE);
        }
        let parent = parent.span();
        let parent = parent.span_context();
        own_work(|| {
            let start = builder.start_time.map_or_else(now, on_the_clock);
            if !self.weighed.swap(true, Ordering::Relaxed) {
                globals::take_room(weight::scope(&self.scope));
            }
            let details = Details { scope: Some(Arc::clone(&self.scope)), ..details(builder) };
            let begin = |parent: &SpanContext| {
                let handle = globals::begin(parent, None, Some(Box::new(details)), start)?;
                Some(LiveSpan::owning(handle, parent))
            };
            let span = if parent.is_valid() { begin(parent) } else { begin(&new_trace()) };
            span.unwrap_or_else(|| LiveSpan::unrecorded(parent.clone()))
        })
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
        details.add_event(event, &mut Room::endless());
    }
    for link in links.into_iter().flatten() {
        details.add_link(link, &mut Room::endless());
    }
    details
}
