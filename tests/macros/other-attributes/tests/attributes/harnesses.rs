//! `tokio::test`, `rstest`, `test_case` and `proptest!`: they make tests of functions.
//!
//! The harness runs these functions as well, perhaps while the session of another test is open. Then their spans are below its event,
//! and [`recorded`] leaves them out.

use std::sync::{Arc, MutexGuard};

use charm_tracing::juju::testing::Model;
use charm_tracing::{Config, Session, trace_fn};
use proptest::prelude::*;
use rstest::{fixture, rstest};
use test_case::test_case;
use tests::recording::{start_dispatch, take_turn};
use tokio::task::yield_now;

use crate::recorded;

#[trace_fn]
#[tokio::test]
async fn tokio_test_below() {
    yield_now().await;
}

#[tokio::test]
#[trace_fn]
async fn tokio_test_above() -> anyhow::Result<()> {
    yield_now().await;
    Ok(())
}

#[trace_fn]
#[tokio::test]
async fn tokio_test_below_that_may_fail() -> anyhow::Result<()> {
    yield_now().await;
    "1".parse::<u8>()?;
    Ok(())
}

#[trace_fn]
#[test]
fn test_below() -> Result<(), std::num::ParseIntError> {
    "1".parse::<u8>()?;
    Ok(())
}

#[test]
#[trace_fn]
fn test_above() -> Result<(), std::num::ParseIntError> {
    "1".parse::<u8>()?;
    Ok(())
}

#[test]
fn tests_on_either_side_leave_one_span() {
    let trace = recorded(|| {
        tokio_test_below();
        tokio_test_above().unwrap();
        tokio_test_below_that_may_fail().unwrap();
        test_below().unwrap();
        test_above().unwrap();
    });
    assert_eq!(
        trace,
        "\
function call: tokio_test_below
function call: tokio_test_above
function call: tokio_test_below_that_may_fail
function call: test_below
function call: test_above
"
    );
}

/// An open session, in whose event a test of `rstest` begins.
struct Event {
    root: String,
    _session: Session,
    // Below the session, since fields are dropped in their order.
    _turn: MutexGuard<'static, ()>,
}

impl Event {
    /// Returns the id of the current span, which changes with each span that is opened.
    fn current() -> String {
        format!("{:?}", charm_tracing::current_span().map(|span| span.span_context()))
    }

    fn assert_is_below(&self) {
        assert!(self.root.starts_with("Some"), "there is no session");
        assert_ne!(Self::current(), self.root, "the function has no span");
    }
}

#[fixture]
#[trace_fn]
fn event() -> Event {
    let turn = take_turn();
    let model = Arc::new(Model::new("app/0"));
    let session = Session::start(start_dispatch(&model), Config::new().buffer_max_events(0));
    Event { root: Event::current(), _session: session, _turn: turn }
}

#[trace_fn]
#[rstest]
#[case("1", 1)]
#[case("2", 2)]
fn rstest_below(#[case] text: &str, #[case] expected: u8, event: Event) {
    event.assert_is_below();
    assert_eq!(text.parse(), Ok(expected));
}

/// The span is that of the function that `rstest` makes, and begins before the session.
#[rstest]
#[case("1", 1)]
#[case("2", 2)]
#[trace_fn]
fn rstest_above(#[case] text: &str, #[case] expected: u8, event: Event) -> anyhow::Result<()> {
    drop(event);
    assert_eq!(text.parse::<u8>()?, expected);
    Ok(())
}

#[trace_fn(attributes(length = text.len()))]
#[rstest]
#[tokio::test]
async fn rstest_of_tokio_below(event: Event, #[values("1", "2")] text: &str) -> anyhow::Result<()> {
    yield_now().await;
    event.assert_is_below();
    text.parse::<u8>()?;
    Ok(())
}

#[rstest]
#[tokio::test]
#[trace_fn]
async fn rstest_of_tokio_above(event: Event, #[values("1", "2")] text: &str) -> anyhow::Result<()> {
    yield_now().await;
    drop(event);
    text.parse::<u8>()?;
    Ok(())
}

#[trace_fn]
#[test_case("1", 1)]
#[test_case("2", 2; "two")]
fn test_case_below(text: &str, expected: u8) {
    assert_eq!(text.parse(), Ok(expected));
}

#[test_case("1" => 1)]
#[test_case("2" => 2; "two")]
#[trace_fn]
fn test_case_above(text: &str) -> u8 {
    text.parse().unwrap_or_default()
}

#[trace_fn]
#[test_case("1")]
#[tokio::test]
async fn test_case_of_tokio_below(text: &str) -> anyhow::Result<()> {
    yield_now().await;
    text.parse::<u8>()?;
    Ok(())
}

#[test_case("1")]
#[tokio::test]
#[trace_fn]
async fn test_case_of_tokio_above(text: &str) -> anyhow::Result<()> {
    yield_now().await;
    text.parse::<u8>()?;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, failure_persistence: None, ..ProptestConfig::default() })]

    #[trace_fn]
    #[test]
    fn proptest_inside((one, two) in (0..9_u8, 0..9_u8)) {
        prop_assert_eq!(one + two, two + one);
    }

    #[test]
    #[trace_fn]
    fn proptest_inside_above(one in 0..9_u8) {
        prop_assert!(one < 9);
    }
}

#[test]
fn generated_tests_leave_one_span() {
    let trace = recorded(|| {
        test_case_below("1", 1);
        proptest_inside();
        proptest_inside_above();
    });
    assert_eq!(
        trace,
        "\
function call: test_case_below
function call: proptest_inside
function call: proptest_inside_above
"
    );
}
