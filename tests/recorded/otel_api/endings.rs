//! A span ends once, when it is ended first, by whomever and wherever.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use charm_tracing::opentelemetry::global::BoxedSpan;
use charm_tracing::opentelemetry::trace::{Span, Status, TraceContextExt, Tracer, mark_span_as_active};
use charm_tracing::opentelemetry::{Context, ContextGuard, KeyValue, global};
use charm_tracing::{Config, CurrentSpan, current_span, event, trace_fn, trace_type};
use tests::futures::{block_on, once};
use tests::recording::{record, spans_of, take_turn};

fn start(name: &'static str) -> BoxedSpan {
    global::tracer("library").start(name)
}

/// Later than any clock says, in nanoseconds too.
fn later(hours: u64) -> (SystemTime, u64) {
    let time = SystemTime::now() + Duration::from_hours(hours);
    let nanos = time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    (time, u64::try_from(nanos).unwrap())
}

/// Says what must not arrive.
fn say_too_late(span: &mut impl Span) {
    assert!(!span.is_recording());
    span.set_attribute(KeyValue::new("late", true));
    span.add_event("late", Vec::new());
    span.add_link(span.span_context().clone(), Vec::new());
    span.set_status(Status::error("late"));
    span.update_name("late");
}

fn says_nothing(span: &charm_testing::Span) {
    assert!(span.attribute("late").is_none());
    assert_eq!((span.events.len(), span.links.len()), (0, 0));
    assert_eq!(span.status, Status::Unset);
}

#[test]
fn a_span_does_not_end_before_it_begins_whatever_times_are_given() {
    let hour = Duration::from_hours(1);
    let (before_1970, now) = (SystemTime::UNIX_EPOCH - hour, SystemTime::now());
    let spans = spans_of(|| {
        let tracer = global::tracer("library");
        start("ended in the past").end_with_timestamp(now - hour);
        start("ended before 1970").end_with_timestamp(before_1970);
        tracer.span_builder("begun in the future").with_start_time(now + hour).start(&tracer).end();
        tracer.span_builder("begun before 1970").with_start_time(before_1970).start(&tracer).end();
    });
    for name in ["ended in the past", "ended before 1970", "begun in the future"] {
        let span = spans.span(name);
        assert_eq!(span.end_unix_nanos, span.start_unix_nanos, "{name}");
    }
    let span = spans.span("begun before 1970");
    assert_eq!(span.start_unix_nanos, 0);
    assert!(span.end_unix_nanos > 0);
}

#[test]
fn the_first_end_counts() {
    let ((one, first), (two, _)) = (later(1), later(2));
    let spans = spans_of(|| {
        let mut span = start("twice");
        span.end_with_timestamp(one);
        say_too_late(&mut span);
        span.end_with_timestamp(two);
        span.end();
        drop(span);

        let context = Context::current_with_span(start("by its context"));
        let other = context.clone();
        context.span().end_with_timestamp(one);
        other.span().end_with_timestamp(two);
        assert!(!other.span().is_recording());
        drop(context);
        other.span().end();

        global::tracer("library").in_span("inside", |context| {
            context.span().end_with_timestamp(one);
            event("below one that has ended", || ());
        });
    });
    for name in ["twice", "by its context", "inside"] {
        assert_eq!(spans.span(name).end_unix_nanos, first, "{name}");
        says_nothing(spans.span(name));
    }
    assert_eq!(
        spans.outline().to_string(),
        "\
app/0: start event
  event: start
    twice
    by its context
    inside
      event: below one that has ended"
    );
}

struct Charm {
    time: SystemTime,
    kept: RefCell<Vec<ContextGuard>>,
}

#[trace_type]
impl Charm {
    /// Another span begins meanwhile, which is not to be taken for it.
    fn ends_itself(&self, other: &mut Option<BoxedSpan>) -> Result<(), &'static str> {
        let context = Context::current();
        context.span().end_with_timestamp(self.time);
        assert!(!context.span().is_recording());
        *other = Some(start("in its place"));
        self.other();
        context.span().set_status(Status::Ok);
        context.span().end();
        assert!(current_span().is_none());
        Err("late")
    }

    async fn ends_its_future(&self) {
        once().await;
        Context::current().span().end_with_timestamp(self.time);
        once().await;
        self.other();
    }

    fn panics_afterwards(&self) {
        Context::current().span().end_with_timestamp(self.time);
        self.other();
        panic!("late");
    }

    fn other(&self) {
        assert!(self.time > SystemTime::now());
    }

    fn keeps(&self) {
        self.kept.borrow_mut().push(mark_span_as_active(start("kept")));
        self.other();
    }

    fn gives_back(&self, which: usize) {
        let guard = self.kept.borrow_mut().remove(which);
        drop(guard);
        self.other();
    }

    async fn keeps_later(&self) {
        once().await;
        self.kept.borrow_mut().push(mark_span_as_active(start("kept by a future")));
        once().await;
        self.other();
    }
}

fn charm(time: SystemTime) -> Charm {
    Charm { time, kept: RefCell::default() }
}

#[test]
fn a_method_may_end_its_own_span() {
    let (time, end) = later(1);
    let charm = charm(time);
    let spans = spans_of(|| {
        let mut other = None;
        charm.ends_itself(&mut other).unwrap_err();
        assert!(other.as_ref().unwrap().is_recording());
        drop(other);
        block_on(charm.ends_its_future());
        catch_unwind(AssertUnwindSafe(|| charm.panics_afterwards())).unwrap_err();
        charm.other();
    });
    says_nothing(spans.span("in its place"));
    for name in ["ends_itself", "ends_its_future", "panics_afterwards"] {
        let span = spans.span(&format!("method call: Charm.{name}"));
        assert_eq!(span.end_unix_nanos, end, "{name}");
        says_nothing(span);
    }
    assert_eq!(
        spans.outline().to_string(),
        "\
app/0: start event
  event: start
    method call: Charm.ends_itself
      in its place
      method call: Charm.other
    method call: Charm.ends_its_future
      method call: Charm.other
    method call: Charm.panics_afterwards
      method call: Charm.other
    method call: Charm.other"
    );
}

/// An attached context stays attached until its guard is dropped, as OpenTelemetry has it.
#[test]
fn a_guard_may_outlive_the_method_that_made_it() {
    let charm = charm(later(1).0);
    let spans = spans_of(|| {
        event("first", || charm.keeps());
        charm.other();
        event("second", || charm.keeps());
        event("older first", || charm.gives_back(0));
        charm.other();
        charm.gives_back(0);
        charm.other();
    });
    assert_eq!(
        spans.outline().to_string(),
        "\
app/0: start event
  event: start
    event: first
      method call: Charm.keeps
        kept
          method call: Charm.other
          method call: Charm.other
          event: second
            method call: Charm.keeps
              kept
                method call: Charm.other
                event: older first
                  method call: Charm.gives_back
                    method call: Charm.other
                method call: Charm.other
                method call: Charm.gives_back
                  method call: Charm.other
    method call: Charm.other"
    );
}

#[test]
fn a_guard_may_outlive_the_poll_that_made_it() {
    let charm = charm(later(1).0);
    let spans = spans_of(|| {
        block_on(charm.keeps_later());
        charm.other();
        charm.kept.borrow_mut().clear();
        charm.other();
    });
    assert_eq!(
        spans.outline().to_string(),
        "\
app/0: start event
  event: start
    method call: Charm.keeps_later
      kept by a future
        method call: Charm.other
      method call: Charm.other
    method call: Charm.other"
    );
}

#[test]
fn a_span_may_end_on_another_thread() {
    let (time, end) = later(1);
    let context = Arc::new(Mutex::new(None));
    let spans = spans_of(|| {
        let mut moved = start("moved");
        thread::spawn(move || moved.end_with_timestamp(time)).join().unwrap();
        event("by another", || {
            let handle = current_span().unwrap();
            *context.lock().unwrap() = Some(Context::current());
            let shared = Arc::clone(&context);
            let by_another = move || {
                assert!(handle.is_recording());
                shared.lock().unwrap().as_ref().unwrap().span().end_with_timestamp(time);
                assert!(!handle.is_recording());
            };
            thread::spawn(by_another).join().unwrap();
            event("afterwards", || ());
        });
        thread::scope(|scope| {
            let shared = Context::current_with_span(start("by many"));
            for _ in 0..8 {
                let shared = shared.clone();
                scope.spawn(move || (0..100).for_each(|_| shared.span().end()));
            }
        });
    });
    assert_eq!(spans.span("moved").end_unix_nanos, end);
    assert_eq!(spans.span("event: by another").end_unix_nanos, end);
    assert_eq!(
        spans.outline().to_string(),
        "\
app/0: start event
  event: start
    moved
    event: by another
      event: afterwards
    by many"
    );
}

#[derive(Default)]
struct Late {
    spans: Vec<BoxedSpan>,
    contexts: Vec<Context>,
    handle: Option<CurrentSpan>,
    guard: Option<ContextGuard>,
    future: Option<std::pin::Pin<Box<dyn Future<Output = ()>>>>,
}

#[trace_fn]
fn leave_open(late: &mut Late) {
    late.spans = vec![start("ended late"), start("dropped late"), start("ended late, in another session")];
    late.contexts = vec![Context::current(), Context::current_with_span(start("in a context"))];
    late.handle = current_span();
    late.guard = Some(mark_span_as_active(start("active")));
    late.future = Some(Box::pin(waits_forever()));
    let _ = tests::futures::poll(late.future.as_mut().unwrap().as_mut());
}

#[trace_fn]
async fn waits_forever() {
    std::future::pending::<()>().await;
}

/// A span that has not ended when the session finishes is not part of its trace, nor of another one.
#[test]
fn what_ends_after_its_session_is_harmless() {
    let turn = take_turn();
    let mut late = Late::default();
    let first = record(&turn, Config::new(), |session| session.event(|| leave_open(&mut late)));
    let expected = "app/0: start event\n  event: start\n    function call: leave_open";
    assert_eq!(first.spans.outline().to_string(), expected);
    first.spans.check().unwrap();

    late.spans[0].end();
    say_too_late(&mut late.spans[0]);
    drop(late.spans.remove(1));
    say_too_late(&mut late.spans[1]);
    late.contexts[1].span().end();
    assert!(!late.handle.as_ref().unwrap().is_recording());
    assert!(!late.contexts[0].span().is_recording());
    late.guard.take();

    let second = record(&turn, Config::new(), |session| {
        session.event(|| {
            // Places in which spans of the first session were.
            let (_one, _two, _three) = (start("one"), start("two"), start("three"));
            late.contexts.iter().for_each(|context| {
                context.span().set_status(Status::error("late"));
                context.span().end();
            });
            late.handle.as_ref().unwrap().set_attribute(KeyValue::new("late", true));
            late.spans.iter_mut().for_each(say_too_late);
            late.spans.iter_mut().for_each(Span::end);
            drop(late);
        });
    });
    second.spans.check().unwrap();
    assert_eq!(
        second.spans.outline().to_string(),
        "app/0: start event\n  event: start\n    one\n    two\n    three"
    );
    for name in ["app/0: start event", "one", "two", "three"] {
        says_nothing(second.spans.span(name));
    }
}
