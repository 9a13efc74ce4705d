//! In a traced method the active span of OpenTelemetry is the method's.

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use charm_testing::Trace;
use charm_tracing::opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
    get_active_span, mark_span_as_active,
};
use charm_tracing::opentelemetry::{Context, KeyValue, global};
use charm_tracing::{current_span, event, trace_fn, trace_type};
use tests::futures::{block_on, once};
use tests::recording::spans_of;

use super::{id, moment};

/// Leaves an event with the span that is active, one time by each way to it.
fn at(place: &'static str) {
    get_active_span(|span| span.add_event(place, Vec::new()));
    let current = current_span().expect("a span");
    assert_eq!(Context::current().span().span_context(), &current.span_context());
    assert!(Context::current().span().is_recording());
}

fn fails() -> Result<(), fmt::Error> {
    Err(fmt::Error)
}

struct Charm {
    ids: RefCell<Vec<SpanId>>,
}

#[trace_type(skip(note))]
impl Charm {
    fn handle(&self) {
        self.note();
        at("begins");
        self.install().unwrap();
        at("after a call");
        let three = || {
            at("in a closure");
            let nested = || at("in a closure of it");
            nested();
            3
        };
        assert_eq!(three(), 3);
        let seen: Vec<_> = (0..2).inspect(|_| at("in an iterator")).collect();
        assert_eq!(seen, [0, 1]);
        self.install().unwrap_err();
        at("after a failure");
        catch_unwind(AssertUnwindSafe(|| self.panics())).unwrap_err();
        at("after a panic");
        global::tracer("library").in_span("in span", |context| {
            context.span().add_event("by its context", Vec::new());
            at("in another one");
            event("custom", || at("in an event"));
            at("in the other one again");
        });
        let guard = mark_span_as_active(global::tracer("library").start("active"));
        at("in the active one");
        drop(guard);
        at("ends");
        self.note();
    }

    fn install(&self) -> Result<(), fmt::Error> {
        at("installs");
        if self.ids.borrow().len() > 1 {
            fails()?;
        }
        self.note();
        Ok(())
    }

    fn panics(&self) {
        at("panics");
        panic!("in {} ids", self.ids.borrow().len());
    }

    async fn waits(&self) {
        at("begins");
        once().await;
        at("after the first poll");
        self.waits_too().await;
        at("after another future");
        once().await;
        at("ends");
    }

    fn waits_too(&self) -> impl Future<Output = ()> {
        at("is called");
        async {
            at("is polled");
            self.ids.borrow_mut().clear();
            once().await;
            at("is polled again");
        }
    }

    fn note(&self) {
        self.ids.borrow_mut().push(get_active_span(|span| span.span_context().span_id()));
    }
}

fn charm() -> Charm {
    Charm { ids: RefCell::default() }
}

/// Below the event of the session.
fn outline(spans: &Trace) -> String {
    let all = spans.outline().events().status().to_string();
    let lines = all.lines().filter_map(|line| line.strip_prefix("    "));
    lines.filter(|line| *line != "* start").collect::<Vec<_>>().join("\n")
}

#[test]
fn the_active_span_of_a_method_is_its_own_whatever_it_calls() {
    let charm = charm();
    let spans = spans_of(|| charm.handle());
    assert_eq!(
        outline(&spans),
        "\
method call: Charm.handle
  * begins
  * after a call
  * in a closure
  * in a closure of it
  * in an iterator
  * in an iterator
  * after a failure
  * after a panic
  * ends
  method call: Charm.install
    * installs
  method call: Charm.install [error: an error occurred when formatting an argument]
    * installs
    * exception
  method call: Charm.panics [error: in 2 ids]
    * panics
    * exception
  in span
    * by its context
    * in another one
    * in the other one again
    event: custom
      * custom
      * in an event
  active
    * in the active one"
    );
    let ids: Vec<_> = charm.ids.borrow().iter().map(|id| u64::from_be_bytes(id.to_bytes())).collect();
    let handle = id(spans.span("method call: Charm.handle").span_id);
    assert_eq!((ids[0], ids[2]), (handle, handle));
    let installed = spans.iter().map(|span| id(span.span_id)).filter(|id| *id == ids[1]);
    assert_eq!((installed.count(), ids[1] == handle), (1, false));
}

#[test]
fn the_active_span_of_a_future_is_its_own_at_every_poll() {
    let spans = spans_of(|| block_on(charm().waits()));
    assert_eq!(
        outline(&spans),
        "\
method call: Charm.waits
  * begins
  * after the first poll
  * after another future
  * ends
  method call: Charm.waits_too
    * is called
    * is polled
    * is polled again"
    );
}

#[trace_fn]
fn render() {
    let context = Context::current();
    let span = context.span();
    let other = |id| {
        let state = TraceState::from_key_value([("vendor", "x")]).unwrap();
        SpanContext::new(TraceId::from(7), SpanId::from(id), TraceFlags::SAMPLED, true, state)
    };
    span.set_attribute(KeyValue::new("files", 3));
    span.set_attributes([KeyValue::new("path", "/etc"), KeyValue::new("ok", true)]);
    span.add_event("first", vec![KeyValue::new("n", 1)]);
    span.add_event_with_timestamp("second", moment(5), Vec::new());
    span.record_error(&fmt::Error);
    get_active_span(|span| span.add_link(other(1), vec![KeyValue::new("why", "one")]));
    current_span().unwrap().add_event("third", Vec::new());
    span.add_link(other(2), Vec::new());
    span.set_status(Status::error("half done"));
    span.update_name("rendering");
}

#[test]
fn what_is_said_about_the_active_span_arrives_in_order() {
    let spans = spans_of(render);
    let span = spans.span("rendering");
    assert_eq!(span.kind, SpanKind::Internal);
    let keys: Vec<_> = span.attributes.iter().map(|(key, _)| key.as_str()).collect();
    let own = ["code.function.name", "code.file.path", "code.line.number"];
    assert_eq!(keys, [&own[..], &["files", "path", "ok"]].concat());
    assert_eq!(span.attribute("files").unwrap(), 3);
    let events: Vec<_> = span.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(events, ["first", "second", "exception", "third"]);
    assert_eq!(span.events[0].attribute("n").unwrap(), 1);
    assert_eq!(span.events[1].unix_nanos, 5);
    assert_eq!(span.events[2].attribute("exception.message").unwrap(), fmt::Error.to_string());
    let links: Vec<_> = span.links.iter().map(|link| (id(link.span_id), link.trace_state.as_str())).collect();
    assert_eq!(links, [(1, "vendor=x"), (2, "vendor=x")]);
    assert_eq!(span.links[0].attribute("why").unwrap(), "one");
    assert_eq!(span.status, Status::error("half done"));
}

#[trace_fn]
fn count(text: &str) -> i64 {
    event("counted", || ());
    i64::try_from(text.len()).unwrap()
}

/// OpenTelemetry lets nobody attach a context meanwhile, so what the call calls is its sibling.
#[test]
fn a_traced_call_may_compute_what_the_active_span_is_told() {
    let spans = spans_of(|| {
        event("outer", || {
            get_active_span(|span| span.set_attribute(KeyValue::new("length", count("four"))));
            let later = async {
                once().await;
                count("eleven")
            };
            Context::map_current(|_| block_on(traced(later)));
            at("after it");
        });
    });
    assert_eq!(spans.span("event: outer").attribute("length").unwrap(), 4);
    assert_eq!(
        outline(&spans),
        "\
event: outer
  * outer
  * after it
  function call: count
  event: counted
    * counted
  function call: traced
  function call: count
  event: counted
    * counted"
    );
}

#[trace_fn]
async fn traced(later: impl Future<Output = i64>) -> i64 {
    later.await
}

/// Says something about the active span while it is displayed.
#[derive(Debug)]
struct Talkative;

impl fmt::Display for Talkative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(span) = current_span() {
            span.add_event("displayed", Vec::new());
        }
        write!(f, "cannot {}", count("be quiet"))
    }
}

impl Error for Talkative {}

#[test]
fn an_error_or_an_attribute_may_look_at_the_span_that_it_is_for() {
    let spans = spans_of(|| {
        event("outer", || {
            let span = current_span().unwrap();
            span.record_error(&Talkative);
            span.set_attributes([1, 2].map(|n| n + 1).into_iter().map(|number| {
                at("computed");
                KeyValue::new("last", number)
            }));
        });
    });
    let outer = spans.span("event: outer");
    let events: Vec<_> = outer.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(events, ["outer", "displayed", "exception", "computed", "computed"]);
    assert_eq!(outer.events[2].attribute("exception.message").unwrap(), "cannot 8");
    assert_eq!(outer.attribute("last").unwrap(), 3);
}

#[derive(Debug)]
struct Traced;

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let library = global::tracer("library");
        library
            .in_span("displayed", |context| write!(f, "{}", context.span().is_recording() || count("x") > 1))
    }
}

#[trace_fn(attributes(described = Traced))]
fn refuses() -> Result<(), Traced> {
    Err(Traced)
}

/// Without tracing nobody would display it.
#[test]
fn what_is_displayed_for_a_span_opens_none() {
    let spans = spans_of(|| _ = refuses().unwrap_err());
    assert_eq!(outline(&spans), "function call: refuses [error: false]\n  * exception");
    assert_eq!(spans.span("function call: refuses").attribute("described").unwrap(), "false");
}
