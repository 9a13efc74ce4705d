//! How functions end, and what they return.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::num::ParseIntError;
use std::panic::catch_unwind;
use std::task::Poll;

use charm_tracing::{trace_fn, trace_type};

use crate::table::{Dropped, at};

constructs! {
    early_return_and_question_mark {
        #[trace_fn]
        fn parse(text: &str) -> Result<u8, ParseIntError> {
            if text.is_empty() {
                return Ok(0);
            }
            let number: u8 = text.parse()?;
            at("parsed");
            Ok(number + 1)
        }
    } runs {
        assert_eq!(parse(""), Ok(0));
        assert_eq!(parse("2"), Ok(3));
        assert!(parse("two").is_err());
    } traces "
        function call: parse
        function call: parse
          event: parsed
        function call: parse [error: invalid digit found in string]
    "

    impl_trait {
        #[trace_fn]
        fn shown(number: u8) -> impl fmt::Display + Clone {
            at("body");
            number
        }
    } runs {
        assert_eq!(shown(3).to_string(), "3");
    } traces "
        function call: shown
          event: body
    "

    iterator_that_borrows {
        struct Units(Vec<u8>);

        #[trace_type]
        impl Units {
            fn even(&self) -> impl Iterator<Item = &u8> + '_ {
                at("body");
                self.0.iter().filter(|unit| **unit % 2 == 0)
            }
        }
    } runs {
        assert_eq!(Units(vec![1, 2, 4]).even().count(), 2);
    } traces "
        method call: Units.even
          event: body
    "

    result_of_an_iterator {
        #[trace_fn]
        fn evens(units: &[u8]) -> Result<impl Iterator<Item = u8> + '_, fmt::Error> {
            if units.is_empty() {
                return Err(fmt::Error);
            }
            Ok(units.iter().copied().filter(|unit| unit % 2 == 0))
        }
    } runs {
        assert_eq!(evens(&[1, 2]).unwrap().collect::<Vec<_>>(), [2]);
        assert!(evens(&[]).is_err());
    } traces "
        function call: evens
        function call: evens [error: an error occurred when formatting an argument]
    "

    result_of_a_mutable_reference_from_self {
        struct Units(Vec<u8>);

        #[trace_type]
        impl Units {
            fn first(&mut self) -> Result<&mut u8, &'static str> {
                at("body");
                self.0.first_mut().ok_or("no units")
            }

            fn longest_lived<'a>(&mut self, other: &'a mut [u8]) -> Result<&'a mut u8, &'static str> {
                self.0.clear();
                other.first_mut().ok_or("no others")
            }
        }
    } runs {
        let mut units = Units(vec![1]);
        *units.first().unwrap() = 7;
        assert_eq!(units.0, [7]);
        assert_eq!(units.longest_lived(&mut [3]), Ok(&mut 3));
        assert_eq!(units.first(), Err("no units"));
    } traces "
        method call: Units.first
          event: body
        method call: Units.longest_lived
        method call: Units.first [error: no units]
          event: body
    "

    never {
        #[trace_fn]
        fn gives_up(why: &str) -> ! {
            at("body");
            panic!("{why}")
        }
    } runs {
        assert!(catch_unwind(|| gives_up("enough")).is_err());
    } traces "
        function call: gives_up [error: enough]
          event: body
    "

    result_behind_an_alias {
        type Parsed = Result<u8, ParseIntError>;
        type Of<T, E = fmt::Error> = Result<T, E>;

        #[trace_fn]
        fn parse(text: &str) -> Parsed {
            text.parse()
        }

        #[trace_fn]
        fn fail() -> Of<()> {
            Err(fmt::Error)
        }
    } runs {
        assert_eq!(parse("3"), Ok(3));
        assert!(parse("").is_err());
        assert!(fail().is_err());
    } traces "
        function call: parse
        function call: parse [error: cannot parse integer from empty string]
        function call: fail [error: an error occurred when formatting an argument]
    "

    result_behind_self {
        trait Checked: Sized {
            fn checked(self) -> Self;
        }

        #[trace_type]
        impl Checked for Result<u8, &'static str> {
            fn checked(self) -> Self {
                at("body");
                let value = self?;
                if value == 0 { Err("nothing") } else { Ok(value) }
            }
        }
    } runs {
        assert_eq!(Ok(1).checked(), Ok(1));
        assert_eq!(Ok(0).checked(), Err("nothing"));
    } traces "
        method call: Result.checked
          event: body
        method call: Result.checked [error: nothing]
          event: body
    "

    result_behind_a_parameter {
        #[trace_fn]
        fn run<T>(work: impl FnOnce() -> T) -> T {
            work()
        }
    } runs {
        // Whoever does not know that it is a `Result` does not look for an error.
        assert_eq!(run(|| Err::<u8, _>("failed")), Err("failed"));
    } traces "
        function call: run
    "

    result_behind_a_macro_or_parentheses {
        macro_rules! fallible {
            ($ok:ty) => { Result<$ok, &'static str> };
        }

        #[trace_fn]
        fn by_macro() -> fallible!(u8) {
            Err("failed")
        }

        #[trace_fn]
        #[rustfmt::skip]
        #[allow(unused_parens)]
        fn in_parentheses() -> (Result<u8, &'static str>) {
            Err("failed")
        }
    } runs {
        assert!(by_macro().is_err() && in_parentheses().is_err());
    } traces "
        function call: by_macro [error: failed]
        function call: in_parentheses [error: failed]
    "

    boxed_error {
        #[trace_fn]
        fn parse(text: &str) -> Result<u8, Box<dyn Error>> {
            if text == "!" {
                return Err("not that".into());
            }
            Ok(text.parse()?)
        }
    } runs {
        assert!(parse("!").is_err() && parse("x").is_err());
        assert_eq!(parse("1").unwrap(), 1);
    } traces "
        function call: parse [error: not that]
        function call: parse [error: invalid digit found in string]
        function call: parse
    "

    what_only_contains_a_result {
        #[trace_fn]
        fn nested(inner: Result<u8, &'static str>) -> Result<Result<u8, &'static str>, fmt::Error> {
            Ok(inner)
        }

        #[trace_fn]
        fn optional() -> Option<Result<u8, &'static str>> {
            let inner = Some(Err("in an option"))?;
            Some(inner)
        }

        #[trace_fn]
        fn polled() -> Poll<Result<u8, &'static str>> {
            at("body");
            Poll::Ready(Err("in a poll"))
        }
    } runs {
        assert_eq!(nested(Err("inner")), Ok(Err("inner")));
        assert_eq!(optional(), Some(Err("in an option")));
        assert_eq!(polled(), Poll::Ready(Err("in a poll")));
    } traces "
        function call: nested
        function call: optional
        function call: polled
          event: body
    "

    result_with_an_uninhabited_side {
        #[trace_fn]
        fn never_ok() -> Result<Infallible, &'static str> {
            Err("stopped")
        }

        #[trace_fn]
        fn never_err(value: u8) -> Result<u8, Infallible> {
            Ok(value)
        }
    } runs {
        assert!(never_ok().is_err());
        assert_eq!(never_err(3), Ok(3));
    } traces "
        function call: never_ok [error: stopped]
        function call: never_err
    "

    mut_self_to_result_of_self {
        #[derive(Debug)]
        struct Builder(Vec<u8>);

        #[trace_type]
        impl Builder {
            fn with(mut self, unit: u8) -> Result<Self, &'static str> {
                if self.0.contains(&unit) {
                    return Err("twice");
                }
                self.0.push(unit);
                Ok(self)
            }
        }
    } runs {
        let built = Builder(vec![]).with(1).and_then(|builder| builder.with(1));
        assert_eq!(built.unwrap_err(), "twice");
    } traces "
        method call: Builder.with
        method call: Builder.with [error: twice]
    "

    loops_labels_and_returns_of_closures {
        #[trace_fn]
        fn search(rows: &[&[u8]], wanted: u8) -> Result<usize, String> {
            let is_wanted = |unit: &u8| {
                if *unit == wanted {
                    return true;
                }
                false
            };
            'rows: for (at, row) in rows.iter().enumerate() {
                for unit in *row {
                    if *unit == 0 {
                        continue 'rows;
                    }
                    if is_wanted(unit) {
                        return Ok(at);
                    }
                }
            }
            let last = 'block: {
                if rows.is_empty() {
                    break 'block "rows";
                }
                "matches"
            };
            Err(format!("no {last}"))
        }

        #[trace_fn]
        fn never_falls_out(mut tries: u8) -> Result<u8, fmt::Error> {
            loop {
                tries += 1;
                if tries > 3 {
                    break Ok(tries);
                }
            }
        }
    } runs {
        assert_eq!(search(&[&[0, 2], &[2]], 2), Ok(1));
        assert!(search(&[], 2).is_err() && search(&[&[1]], 2).is_err());
        assert_eq!(never_falls_out(0), Ok(4));
    } traces "
        function call: search
        function call: search [error: no rows]
        function call: search [error: no matches]
        function call: never_falls_out
    "

    not_the_result_of_the_standard_library {
        #[derive(Debug, PartialEq)]
        struct Result<T>(T);

        #[trace_fn]
        fn own(value: u8) -> Result<u8> {
            Result(value)
        }
    } runs {
        assert_eq!(own(3), Result(3));
    } traces "
        function call: own
    "

    named_like_the_prelude {
        #[trace_fn]
        fn drop(value: u8) -> Result<u8, fmt::Error> {
            at("body");
            Ok(value)
        }

        #[trace_fn]
        #[allow(non_snake_case, clippy::unnecessary_wraps)]
        fn Some(value: u8) -> Option<u8> {
            Option::Some(value)
        }
    } runs {
        assert_eq!(drop(3), Ok(3));
        assert_eq!(Some(3), Option::Some(3));
    } traces "
        function call: drop
          event: body
        function call: Some
    "

    must_use {
        #[trace_fn]
        #[must_use]
        fn used() -> u8 {
            1
        }

        #[must_use = "or it was for nothing"]
        #[trace_fn]
        fn used_above() -> Vec<u8> {
            vec![1]
        }

        /// Were the attributes lost, nothing would be expected here.
        #[expect(unused_must_use)]
        fn forgets() {
            used();
            used_above();
        }
    } runs {
        forgets();
    } traces "
        function call: used
        function call: used_above
    "

    locals_are_dropped_inside {
        #[trace_fn]
        fn plain() -> usize {
            let _first = Dropped("first dropped");
            let _second = Dropped("second dropped");
            at("body");
            1
        }

        #[trace_fn]
        fn fallible() -> Result<usize, fmt::Error> {
            let _first = Dropped("first dropped");
            let _second = Dropped("second dropped");
            Err(fmt::Error)
        }
    } runs {
        assert_eq!(plain(), 1);
        assert!(fallible().is_err());
    } traces "
        function call: plain
          event: body
          event: second dropped
          event: first dropped
        function call: fallible [error: an error occurred when formatting an argument]
          event: second dropped
          event: first dropped
    "
}
