//! `attributes(...)`: what the author puts on a span.

use std::cell::Cell;
use std::fmt;

use charm_tracing::trace_fn;
use tests::recording::{spans_of, take_turn};

use tests::futures::block_on;

thread_local!(static EVALUATED: Cell<u8> = const { Cell::new(0) });

/// Counts how often it is called.
fn evaluated(value: u8) -> u8 {
    EVALUATED.set(EVALUATED.get() + 1);
    value
}

#[derive(Clone, Copy)]
struct Unit {
    number: u8,
}

#[charm_tracing::trace_type]
impl Unit {
    #[trace_fn(attributes(unit.number = self.number, "unit-name" = name, length = name.len()))]
    fn method(self, name: &str) -> Result<usize, fmt::Error> {
        Ok(name.len())
    }

    #[trace_fn(name = "renamed", attributes(unit.number = self.number))]
    async fn later(&mut self, name: String) -> String {
        self.number += 1;
        std::future::ready(name).await
    }
}

#[trace_fn(attributes(value = evaluated(value)))]
fn counts(value: u8) -> u8 {
    value
}

#[trace_fn(attributes(text = text, moved = &more, none = None::<u8>))]
async fn takes_its_arguments(text: String, more: Vec<u8>) -> usize {
    std::future::ready(()).await;
    drop(text);
    more.len()
}

#[trace_fn(attributes(text = text))]
fn takes_an_argument(text: String) -> Result<String, fmt::Error> {
    Ok(text)
}

#[trace_fn(attributes(bad = never(), good = 1))]
fn survives() -> u8 {
    1
}

#[trace_fn(attributes(bad = never(), good = 1))]
async fn survives_later() -> u8 {
    std::future::ready(1).await
}

fn never() -> u8 {
    panic!("in an attribute's function")
}

#[trace_fn(attributes(temporary = String::from("a").as_str(), debug = [1, 2], displayed = 'c', len = values.len()))]
fn kinds<T>(values: &[T]) -> Option<&T> {
    values.first()
}

#[allow(clippy::cast_possible_truncation)]
#[trace_fn(attributes(sum = a + b, more = a > b && b == 2, wide = u64::from(a) as u32, range = a..b, not = !a))]
fn operators(a: u8, b: u8) -> u8 {
    a + b
}

#[trace_fn(attributes(of_a_call = inner()))]
fn outer() -> u8 {
    1
}

#[trace_fn]
fn inner() -> u8 {
    2
}

fn outline(keys: &[&str], work: impl FnOnce()) -> String {
    let spans = spans_of(work);
    let tree = spans.outline().status().attributes(keys).to_string();
    tree.lines().filter_map(|line| line.strip_prefix("    ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn may_use_self_and_arguments_by_value() {
    let keys = ["unit.number", "unit-name", "length", "text", "moved", "none"];
    let tree = outline(&keys, || {
        let mut unit = Unit { number: 7 };
        assert_eq!(unit.method("app"), Ok(3));
        assert_eq!(block_on(unit.later("app".to_owned())), "app");
        assert_eq!(block_on(takes_its_arguments("a".to_owned(), vec![1])), 1);
        assert_eq!(takes_an_argument("a".to_owned()), Ok("a".to_owned()));
    });
    assert_eq!(
        tree,
        "\
method call: Unit.method {unit.number=7, unit-name=app, length=3}
renamed {unit.number=7}
function call: takes_its_arguments {text=a, moved=[1]}
function call: takes_an_argument {text=a}"
    );
}

#[test]
fn may_be_of_any_type_that_can_be_shown() {
    let tree = outline(&["temporary", "debug", "displayed", "len"], || {
        assert_eq!(kinds(&[Unit { number: 1 }]).map(|unit| unit.number), Some(1));
    });
    assert_eq!(tree, "function call: kinds {temporary=a, debug=[1, 2], displayed=c, len=1}");
}

#[test]
fn may_be_operations() {
    let tree = outline(&["sum", "more", "wide", "range", "not"], || assert_eq!(operators(3, 2), 5));
    assert_eq!(tree, "function call: operators {sum=5, more=true, wide=3, range=3..2, not=252}");
}

#[test]
fn are_evaluated_once_and_only_while_something_records() {
    let turn = take_turn();
    counts(1);
    assert_eq!(EVALUATED.take(), 0);
    drop(turn);

    let tree = outline(&["value"], || {
        counts(1);
        let _off = charm_tracing::switch_off();
        counts(2);
    });
    assert_eq!(tree, "function call: counts {value=1}");
    assert_eq!(EVALUATED.take(), 1);
}

#[test]
fn that_panic_are_missing() {
    let tree = outline(&["bad", "good"], || {
        assert_eq!(survives(), 1);
        assert_eq!(block_on(survives_later()), 1);
    });
    assert_eq!(tree, "function call: survives {good=1}\nfunction call: survives_later {good=1}");
}

#[test]
fn that_call_traced_functions_leave_no_spans() {
    assert_eq!(outline(&["of_a_call"], || assert_eq!(outer(), 1)), "function call: outer {of_a_call=2}");
}

/// Nothing but methods of an annotated block uses the import.
mod on_methods_of_a_block {
    use charm_tracing::trace_fn;

    #[derive(Clone, Copy)]
    pub(super) struct Connection(pub(super) u8);

    #[charm_tracing::trace_type(skip(close, abort))]
    impl Connection {
        #[trace_fn(name = "connect")]
        pub(super) fn open(self) -> Result<Self, std::fmt::Error> {
            Ok(self)
        }

        #[trace_fn]
        pub(super) fn close(self) {
            Self::abort(self.0);
        }

        const fn abort(_: u8) {}
    }
}

#[test]
fn on_methods_of_a_block_count_once_and_hold_for_skipped_ones() {
    let tree = outline(&[], || {
        assert!(on_methods_of_a_block::Connection(1).open().is_ok());
        on_methods_of_a_block::Connection(1).close();
    });
    assert_eq!(tree, "connect\nmethod call: Connection.close");
}

/// Attributes under names that the block does not know.
mod under_another_name {
    use charm_tracing::{trace_fn as traced, trace_type as traced_block};

    #[derive(Debug, PartialEq)]
    pub(super) struct Refused;

    impl std::fmt::Display for Refused {
        fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            out.write_str("refused")
        }
    }

    pub(super) struct Connection<T>(pub(super) T);

    #[traced_block(name = "Link", skip(left))]
    impl<T: AsRef<str> + Send + Sync> Connection<T> {
        #[allow(clippy::unused_self)]
        #[traced(name = "connect")]
        pub(super) fn open(&self) -> Result<(), Refused> {
            Err(Refused)
        }

        #[traced(attributes(length = text.as_ref().len(), own = self.0.as_ref()))]
        pub(super) async fn send(&self, (text, _): (T, u8)) -> Result<(), Refused> {
            std::future::ready(text).await;
            Err(Refused)
        }

        #[cfg_attr(test, traced(name = "renamed"))]
        #[cfg_attr(not(test), traced(name = "never"))]
        pub(super) fn close(&self) -> Result<(), Refused> {
            self.left()
        }

        #[cfg_attr(not(test), traced(name = "never"))]
        #[cfg_attr(test, inline)]
        pub(super) fn abort(&self) -> Result<(), Refused> {
            self.left()
        }

        #[cfg_attr(test, traced)]
        #[cfg_attr(test, ::charm_tracing::trace_fn(attributes(twice = true)))]
        #[allow(clippy::unused_self)]
        pub(super) fn flush(&self) {}

        #[allow(clippy::unused_self)]
        const fn left(&self) -> Result<(), Refused> {
            Err(Refused)
        }
    }

    #[traced_block]
    pub(super) trait Check {
        const NAME: &'static str;

        #[traced(attributes(name = Self::NAME))]
        fn check(&self) -> Result<(), Refused> {
            Err(Refused)
        }
    }

    #[traced_block]
    impl Check for u8 {
        const NAME: &'static str = "number";
    }

    #[traced]
    #[traced(name = "alone")]
    pub(super) fn twice() -> Result<(), Refused> {
        Err(Refused)
    }
}

#[test]
fn count_once_whatever_the_attribute_is_called() {
    use under_another_name::{Check, Connection, Refused, twice};

    let tree = outline(&["length", "own", "name", "twice"], || {
        let connection = Connection("own");
        assert_eq!(connection.open(), Err(Refused));
        assert_eq!(block_on(connection.send(("text", 1))), Err(Refused));
        assert_eq!(connection.close(), Err(Refused));
        assert_eq!(connection.abort(), Err(Refused));
        connection.flush();
        assert_eq!(1_u8.check(), Err(Refused));
        assert_eq!(twice(), Err(Refused));
    });
    assert_eq!(
        tree,
        "\
connect [error: refused]
method call: Link.send [error: refused] {length=4, own=own}
renamed [error: refused]
method call: Link.abort [error: refused]
method call: Link.flush {twice=true}
method call: u8.check [error: refused] {name=number}
alone [error: refused]"
    );
}

/// Arguments that are patterns, of functions whose body is moved and of one whose body stays.
mod of_patterns {
    use std::fmt::Error;
    use std::future::{Future, ready};
    use std::pin::Pin;

    use charm_tracing::{trace_fn, trace_type};

    use crate::table::Dropped;

    pub(super) struct Named {
        pub(super) name: String,
        pub(super) number: u8,
        pub(super) rest: Dropped,
    }

    #[trace_fn(attributes(len = a.len(), sum = one + 1, is = one == 2, whole = &text))]
    pub(super) fn fails(
        text: String,
        (a, _): (String, Dropped),
        (one, _): (u8, Vec<u8>),
    ) -> Result<usize, Error> {
        Ok(text.len() + a.len() + usize::from(one))
    }

    #[trace_fn(attributes(len = name.len(), sum = u64::from(number) + 1, is = *other))]
    pub(super) fn structure(
        _: Dropped,
        Named { name, number, .. }: Named,
        Named { number: ref other, .. }: Named,
    ) -> Result<String, Error> {
        Ok(format!("{name}{number}{other}"))
    }

    #[trace_fn(attributes(len = a.len(), is = b.0.as_str()))]
    #[allow(clippy::needless_pass_by_value, clippy::toplevel_ref_arg)]
    pub(super) fn references(_: Dropped, ref a: String, ref mut b: (String, u8)) -> Result<usize, Error> {
        b.1 += 1;
        Ok(a.len() + usize::from(b.1))
    }

    #[trace_fn(attributes(len = a.len(), sum = number))]
    #[allow(clippy::needless_pass_by_value)]
    pub(super) async fn waits(text: String, (mut a, _): (String, Dropped), &(number, _): &(u8, u8)) -> usize {
        ready(()).await;
        a.push_str(&text);
        a.len() + usize::from(number)
    }

    #[trace_fn(attributes(len = a.len(), sum = first))]
    pub(super) async fn waits_and_fails(
        text: String,
        (a, _): (String, Dropped),
        [first, ..]: [u8; 2],
    ) -> Result<usize, Error> {
        ready(()).await;
        Ok(text.len() + a.len() + usize::from(first))
    }

    #[trace_fn(attributes(len = a.len()))]
    pub(super) fn future(text: String, (a, _): (String, Dropped)) -> impl Future<Output = usize> {
        ready(text.len() + a.len())
    }

    #[trace_fn(attributes(len = a.len()))]
    pub(super) fn boxed(text: String, (a, _): (String, Dropped)) -> Pin<Box<dyn Future<Output = usize>>> {
        Box::pin(ready(text.len() + a.len()))
    }

    #[trace_fn(attributes(len = a.len(), whole = text))]
    #[allow(clippy::needless_pass_by_value)]
    pub(super) fn plain(text: String, (a, _): (String, Dropped)) -> usize {
        text.len() + a.len()
    }

    pub(super) struct Unit(pub(super) String);

    #[trace_type]
    impl Unit {
        #[trace_fn(attributes(len = a.len(), own = self.0.len()))]
        pub(super) fn into_text(self, (a, _): (String, Dropped)) -> Result<String, Error> {
            Ok(self.0 + &a)
        }

        #[trace_fn(attributes(only_here = unused.len()))]
        pub(super) async fn waits(&mut self, _: String, (unused, _): (String, Dropped)) {
            self.0.push('.');
            ready(()).await;
        }
    }
}

#[test]
fn may_use_what_patterns_bind() {
    use of_patterns::*;

    use crate::table::Dropped;

    let keys = ["len", "sum", "is", "whole", "own", "only_here"];
    let tree = outline(&keys, || {
        let text = || "text".to_owned();
        let pair = |place| ("ab".to_owned(), Dropped(place));
        let named = |place| Named { name: "ab".to_owned(), number: 3, rest: Dropped(place) };
        assert_eq!(fails(text(), pair("of fails"), (2, Vec::new())), Ok(8));
        assert_eq!(named("before").rest.0, "before");
        let structure = structure(Dropped("third"), named("second"), named("first"));
        assert_eq!(structure.as_deref(), Ok("ab33"));
        assert_eq!(references(Dropped("of references"), text(), (text(), 1)), Ok(6));
        assert_eq!(block_on(waits(text(), pair("of waits"), &(3, 4))), 9);
        assert_eq!(block_on(waits_and_fails(text(), pair("of another"), [1, 2])), Ok(7));
        assert_eq!(block_on(future(text(), pair("of future"))), 6);
        assert_eq!(block_on(boxed(text(), pair("of boxed"))), 6);
        assert_eq!(plain(text(), pair("after plain")), 6);
        assert_eq!(Unit(text()).into_text(pair("of into_text")).as_deref(), Ok("textab"));
        block_on(Unit(text()).waits(text(), pair("of the method")));
    });
    assert_eq!(
        tree,
        "\
function call: fails {len=2, sum=3, is=true, whole=text}
  event: of fails
event: before
function call: structure {len=2, sum=4, is=3}
  event: first
event: second
event: third
function call: references {len=4, is=text}
event: of references
function call: waits {len=2, sum=3}
  event: of waits
function call: waits_and_fails {len=2, sum=1}
  event: of another
function call: future {len=2}
  event: of future
function call: boxed {len=2}
  event: of boxed
function call: plain {len=2, whole=text}
event: after plain
method call: Unit.into_text {len=2, own=4}
  event: of into_text
method call: Unit.waits {only_here=2}
event: of the method"
    );
}
