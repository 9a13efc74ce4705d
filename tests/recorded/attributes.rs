//! The spans that the attributes record, as trees.
#![expect(clippy::unused_self, clippy::boxed_local, reason = "the methods are there for their signatures")]

use std::cell::Cell;
use std::fmt::{self, Display};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use charm_testing::collector::Collector;
use charm_tracing::juju::Dispatch;
use charm_tracing::juju::testing::Model;
use charm_tracing::opentelemetry::trace::{Status, TraceContextExt, Tracer, get_active_span};
use charm_tracing::opentelemetry::{self, KeyValue, global};
use charm_tracing::{
    Config, Destination, Session, TracedCharm, current_span, trace_charm, trace_fn, trace_type, try_event,
};
use tests::futures::block_on;
use tests::recording::{recorded, spans_of, take_turn};

/// Not ready at the first poll.
struct Once(Cell<bool>);

impl Future for Once {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.replace(true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn once() -> Once {
    Once(Cell::new(false))
}

#[derive(Debug, Clone, Default)]
struct Workload {
    units: Vec<u8>,
}

#[trace_type(skip(quiet))]
impl Workload {
    const fn constant() -> u8 {
        3
    }

    fn associated() -> Self {
        Self { units: vec![Self::constant()] }
    }

    fn by_reference(&self) -> usize {
        self.quiet()
    }

    fn by_mutable_reference(&mut self) -> Result<&mut u8, &'static str> {
        self.units.first_mut().ok_or("no units")
    }

    fn by_value(self) -> Vec<u8> {
        self.units
    }

    fn by_mutable_value(mut self) -> Result<Self, String> {
        self.units.push(1);
        Ok(self)
    }

    fn boxed(self: Box<Self>) -> usize {
        self.units.len()
    }

    fn shared(self: Rc<Self>) -> usize {
        self.units.len()
    }

    fn pinned(self: Pin<&mut Self>) -> usize {
        self.units.len()
    }

    fn quiet(&self) -> usize {
        self.units.len()
    }

    fn nested(&self) -> usize {
        self.by_reference() + helper(2)
    }

    fn iterate(&self) -> Result<impl Iterator<Item = &u8>, fmt::Error> {
        Ok(self.units.iter())
    }

    fn generic<T: Display, const N: usize>(&self, values: [T; N]) -> Result<String, T> {
        values.into_iter().next().map_or(Ok(String::new()), Err)
    }

    fn borrowed<'a>(&'a self, (left, _right): (&'a str, &str)) -> Result<&'a str, fmt::Error> {
        for _ in 0..1 {
            if left.is_empty() {
                return Err(fmt::Error);
            }
        }
        Ok(left)
    }

    async fn waits(&self, delay: Once) -> Result<usize, String> {
        delay.await;
        let doubled: Vec<_> = self.units.iter().map(|unit| unit * 2).collect();
        if doubled.is_empty() {
            return Err("nothing to wait for".into());
        }
        Ok(doubled.len())
    }

    #[trace_fn(name = "workload: renamed")]
    fn renamed(&self) {}

    fn r#type(&self) -> &'static str {
        const TYPE: &str = "workload";
        TYPE
    }
}

#[trace_type]
impl From<Workload> for Vec<u8> {
    fn from(workload: Workload) -> Self {
        workload.units
    }
}

#[trace_type]
impl PartialEq for Workload {
    fn eq(&self, other: &Self) -> bool {
        self.units == other.units
    }
}

trait Sized8 {
    fn size(&self) -> usize;
}

#[trace_type]
impl<T: Display> Sized8 for T {
    fn size(&self) -> usize {
        self.to_string().len()
    }
}

trait Pointing {
    fn points(&self) -> bool;
}

#[trace_type]
impl<T> Pointing for &T {
    fn points(&self) -> bool {
        true
    }
}

#[trace_type]
impl<T: ?Sized> Pointing for Box<T> {
    fn points(&self) -> bool {
        true
    }
}

/// Listing a type is checked while compiling: several traced blocks of traits beside one of its own are fine.
#[trace_charm(tracing_endpoint = "type", extra_types = [Workload, Generic<'static, u8>])]
struct Keyword {
    r#type: Option<String>,
}

#[trace_type]
impl Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} units", self.units.len())
    }
}

struct Generic<'a, T>(&'a [T]);

#[trace_type]
impl<'a, T: Clone> Generic<'a, T>
where
    T: PartialEq,
{
    fn first(&self) -> Option<&'a T> {
        self.0.first()
    }
}

impl Workload {
    #[trace_fn]
    fn alone(&self) -> usize {
        self.units.len()
    }
}

#[trace_fn]
fn helper(value: usize) -> usize {
    value
}

#[trace_fn]
fn fallible(fail: bool) -> Result<(), Box<dyn std::error::Error>> {
    let _: u8 = if fail { "three" } else { "3" }.parse()?;
    Ok(())
}

#[trace_fn]
fn panics(message: &str) -> Result<(), fmt::Error> {
    assert!(message.is_empty(), "{message}");
    Ok(())
}

#[trace_fn]
async fn polled(first: Once, second: Once) -> &'static str {
    first.await;
    helper(1);
    second.await;
    "done"
}

#[test]
fn every_form_of_self_has_its_span() {
    let tree = recorded(|| {
        let mut workload = Workload::associated();
        workload.by_reference();
        workload.by_mutable_reference().unwrap();
        Pin::new(&mut workload).pinned();
        Box::new(workload.clone()).boxed();
        Rc::new(workload.clone()).shared();
        workload.clone().by_value();
        workload.by_mutable_value().unwrap();
    });
    assert_eq!(
        tree,
        "\
method call: Workload.associated
method call: Workload.by_reference
method call: Workload.by_mutable_reference
method call: Workload.pinned
method call: Workload.boxed
method call: Workload.shared
method call: Workload.by_value
method call: Workload.by_mutable_value
"
    );
}

#[test]
fn calls_nest_and_skipped_methods_leave_no_gap() {
    let tree = recorded(|| {
        Workload::default().nested();
    });
    assert_eq!(
        tree,
        "\
method call: Workload.nested
  method call: Workload.by_reference
  function call: helper
"
    );
}

#[test]
fn traits_generics_and_lifetimes_are_named_for_their_type() {
    let tree = recorded(|| {
        let workload = Workload::default();
        assert_eq!(workload.to_string(), "0 units");
        assert_eq!(Generic(&[7, 8]).first(), Some(&7));
        assert_eq!(workload.iterate().unwrap().count(), 0);
        assert_eq!(workload.borrowed(("left", "right")), Ok("left"));
    });
    assert_eq!(
        tree,
        "\
method call: Workload.fmt
method call: Generic.first
method call: Workload.iterate
method call: Workload.borrowed
"
    );
}

#[test]
fn a_method_is_named_for_its_type_wherever_the_attribute_stands() {
    let tree = recorded(|| {
        let workload = Workload::default();
        workload.alone();
        workload.renamed();
    });
    assert_eq!(tree, "method call: Workload.alone\nworkload: renamed\n");
}

#[test]
fn blanket_impls_and_keywords_are_traced_like_any_other() {
    let tree = recorded(|| {
        assert_eq!(7_u8.size(), 1);
        assert!((&7).points() && Box::new(7).points());
        assert_eq!(Workload::default().r#type(), "workload");
        assert!(Workload::default() == Workload::default());
        assert!(Vec::from(Workload::default()).is_empty());
    });
    assert_eq!(
        tree,
        "\
method call: T.size
method call: T.points
method call: Box.points
method call: Workload.type
method call: Workload.eq
method call: Vec.from
"
    );
    let keyword = Keyword { r#type: Some("http://tempo:4318".into()) };
    assert_eq!(keyword.destination(), Some(Destination::new("http://tempo:4318", None)));
}

#[test]
fn a_returned_error_marks_the_span() {
    let tree = recorded(|| {
        assert!(fallible(true).is_err());
        assert!(fallible(false).is_ok());
        assert!(Workload::default().generic(["not a number"]).is_err());
    });
    assert_eq!(
        tree,
        "\
function call: fallible [error: invalid digit found in string]
function call: fallible
method call: Workload.generic [error: not a number]
"
    );
    let spans = spans_of(|| {
        let _ = fallible(true);
    });
    let exception = spans.span("function call: fallible").event("exception").unwrap();
    assert_eq!(exception.attribute("exception.message").unwrap(), "invalid digit found in string");
    let name = exception.attribute("exception.type").unwrap().to_string();
    assert!(name.contains("dyn core::error::Error"), "{name}");
}

#[test]
fn a_panic_closes_every_span_it_passes() {
    let spans = spans_of(|| {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            Workload::default().by_reference();
            let _ = panics("no such unit");
        }));
        assert!(caught.is_err());
        helper(1);
    });
    let failed: Vec<_> = spans
        .iter()
        .filter(|span| span.event("exception").is_some())
        .map(|span| (span.name.as_str(), span.error().unwrap()))
        .collect();
    assert_eq!(failed, [("function call: panics", "no such unit")]);
}

#[test]
fn a_caught_panic_is_not_taken_for_the_next_one() {
    let spans = spans_of(|| {
        let caught = catch_unwind(|| panics("first"));
        assert!(caught.is_err());
        helper(1);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            resumes();
        }));
        assert!(caught.is_err());
    });
    assert_eq!(spans.span("function call: resumes").error(), Some("the charm panicked"));
}

#[trace_fn]
fn resumes() {
    // Tells no panic hook.
    std::panic::resume_unwind(Box::new("second"));
}

/// A traced call may find the values gone that a thread destroys last.
#[test]
fn a_destructor_of_a_thread_local_value_may_call_traced_code() {
    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            helper(2);
            charm_tracing::event("late", || assert!(current_span().is_none()));
        }
    }
    thread_local!(static LATE: Late = const { Late });

    let spans = spans_of(|| {
        let thread = thread::spawn(|| {
            LATE.with(|_| ());
            helper(1);
        });
        thread.join().unwrap();
    });
    assert_eq!(spans.outline().to_string(), "app/0: start event\n  event: start\n    function call: helper");
}

#[test]
fn an_async_span_is_open_exactly_while_it_is_polled() {
    let tree = recorded(|| {
        let mut future = pin!(polled(once(), once()));
        let mut context = Context::from_waker(Waker::noop());
        let outside = || current_span().unwrap().span_context().span_id();
        let event = outside();
        assert!(future.as_mut().poll(&mut context).is_pending());
        assert_eq!(outside(), event, "the span leaked out of the future");
        helper(2);
        assert!(future.as_mut().poll(&mut context).is_pending());
        assert_eq!(future.as_mut().poll(&mut context), Poll::Ready("done"));
        assert_eq!(block_on(Workload::associated().waits(once())), Ok(1));
    });
    assert_eq!(
        tree,
        "\
function call: polled
  function call: helper
function call: helper
method call: Workload.associated
method call: Workload.waits
"
    );
}

#[test]
fn an_async_error_and_a_cancelled_future_are_failures() {
    let spans = spans_of(|| {
        assert!(block_on(Workload::default().waits(once())).is_err());
        let workload = Workload::default();
        let mut dropped = Box::pin(workload.waits(once()));
        assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
    let mut messages: Vec<_> = spans
        .iter()
        .filter(|span| span.name == "method call: Workload.waits")
        .map(|span| span.error().unwrap())
        .collect();
    messages.sort_unstable();
    assert_eq!(messages, ["cancelled", "nothing to wait for"]);
}

#[test]
fn spans_of_both_apis_nest_in_each_other() {
    let tree = recorded(|| {
        let tracer = global::tracer("my.tracer");
        tracer.in_span("outer", |_| {
            Workload::default().by_reference();
            helper_with_span();
        });
    });
    assert_eq!(
        tree,
        "\
outer
  method call: Workload.by_reference
  function call: helper_with_span
    inner
      function call: helper
"
    );
}

#[trace_fn]
fn helper_with_span() {
    let tracer = global::tracer("my.tracer");
    tracer.in_span("inner", |context| {
        assert!(context.has_active_span());
        helper(1);
    });
}

#[test]
fn the_current_span_is_the_methods_own_through_either_api() {
    #[trace_fn]
    fn annotated() {
        current_span().unwrap().set_attribute(KeyValue::new("through.handle", 1));
        get_active_span(|span| span.set_attribute(KeyValue::new("through.api", 2)));
        opentelemetry::Context::current().span().set_status(Status::error("by hand"));
        current_span().unwrap().add_event("noted", vec![]);
    }
    let spans = spans_of(annotated);
    let span = spans.span("function call: annotated");
    assert_eq!(span.attribute("through.handle").unwrap(), 1);
    assert_eq!(span.attribute("through.api").unwrap(), 2);
    assert_eq!(span.error(), Some("by hand"));
    assert_eq!(span.events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["noted"]);
    assert_eq!(span.attribute("code.file.path").unwrap(), file!());
    assert_eq!(span.attribute("code.function.name").unwrap(), "recorded::attributes::annotated");
}

#[test]
fn a_thread_without_a_context_hangs_on_the_event() {
    let spans = spans_of(|| {
        thread::spawn(|| helper(1)).join().unwrap();
    });
    assert_eq!(
        spans.outline().to_string(),
        "\
app/0: start event
  event: start
    function call: helper"
    );
}

#[test]
fn custom_events_nest_in_the_handler_that_emits_them() {
    let tree = recorded(|| {
        charm_tracing::event("workload_restarted", || {
            helper(1);
        });
    });
    assert_eq!(tree, "event: workload_restarted\n  function call: helper\n");
}

#[test]
fn a_custom_event_that_fails_is_marked() {
    let tree = recorded(|| {
        assert_eq!(try_event("workload_restarted", || Ok::<_, String>(helper(1))), Ok(1));
        assert!(try_event("workload_restarted", || Err::<(), _>("no such unit")).is_err());
    });
    assert_eq!(
        tree,
        "\
event: workload_restarted
  function call: helper
event: workload_restarted [error: no such unit]
"
    );
}

/// A dispatch whose charm directory is `directory`, and to which Juju tells an endpoint for all charms.
fn dispatch_in(directory: &Path, endpoint: &str) -> Dispatch {
    Dispatch::from_vars([
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_DISPATCH_PATH", "hooks/start"),
        ("JUJU_MODEL_NAME", "testing"),
        ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
        ("JUJU_CHARM_DIR", &directory.to_string_lossy()),
        ("JUJU_CHARM_TRACE_CONFIG_HTTP", endpoint),
    ])
    .with_hook_tools(Arc::new(Model::new("app/0")))
}

#[test]
fn a_session_that_is_switched_off_leaves_nothing_behind() {
    let _turn = take_turn();
    let (directory, collector) = (tempfile::tempdir().unwrap(), Collector::start());
    let off = charm_tracing::switch_off();
    let session = Session::start(dispatch_in(directory.path(), &collector.endpoint()), Config::new());
    drop(off);
    helper(1);
    let report = session.finish(Some(Destination::new(collector.endpoint(), None)));
    assert_eq!((report.delivered, report.waiting, collector.requests().len()), (0, 0, 0), "{report:?}");
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_session_that_is_dropped_keeps_its_trace_whatever_juju_says() {
    let _turn = take_turn();
    let (directory, collector) = (tempfile::tempdir().unwrap(), Collector::start());
    drop(Session::start(dispatch_in(directory.path(), &collector.endpoint()), Config::new()));
    assert_eq!(collector.requests().len(), 0);
    assert!(directory.path().join(".charm_tracing_buffer").is_dir());

    let session = Session::start(dispatch_in(directory.path(), &collector.endpoint()), Config::new());
    let report = session.finish(None);
    assert_eq!((report.delivered, report.waiting), (2, 0), "{report:?}");
}

#[test]
fn an_error_that_takes_long_to_show_itself_is_shown_once() {
    struct Slow<'a>(&'a Cell<u32>);
    impl Display for Slow<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set(self.0.get() + 1);
            thread::sleep(Duration::from_millis(60));
            f.write_str("asked a server")
        }
    }
    #[trace_fn]
    fn leave(frames: u32, shown: &Cell<u32>) -> Result<(), Slow<'_>> {
        if frames == 1 { Err(Slow(shown)) } else { leave(frames - 1, shown) }
    }
    let shown = Cell::new(0);
    let spans = spans_of(|| assert!(leave(6, &shown).is_err()));
    assert_eq!(shown.get(), 1);
    let exceptions: Vec<_> =
        spans.iter().flat_map(|span| &span.events).filter(|event| event.name == "exception").collect();
    assert_eq!(exceptions.len(), 6);
    assert_eq!(exceptions.iter().map(|event| event.attributes.len()).collect::<Vec<_>>(), [2, 1, 1, 1, 1, 1]);
}

#[test]
fn nothing_is_recorded_without_a_session_or_while_switched_off() {
    let turn = take_turn();
    assert!(!charm_tracing::is_enabled());
    assert!(current_span().is_none());
    helper(1);
    drop(turn);

    let spans = spans_of(|| {
        let _off = charm_tracing::switch_off();
        helper(1);
        global::tracer("my.tracer").in_span("not recorded", |_| ());
        assert!(current_span().is_none());
    });
    assert_eq!(spans.outline().to_string(), "app/0: start event\n  event: start");
}

#[test]
fn a_second_session_leaves_the_first_alone() {
    let spans = spans_of(|| {
        let second = Session::start(Dispatch::from_vars([("JUJU_UNIT_NAME", "app/1")]), Config::new());
        helper(1);
        let report = second.finish(None);
        assert!(!report.buffered && !report.lost, "{report:?}");
        helper(2);
    });
    assert_eq!(spans.len(), 4);
}

#[test]
fn a_second_session_waits_for_nobody_on_another_thread_either() {
    let directory = tempfile::tempdir().unwrap();
    let spans = spans_of(|| {
        let second = || {
            let mut session = Session::start(dispatch_in(directory.path(), ""), Config::new());
            session.event(|| helper(1));
            session.finish(None)
        };
        let report = thread::scope(|scope| scope.spawn(second).join().unwrap());
        assert!(!report.buffered && !report.lost, "{report:?}");
        helper(2);
    });
    assert_eq!(spans.len(), 4, "{}", spans.outline());
}

#[test]
fn attributes_of_an_async_fn_may_use_the_arguments_that_its_body_consumes() {
    #[trace_fn(attributes(text.length = text.len()))]
    async fn consumes(text: String) -> Result<Vec<u8>, String> {
        Ok(text.into_bytes())
    }
    let spans = spans_of(|| assert!(block_on(consumes("tempo".into())).is_ok()));
    let span = spans.span("function call: consumes");
    assert_eq!(span.attribute("text.length").unwrap(), 5);
}
