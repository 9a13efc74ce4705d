//! The spans that a library without the standard library records in a program that has it.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tests::recording::recorded;
use tests_no_std_consumer::{
    checksum, halve, joined, parse, poll_twice, port, shown, Halves as _, Meter, Names, Probe as _, Unit,
    Whole,
};

fn wait_for<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here waits"),
    }
}

#[test]
fn a_library_without_std_records_its_spans() {
    let recorded = recorded(|| {
        assert_eq!(checksum(&[1, 3]), 2);
        assert_eq!(parse(" 7"), Ok(7));
        parse("seven").unwrap_err();
        port("").unwrap_err();
        let mut text = String::new();
        shown(&Unit(3), &mut text).unwrap();
        assert_eq!(text, "app/3");
        assert_eq!(wait_for(poll_twice(&Unit(4))).unwrap(), 8);
        wait_for(poll_twice(&Unit(10))).unwrap_err();
        assert_eq!(Unit(5).into_number().unwrap(), 5);
        assert_eq!(Meter([6_u8]).probe(), Ok(6));
        Meter::<u8, 0>([]).probe().unwrap_err();
    });
    assert_eq!(
        recorded,
        "\
function call: checksum
function call: parse
function call: parse [error: invalid digit found in string]
function call: port
  function call: parse [error: cannot parse integer from empty string]
function call: shown
  method call: Unit.fmt
function call: poll_twice
  method call: Unit.later
  method call: Unit.check
function call: poll_twice [error: unit 10 is bad]
  method call: Unit.later
  method call: Unit.check [error: unit 10 is bad]
method call: Unit.into_number
  method call: Unit.check
method call: Meter.probe
  method call: Gauge.measure
method call: Meter.probe [error: an error occurred when formatting an argument]
  method call: Gauge.measure
"
    );
}

#[test]
fn names_of_the_standard_library_may_mean_anything() {
    let recorded = recorded(|| {
        assert_eq!(halve(8).unwrap(), 4);
        halve(7).unwrap_err();
        assert_eq!(Whole(8).halved().unwrap(), 4);
        assert_eq!(wait_for(Whole(8).later()).unwrap(), 4);
        assert_eq!(wait_for(Whole(8).future()), 8);
        Whole(7).tracked().unwrap_err();
    });
    assert_eq!(
        recorded,
        "\
function call: halve
function call: halve [error: Odd]
method call: Whole.halved
  method call: Whole.number
  function call: halve
method call: Whole.later
  method call: Whole.halved
    method call: Whole.number
    function call: halve
method call: Whole.future
method call: Whole.tracked
  method call: Whole.halved [error: Odd]
    method call: Whole.number
    function call: halve [error: Odd]
"
    );
}

#[test]
fn what_owns_memory_is_traced_too() {
    let recorded = recorded(|| {
        assert_eq!(joined("a".into(), &["b"]).unwrap(), "ab");
        joined("a".into(), &[]).unwrap_err();
        let mut names = Names::default();
        assert_eq!(names.insert(1, "one".into()), None);
    });
    assert_eq!(
        recorded,
        "\
function call: joined
function call: joined [error: no names]
method call: BTreeMap.insert
"
    );
}
