use std::sync::Arc;

use opentelemetry::global::{self, GlobalTracerProvider};
use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState, TracerProvider};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample, SpanLimits,
};

use crate::globals;
use crate::recorder::{Finished, Recorder};

/// The instrumentation scope of every span that this crate opens by itself.
pub(crate) const SCOPE: &str = "charm-tracing";

/// Builds the SDK's provider around a recorder and makes it the global one, so that spans of
/// `opentelemetry::global::tracer` land in the same trace.
///
/// Returns the one that was global before, for [`uninstall`].
pub(crate) fn install(resource: Resource) -> (Arc<Recorder>, GlobalTracerProvider) {
    let finished = Finished::default();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(Everything)
        .with_span_limits(limits())
        .with_span_processor(finished.clone())
        .build();
    let scope = InstrumentationScope::builder(SCOPE).with_version(env!("CARGO_PKG_VERSION")).build();
    let recorder = Recorder::new(provider.tracer_with_scope(scope), finished);
    let previous = global::tracer_provider();
    global::set_tracer_provider(provider);
    (recorder, previous)
}

/// Gives the place back. Spans started from now on are none of ours.
pub(crate) fn uninstall(previous: GlobalTracerProvider) {
    global::set_tracer_provider(previous);
}

/// The SDK keeps 128 events of a span; a loop in a charm's handler gets there, and nothing is to be lost silently.
fn limits() -> SpanLimits {
    SpanLimits { max_events_per_span: 4096, max_attributes_per_span: 1024, ..SpanLimits::default() }
}

/// Samples every span, whatever the parent that Juju passed says: its default ratio of 0.1 is about the agent's
/// traces, not the charm's. Except while tracing is switched off for a scope.
#[derive(Clone, Debug)]
struct Everything;

impl ShouldSample for Everything {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _trace_id: TraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let decision = if globals::is_switched_off() {
            SamplingDecision::Drop
        } else {
            SamplingDecision::RecordAndSample
        };
        let trace_state =
            parent.map_or(TraceState::NONE, |context| context.span().span_context().trace_state().clone());
        SamplingResult { decision, attributes: Vec::new(), trace_state }
    }
}
