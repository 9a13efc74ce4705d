//! Panics: each span that one passes is closed as an error, the innermost first, and nothing else is.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, panic_any, resume_unwind};

use charm_testing::{Trace, Value};
use charm_tracing::{trace_fn, trace_type};
use tests::recording::{spans_of, take_turn};

use crate::table::{Dropped, at};
use tests::futures::{block_on, once, poll};

struct Charm;

#[trace_type]
#[allow(clippy::unused_self)]
impl Charm {
    fn handle(&self, fails: bool) -> Result<u8, fmt::Error> {
        at("handling");
        self.install(fails)
    }

    fn install(&self, fails: bool) -> Result<u8, fmt::Error> {
        plain(fails);
        Ok(1)
    }

    async fn later(&self, fails: bool) -> u8 {
        once().await;
        plain(fails)
    }

    fn future(&self, fails: bool) -> impl Future<Output = u8> {
        async move {
            once().await;
            plain(fails)
        }
    }
}

#[trace_fn]
fn plain(fails: bool) -> u8 {
    assert!(!fails, "on purpose");
    1
}

/// The tree with the events, and the place of the panic by its line only.
fn tree(spans: &Trace) -> String {
    spans.outline().status().events().attributes(&["exception.type", "exception.message"]).to_string()
}

fn panics(work: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(work)).is_err(), "no panic came out");
}

/// The names in the order in which the spans ended.
fn ended(spans: &Trace) -> Vec<&str> {
    let mut spans: Vec<_> = spans.iter().collect();
    spans.sort_by_key(|span| span.end_unix_nanos);
    spans.iter().map(|span| span.name.as_str()).collect()
}

#[test]
fn close_every_span_that_they_pass() {
    let spans = spans_of(|| {
        panics(|| {
            let _ = Charm.handle(true);
        });
        assert_eq!(Charm.handle(false), Ok(1));
    });
    assert_eq!(
        tree(&spans),
        "\
app/0: start event
  event: start
    * start
    method call: Charm.handle [error: on purpose]
      * exception {exception.type=panic, exception.message=on purpose}
      event: handling
        * handling
      method call: Charm.install [error: on purpose]
        * exception {exception.type=panic, exception.message=on purpose}
        function call: plain [error: on purpose]
          * exception {exception.type=panic, exception.message=on purpose}
    method call: Charm.handle
      event: handling
        * handling
      method call: Charm.install
        function call: plain"
    );
    let ended = ended(&spans);
    assert_eq!(
        ended[1..4],
        ["function call: plain", "method call: Charm.install", "method call: Charm.handle"]
    );
}

#[test]
fn tell_where_they_started() {
    let spans = spans_of(|| {
        panics(|| {
            let _ = Charm.handle(true);
        });
    });
    let mut failed = 0;
    for event in spans.iter().flat_map(|span| &span.events).filter(|event| event.name == "exception") {
        let place = event.attribute("exception.stacktrace").and_then(Value::as_str).unwrap();
        assert!(place.starts_with("panicked at "), "{place}");
        assert!(place.contains(&format!("{}:", file!())), "{place}");
        failed += 1;
    }
    assert_eq!(failed, 3);
}

#[test]
fn of_futures_pass_their_spans() {
    let spans = spans_of(|| {
        panics(|| {
            block_on(Charm.later(true));
        });
        panics(|| {
            block_on(Charm.future(true));
        });
    });
    assert_eq!(
        spans.outline().status().to_string(),
        "\
app/0: start event
  event: start
    method call: Charm.later [error: on purpose]
      function call: plain [error: on purpose]
    method call: Charm.future [error: on purpose]
      function call: plain [error: on purpose]"
    );
}

#[test]
fn of_a_poll_end_the_span_before_the_future_is_dropped() {
    #[trace_fn]
    async fn keeps(_local: Dropped) {
        once().await;
        panic!("in a poll")
    }

    let spans = spans_of(|| {
        let mut future = Box::pin(keeps(Dropped("argument dropped")));
        assert!(poll(future.as_mut()).is_pending());
        panics(|| {
            let _ = poll(future.as_mut());
        });
        at("after the panic");
        drop(future);
    });
    assert_eq!(
        spans.outline().status().to_string(),
        "\
app/0: start event
  event: start
    function call: keeps [error: in a poll]
      event: argument dropped
    event: after the panic"
    );
}

#[test]
fn that_are_caught_are_no_error_of_the_catcher() {
    #[trace_fn]
    fn catches() -> Result<u8, String> {
        catch_unwind(|| plain(true)).or(Ok(3))
    }

    let spans = spans_of(|| assert_eq!(catches(), Ok(3)));
    assert_eq!(
        spans.outline().status().to_string(),
        "\
app/0: start event
  event: start
    function call: catches
      function call: plain [error: on purpose]"
    );
}

#[test]
fn run_destructors_that_are_traced_without_an_error() {
    #[trace_fn]
    fn fails() {
        let _local = Dropped("local dropped");
        let _traced = Traced;
        panic!("with locals")
    }

    struct Traced;

    #[trace_type]
    impl Drop for Traced {
        fn drop(&mut self) {
            assert_eq!(plain(false), 1);
        }
    }

    let spans = spans_of(|| panics(fails));
    assert_eq!(
        spans.outline().status().to_string(),
        "\
app/0: start event
  event: start
    function call: fails [error: with locals]
      method call: Traced.drop
        function call: plain
      event: local dropped"
    );
}

#[test]
fn without_a_text_are_errors_too() {
    #[trace_fn]
    fn of_any_type() {
        panic_any(7_u8);
    }

    #[trace_fn]
    fn resumed() {
        resume_unwind(Box::new("not told to the hook"));
    }

    let spans = spans_of(|| {
        panics(of_any_type);
        panics(resumed);
    });
    assert_eq!(
        spans.outline().status().to_string(),
        "\
app/0: start event
  event: start
    function call: of_any_type [error: Box<dyn Any>]
    function call: resumed [error: the charm panicked]"
    );
}

/// The places that a function with `#[track_caller]` sees are its caller's, however it is left.
mod places {
    use super::*;

    type Place = &'static Location<'static>;

    #[trace_fn]
    #[track_caller]
    fn plain() -> Place {
        Location::caller()
    }

    #[trace_fn]
    #[track_caller]
    fn fallible(how: u8) -> Result<Place, Place> {
        if how == 0 {
            return Err(Location::caller());
        }
        let checked: Result<u8, Place> = if how == 1 { Err(Location::caller()) } else { Ok(3) };
        let _: u8 = checked?;
        match how {
            2 => Ok(Location::caller()),
            3 => 'block: {
                break 'block Err(Location::caller());
            }
            _ => panic!("of the caller"),
        }
    }

    #[trace_fn]
    #[cfg_attr(all(), track_caller)]
    fn optional(some: Option<()>) -> Option<Place> {
        some?;
        Some(Location::caller())
    }

    /// Panics as the standard library's functions do, which tell their caller's place.
    #[trace_fn]
    #[track_caller]
    #[allow(clippy::unnecessary_wraps)]
    fn unwraps(number: Option<u8>) -> Result<u8, fmt::Error> {
        Ok(number.expect("a number"))
    }

    #[test]
    fn are_the_callers() {
        let mut panicked_at = 0;
        let spans = spans_of(|| {
            assert_eq!(plain().line(), line!());
            for how in [0, 1, 3] {
                assert_eq!(fallible(how).map_err(Location::line), Err(line!()));
            }
            assert_eq!(fallible(2).map(Location::line), Ok(line!()));
            assert_eq!(optional(Some(())).map(Location::line), Some(line!()));
            assert_eq!(optional(None), None);
            panicked_at = line!() + 2;
            panics(|| {
                let _ = unwraps(None);
            });
        });
        assert_eq!(spans.failed().len(), 1, "only the panic");
        let exception = &spans.span("function call: unwraps").events[0];
        let place = exception.attribute("exception.stacktrace").and_then(Value::as_str).unwrap();
        assert!(place.starts_with(&format!("panicked at {}:{panicked_at}:", file!())), "{place}");
    }

    /// An error that notes where `?` converts it, as those of some libraries do.
    #[derive(Debug)]
    struct Noted(Place);

    impl From<fmt::Error> for Noted {
        #[track_caller]
        fn from(_: fmt::Error) -> Self {
            Self(Location::caller())
        }
    }

    #[trace_fn]
    fn notes() -> (u32, Result<(), Noted>) {
        let convert = || Err(fmt::Error)?;
        (line!() - 1, convert())
    }

    #[trace_fn]
    fn notes_what_it_returns(line: &mut u32) -> Result<(), Noted> {
        *line = line!() + 1;
        Err(fmt::Error)?;
        Ok(())
    }

    #[trace_fn]
    #[track_caller]
    fn notes_for_its_caller() -> Result<(), Noted> {
        Err(fmt::Error)?;
        Ok(())
    }

    #[test]
    fn of_conversions_are_where_the_question_marks_stand() {
        let _turn = take_turn();
        let mut line = 0;
        assert_eq!(notes_what_it_returns(&mut line).unwrap_err().0.line(), line);
        let (inside, noted) = notes();
        assert_eq!(noted.unwrap_err().0.line(), inside);
        assert_eq!(notes_for_its_caller().unwrap_err().0.line(), line!());
    }
}
