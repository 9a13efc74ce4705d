use opentelemetry::global::GlobalTracerProvider;
use opentelemetry::trace::TraceContextExt;

use super::{Span, Trace};
use crate::otlp::encode_request;
use crate::recorder::globals;
use crate::recorder::turn::{Turn, Use};
use crate::recorder::{self, Details, new_trace, open_trace, own_scope};
use crate::span::{self, OpenSpan};

/// A recording in memory of every span of the process, for as long as it lives. It buffers and sends nothing, and needs no
/// dispatch.
#[derive(Debug)]
#[must_use = "nothing is recorded any more when this is dropped"]
pub struct Recording {
    previous_provider: Option<GlobalTracerProvider>,
    // The root ends after all other spans.
    _root: OpenSpan,
    _turn: Turn,
}

impl Recording {
    /// Starts to record. Waits first while another thread of this process holds a recording or has a
    /// [`Session`](crate::Session) open.
    ///
    /// # Panics
    ///
    /// Panics if this thread holds a recording or has a session open, because its spans and those of this recording would be
    /// the same. Panics if another thread has had one for a minute, because that thread may be waiting for this one.
    pub fn start() -> Self {
        let turn = Turn::take(Use::Recording);
        let turn = turn.unwrap_or_else(|refused| panic!("cannot record spans: {refused}"));
        let root = Box::new(Details::named("recording", Vec::new()));
        let opened = span::own_work(|| open_trace(u64::MAX, &new_trace(), root, None));
        let (root, _) = opened.expect("nothing is open out of turn");
        let previous = recorder::install();
        span::install_hook();
        Self { previous_provider: Some(previous), _root: OpenSpan::new(root), _turn: turn }
    }

    /// Returns the spans that have ended so far.
    ///
    /// A span has no parent if it was opened outside of all others. The parent of a span may be missing, because it has not
    /// ended.
    #[must_use]
    pub fn spans(&self) -> Trace {
        let encoded = span::own_work(|| {
            globals::with(|trace| {
                let request = encode_request(&trace.spans, trace.context, &own_scope(), &[]);
                (request, trace.root.as_ref().map(|root| root.span().span_context().span_id()))
            })
        });
        let (request, root) = encoded.unwrap_or_default();
        let trace = Trace::from_otlp(&request);
        let trace = trace.unwrap_or_else(|error| unreachable!("the request is our own: {error}"));
        // The recording's own root is not among the spans.
        let without_root =
            |span: Span| Span { parent_span_id: span.parent_span_id.filter(|id| Some(*id) != root), ..span };
        trace.into_iter().map(without_root).collect()
    }

    /// Returns the [`Trace::tree`] of the spans that have ended so far.
    #[must_use]
    pub fn tree(&self) -> String {
        self.spans().tree()
    }

    /// Returns the number of spans that have ended so far.
    #[must_use]
    pub fn count(&self) -> usize {
        globals::with(|trace| trace.spans.ended_count()).unwrap_or(0)
    }

    /// Forgets the spans that have ended so far.
    pub fn clear(&self) {
        span::own_work(|| globals::with(|trace| trace.spans.forget()));
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(previous) = self.previous_provider.take() {
            recorder::uninstall(previous);
        }
        globals::close();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use opentelemetry::trace::{SpanKind, TraceContextExt, Tracer, TracerProvider};
    use opentelemetry::{Context, KeyValue};

    use super::Recording;
    use crate::testing::Resource;

    #[test]
    fn recordings_take_turns_and_see_only_their_own_spans() {
        let record = || {
            let recording = Recording::start();
            crate::event("one", || crate::event("two", || ()));
            let _ = crate::try_event("three", || Err::<(), _>("no such unit"));
            assert_eq!(recording.count(), 3);
            let tree = recording.tree();
            recording.clear();
            assert_eq!(recording.tree(), "");
            tree
        };
        let other = thread::spawn(record);
        let expected = "event: one\n  event: two\nevent: three [error: no such unit]\n";
        assert_eq!(record(), expected);
        assert_eq!(other.join().unwrap(), expected);
    }

    #[test]
    fn a_recording_has_everything_that_was_said_about_a_span() {
        let recording = Recording::start();
        crate::event("outer", || {
            let tracer = crate::tracer_provider().tracer("client");
            let request = tracer.span_builder("request").with_kind(SpanKind::Client);
            let request = request.with_attributes([KeyValue::new("port", 4318)]);
            let request = Context::current_with_span(request.start(&tracer));
            let span = request.span();
            span.add_event("sent", vec![KeyValue::new("bytes", 12)]);
            span.end();
        });
        let trace = recording.spans();
        assert_eq!(trace.check(), Ok(()));
        let (outer, request) = (trace.span("event: outer"), trace.span("request"));
        assert_eq!((outer.parent_span_id, request.parent_span_id), (None, Some(outer.span_id)));
        assert_eq!((&request.kind, request.scope.name.as_str()), (&SpanKind::Client, "client"));
        assert_eq!(request.attribute("port").unwrap(), 4318);
        assert_eq!(request.event("sent").unwrap().attribute("bytes").unwrap(), 12);
        assert_eq!(*request.resource, Resource::default());
        assert!(outer.duration() >= request.duration());
    }

    #[test]
    fn a_span_whose_parent_is_open_is_not_indented() {
        let recording = Recording::start();
        crate::event("open", || {
            crate::event("ended", || ());
            let trace = recording.spans();
            trace.assert_tree("event: ended");
            assert!(trace.spans()[0].parent_span_id.is_some());
        });
        recording.spans().assert_tree("event: open\n  event: ended");
    }
}
