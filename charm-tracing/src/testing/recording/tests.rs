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
