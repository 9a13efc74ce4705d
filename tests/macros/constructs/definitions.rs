//! Where functions are defined, what stands in front of them, and what is in their arguments and bodies.

use std::fmt;
use std::num::ParseIntError;

use charm_tracing::{trace_fn, trace_type};

use crate::table::at;

constructs! {
    functions_in_functions {
        #[trace_fn]
        fn outer(number: u8) -> Result<u8, &'static str> {
            #[trace_fn]
            fn inner(number: u8) -> Result<u8, &'static str> {
                if number == 0 { Err("nothing") } else { Ok(number) }
            }

            mod deeper {
                #[charm_tracing::trace_fn]
                pub(super) fn inner(number: u8) -> u8 {
                    super::at("deeper");
                    number
                }
            }

            let closure = |number| {
                #[trace_fn]
                fn in_a_closure(number: u8) -> u8 {
                    number
                }
                in_a_closure(number)
            };
            if number > 1 {
                #[trace_fn]
                fn in_a_block() -> Option<u8> {
                    None
                }
                in_a_block().ok_or("in a block")?;
            }
            inner(deeper::inner(closure(number)))
        }
    } runs {
        assert_eq!((outer(0), outer(1), outer(2)), (Err("nothing"), Ok(1), Err("in a block")));
    } traces "
        function call: outer [error: nothing]
          function call: in_a_closure
          function call: inner
            event: deeper
          function call: inner [error: nothing]
        function call: outer
          function call: in_a_closure
          function call: inner
            event: deeper
          function call: inner
        function call: outer [error: in a block]
          function call: in_a_block
    "

    functions_in_constants {
        const DOUBLE: fn(u8) -> u8 = {
            #[trace_fn]
            fn double(number: u8) -> u8 {
                number * 2
            }
            double
        };

        #[allow(clippy::type_complexity)]
        static PARSE: [fn(&str) -> Result<u8, ParseIntError>; 1] = {
            #[trace_fn]
            fn parse(text: &str) -> Result<u8, ParseIntError> {
                text.parse()
            }
            [parse]
        };

        const _: () = {
            #[trace_type]
            impl Unit {
                fn number(&self) -> u8 {
                    self.0
                }
            }
        };

        struct Unit(u8);
    } runs {
        assert_eq!(DOUBLE(2), 4);
        assert!(PARSE[0]("x").is_err());
        assert_eq!(Unit(1).number(), 1);
    } traces "
        function call: double
        function call: parse [error: invalid digit found in string]
        method call: Unit.number
    "

    made_by_macros {
        macro_rules! getter {
            ($(#[$meta:meta])* $vis:vis $name:ident: $ty:ty = $value:expr) => {
                $(#[$meta])*
                $vis fn $name() -> Result<$ty, &'static str> {
                    Ok($value)
                }
            };
        }

        getter! {
            /// A constant.
            #[trace_fn]
            #[must_use = "it is for that"]
            pub(super) limit: u8 = 3 + 4
        }

        macro_rules! function {
            ($name:ident($($pattern:pat => $ty:ty),*) -> $result:ty $body:block) => {
                #[trace_fn]
                fn $name($($pattern: $ty),*) -> $result $body
            };
        }

        function! { sum((left, right) => (u8, u8), [first, ..] => [u8; 2]) -> Option<u8> { left.checked_add(right)?.checked_add(first) } }
        function! { failing(text => &str) -> Result<u8, ParseIntError> { Ok(text.parse::<u8>()? + 1) } }

        macro_rules! hygienic {
            ($name:ident, $number:ident, $value:expr) => {
                #[trace_fn]
                fn $name($number: u8, number: u8) -> Result<u8, u8> {
                    let value = number + 1;
                    let own = $value;
                    if own > value { Err(own) } else { Ok(value) }
                }
            };
        }

        hygienic!(hygienic, number, number * 10);

        macro_rules! traced {
            ($item:item) => {
                #[trace_fn]
                $item
            };
        }

        traced! {
            #[allow(clippy::trivially_copy_pass_by_ref)]
            fn passed<'a>(text: &'a str, _: &u8) -> Result<&'a str, fmt::Error> {
                if text.is_empty() { Err(fmt::Error) } else { Ok(text) }
            }
        }

        macro_rules! block {
            ($($path:ident)::+<$lifetime:lifetime> { $($method:ident($self:ident) = $literal:literal;)* .. $($rest:tt)* }) => {
                #[trace_type]
                impl<$lifetime> $($path)::+<$lifetime> {
                    $(
                        fn $method(&$self) -> Result<&$lifetime str, String> {
                            if $self.0 == $literal { Err(concat!("is ", $literal).to_owned()) } else { Ok($self.0) }
                        }
                    )*
                    $($rest)*
                }
            };
        }

        struct Unit<'a>(&'a str);

        block! {
            self::Unit<'a> {
                not_a(self) = "a";
                not_b(self) = "b";
                ..
                fn length(&self) -> usize { self.0.len() }
            }
        }

        macro_rules! implement {
            ($($ty:ty),* => $trait:path) => { $(
                #[trace_type]
                impl $trait for $ty {
                    fn twice(&self) -> Self {
                        self + self
                    }
                }
            )* };
        }

        trait Twice {
            fn twice(&self) -> Self;
        }

        implement!(u8, i64 => Twice);
    } runs {
        assert_eq!(limit(), Ok(7));
        assert_eq!(sum((1, 2), [3, 4]), Some(6));
        assert!(failing("").is_err());
        assert_eq!((hygienic(1, 20), hygienic(1, 1)), (Ok(21), Err(10)));
        assert!(passed("", &1).is_err());
        assert_eq!((Unit("b").not_a(), Unit("b").not_b(), Unit("b").length()), (Ok("b"), Err("is b".to_owned()), 1));
        assert_eq!((1_u8.twice(), 1_i64.twice()), (2, 2));
    } traces "
        function call: limit
        function call: sum
        function call: failing [error: cannot parse integer from empty string]
        function call: hygienic
        function call: hygienic [error: 10]
        function call: passed [error: an error occurred when formatting an argument]
        method call: Unit.not_a
        method call: Unit.not_b [error: is b]
        method call: Unit.length
        method call: u8.twice
        method call: i64.twice
    "

    attributes_of_functions {
        struct Unit(u8);

        #[trace_type]
        impl Unit {
            #[inline]
            fn inline(&self) -> u8 {
                self.0
            }

            #[cold]
            #[inline(never)]
            fn cold(&self) -> Result<u8, u8> {
                Err(self.0)
            }

            #[inline(always)]
            #[allow(clippy::inline_always)]
            fn always(&self) -> u8 {
                self.0
            }

            #[deprecated = "use `inline`"]
            fn old(&self) -> u8 {
                self.0
            }

            #[doc = "Shown,"]
            #[doc(hidden)]
            /// and not.
            fn documented(&self) -> u8 {
                self.0
            }

            #[cfg(any())]
            fn missing(&self) -> Nowhere {
                self.nothing()
            }

            #[cfg(all())]
            #[cfg_attr(all(), must_use)]
            fn there(&self) -> u8 {
                self.0
            }

            #[rustfmt::skip]
            fn ugly(&self) -> u8 { self. 0 }

            #[expect(unused_variables, clippy::used_underscore_binding)]
            fn expects(&self, unused: u8, _used: u8) -> Result<u8, fmt::Error> {
                Ok(self.0 + _used)
            }

            fn inner_attributes(&self) -> Result<u8, fmt::Error> {
                //! Documented here.
                #![allow(unused_variables)]
                let unused = 1;
                Ok(self.0)
            }
        }
    } runs {
        let unit = Unit(1);
        assert_eq!((unit.inline(), unit.cold(), unit.always()), (1, Err(1), 1));
        #[expect(deprecated)]
        let old = unit.old();
        assert_eq!((old, unit.documented(), unit.there(), unit.ugly()), (1, 1, 1, 1));
        assert_eq!((unit.expects(1, 2), unit.inner_attributes()), (Ok(3), Ok(1)));
    } traces "
        method call: Unit.inline
        method call: Unit.cold [error: 1]
        method call: Unit.always
        method call: Unit.old
        method call: Unit.documented
        method call: Unit.there
        method call: Unit.ugly
        method call: Unit.expects
        method call: Unit.inner_attributes
    "

    conditions_inside_of_functions {
        #[trace_fn]
        fn plain(#[cfg(any())] missing: Nowhere, #[cfg(all())] number: u8, #[allow(unused)] other: u8) -> u8 {
            #[cfg(any())]
            missing.nothing();
            #[cfg(any())]
            return missing;
            #[cfg(all())]
            let number = number + 1;
            number
        }

        #[trace_fn]
        fn fallible(#[cfg(any())] missing: Nowhere, #[cfg(all())] mut number: u8) -> Result<u8, u8> {
            #[cfg(any())]
            return Err(missing);
            #[cfg(all())]
            {
                number += 1;
            }
            let checked = match number {
                #[cfg(any())]
                0 => missing,
                #[cfg(all())]
                1 => return Err(1),
                more => more,
            };
            #[cfg(all())]
            {
                Ok(checked)
            }
            #[cfg(any())]
            {
                Err(missing)
            }
        }
    } runs {
        assert_eq!(plain(1, 0), 2);
        assert_eq!((fallible(0), fallible(1)), (Err(1), Ok(2)));
    } traces "
        function call: plain
        function call: fallible [error: 1]
        function call: fallible
    "

    functions_of_the_test_harness {
        #[test]
        #[trace_fn]
        #[ignore = "its span would be in another test's trace"]
        fn below() -> Result<(), String> {
            expected().map(drop)
        }

        #[trace_fn]
        #[test]
        #[should_panic(expected = "on purpose")]
        #[ignore = "as above"]
        fn above() {
            assert!(expected().is_err(), "on purpose");
        }

        #[trace_fn]
        #[expect(clippy::unnecessary_wraps, reason = "it is the test that can fail")]
        fn expected() -> Result<u8, String> {
            Ok(1)
        }
    } runs {
        assert!(expected().is_ok());
    } traces "
        function call: expected
    "

    patterns_as_arguments {
        struct Point {
            x: i32,
            y: i32,
        }

        enum Only<T> {
            One(T),
        }

        #[trace_fn]
        fn tuples((one, (two, _)): (u8, (u8, u8)), (.., last): (u8, u8, u8)) -> Result<u8, fmt::Error> {
            Ok(one + two + last)
        }

        #[trace_fn]
        fn structs(Point { x, y: second }: Point, Point { y, .. }: &Point) -> Result<i32, fmt::Error> {
            Ok(x + second + y)
        }

        #[trace_fn]
        fn slices([first, .., last]: [u8; 3], [_, rest @ ..]: [u8; 3]) -> Result<u8, [u8; 2]> {
            if first + last > 4 { Err(rest) } else { Ok(first) }
        }

        #[trace_fn]
        fn alternatives((Ok(value) | Err(value)): Result<u8, u8>, Only::One(other): Only<u8>) -> Result<u8, u8> {
            value.checked_sub(other).ok_or(value)
        }

        #[trace_fn]
        #[allow(clippy::trivially_copy_pass_by_ref)]
        fn references(&one: &u8, &(two, ref three): &(u8, String), &mut ref mut four: &mut u8) -> Result<usize, String> {
            *four += one + two;
            if three.is_empty() { Err(four.to_string()) } else { Ok(three.len()) }
        }

        #[trace_fn]
        #[allow(clippy::toplevel_ref_arg, clippy::needless_pass_by_value)]
        fn by_reference(ref text: String, ref mut number: u8, mut other: u8) -> Result<String, u8> {
            *number += 1;
            other += *number;
            if text.is_empty() { Err(other) } else { Ok(text.repeat(other.into())) }
        }

        #[trace_fn]
        fn bound_at(whole @ (left, right): (u8, u8), mut n @ (1..=9 | 0 | 10..): usize) -> Result<(u8, u8), usize> {
            n += usize::from(left + right);
            if n > 10 { Err(n) } else { Ok(whole) }
        }

        #[trace_fn]
        fn nothing((): (), _: u8, _unused: u8, Point { .. }: Point) -> Result<(), fmt::Error> {
            Err(fmt::Error)
        }

        struct Unit(u8);

        #[trace_type]
        impl Unit {
            fn other(mut self, Self(number): Self, [.., (_, ref last)]: [(u8, Self); 2]) -> Result<Self, u8> {
                self.0 += number;
                if self.0 > last.0 { Err(self.0) } else { Ok(self) }
            }
        }
    } runs {
        assert_eq!(tuples((1, (2, 0)), (0, 0, 3)), Ok(6));
        assert_eq!(structs(Point { x: 1, y: 2 }, &Point { x: 0, y: 3 }), Ok(6));
        assert_eq!((slices([1, 0, 1], [0; 3]), slices([3, 0, 3], [1, 2, 3])), (Ok(1), Err([2, 3])));
        assert_eq!((alternatives(Err(3), Only::One(1)), alternatives(Ok(1), Only::One(2))), (Ok(2), Err(1)));
        let mut four = 4;
        assert_eq!(references(&1, &(2, String::new()), &mut four), Err("7".to_owned()));
        assert_eq!(by_reference("a".to_owned(), 0, 1).as_deref(), Ok("aa"));
        assert_eq!((bound_at((1, 2), 3), bound_at((1, 2), 9)), (Ok((1, 2)), Err(12)));
        assert!(nothing((), 1, 2, Point { x: 0, y: 0 }).is_err());
        assert_eq!(Unit(1).other(Unit(2), [(0, Unit(0)), (0, Unit(2))]).map(|unit| unit.0), Err(3));
    } traces "
        function call: tuples
        function call: structs
        function call: slices
        function call: slices [error: [2, 3]]
        function call: alternatives
        function call: alternatives [error: 1]
        function call: references [error: 7]
        function call: by_reference
        function call: bound_at
        function call: bound_at [error: 12]
        function call: nothing [error: an error occurred when formatting an argument]
        method call: Unit.other [error: 3]
    "

    identifiers {
        #[allow(non_camel_case_types)]
        struct r#struct {
            r#type: u8,
        }

        #[trace_type]
        impl r#struct {
            fn r#match(&self, r#fn: u8) -> Result<u8, &'static str> {
                let r#loop = self.r#type + r#fn;
                if r#loop > 3 { Err("r#loop") } else { Ok(r#loop) }
            }
        }

        struct Größe(u8);

        #[trace_type]
        impl Größe {
            fn prüfe(&self, größte: u8) -> Result<u8, String> {
                if self.0 > größte { Err(format!("{größte} wäre möglich")) } else { Ok(self.0) }
            }
        }

        #[trace_fn]
        fn r#async(r#await: u8) -> u8 {
            r#await
        }

        #[trace_fn]
        #[allow(non_snake_case)]
        fn CamelCase(__x: u8, _: u8) -> Result<u8, u8> {
            Err(1)
        }
    } runs {
        let keyword = r#struct { r#type: 3 };
        assert_eq!((keyword.r#match(0), keyword.r#match(1)), (Ok(3), Err("r#loop")));
        assert!(Größe(3).prüfe(2).is_err());
        assert_eq!(r#async(1), 1);
        assert_eq!(CamelCase(1, 2), Err(1));
    } traces "
        method call: struct.match
        method call: struct.match [error: r#loop]
        method call: Größe.prüfe [error: 2 wäre möglich]
        function call: async
        function call: CamelCase [error: 1]
    "

    constant_functions {
        struct Unit(u8);

        #[trace_type]
        impl Unit {
            const FIRST: Self = Self::new(1).next();

            const fn new(number: u8) -> Self {
                Self(number)
            }

            const fn next(&self) -> Self {
                Self(self.0 + 1)
            }

            fn number(&self) -> u8 {
                self.next().0
            }

            fn first() -> Self {
                Self::FIRST
            }
        }

        const SECOND: Unit = Unit::FIRST.next();
    } runs {
        assert_eq!((Unit::first().number(), SECOND.number()), (3, 4));
    } traces "
        method call: Unit.first
        method call: Unit.number
        method call: Unit.number
    "

    bodies {
        #[trace_fn]
        #[allow(clippy::shadow_same, clippy::shadow_unrelated)]
        fn shadows(text: &str, text_again: String) -> Result<usize, ParseIntError> {
            let text = text.trim();
            let text: usize = text.parse()?;
            let text_again = text_again.len() + text;
            Ok(text_again)
        }

        #[trace_fn]
        fn let_else(text: &str) -> Result<(&str, &str), String> {
            let Some((name, number)) = text.split_once('/') else {
                return Err(format!("{text} is no unit"));
            };
            let (Some('0'..='9'), true) = (number.chars().next(), number.len() < 3) else {
                Err("no number")?
            };
            Ok((name, number))
        }

        #[trace_fn]
        #[allow(clippy::never_loop)]
        fn blocks(number: u8) -> Result<u8, &'static str> {
            let small = 'check: {
                if number > 9 {
                    break 'check false;
                }
                number != 5
            };
            let mut rounds = 0;
            let found = 'outer: loop {
                loop {
                    rounds += 1;
                    match rounds {
                        3 if small => break 'outer Ok(rounds),
                        5 => break 'outer Err("after five rounds"),
                        n if n % 2 == 0 => continue 'outer,
                        _ => break,
                    }
                }
            };
            found.map(|rounds| rounds + number)
        }

        #[trace_fn]
        fn captures(mut values: Vec<u8>, more: &mut Vec<u8>) -> Result<impl Fn(u8) -> bool + use<>, usize> {
            let mut push = |value| more.push(value);
            values.iter().copied().for_each(&mut push);
            push(0);
            values.retain(|value| more.contains(value));
            if values.is_empty() {
                return Err(more.len());
            }
            Ok(move |value| values.contains(&value))
        }

        #[trace_fn]
        fn even(number: u8) -> Result<bool, fmt::Error> {
            if number == 0 { Ok(true) } else { odd(number - 1) }
        }

        #[trace_fn]
        fn odd(number: u8) -> Result<bool, fmt::Error> {
            if number == 0 { Ok(false) } else { even(number - 1) }
        }

        #[trace_fn]
        fn empty() {}

        #[trace_fn]
        #[allow(clippy::needless_return)]
        fn ends_with_a_statement(number: &mut u8) -> Result<(), fmt::Error> {
            if *number == 0 {
                return Ok(());
            }
            *number -= 1;
            return Err(fmt::Error);
        }

        #[trace_fn]
        fn ends_with_a_macro(number: u8) -> Result<bool, fmt::Error> {
            macro_rules! ok {
                ($value:expr) => {
                    Ok($value)
                };
            }
            ok!(matches!(number, 1..=3))
        }

        #[trace_fn]
        fn never(number: u8) -> Result<u8, String> {
            match number {
                0 => unreachable!("it is never called with {number}"),
                1 => todo!(),
                _ => Err(number.to_string()),
            }
        }
    } runs {
        assert_eq!(shadows(" 3 ", "a".to_owned()), Ok(4));
        assert!(let_else("app/0").is_ok() && let_else("app").is_err() && let_else("app/x").is_err());
        assert_eq!((blocks(1), blocks(5)), (Ok(4), Err("after five rounds")));
        let mut more = Vec::new();
        assert!(captures(vec![1], &mut more).is_ok_and(|contains| contains(1)));
        assert_eq!(captures(vec![], &mut more).err(), Some(3));
        assert_eq!(even(2), Ok(true));
        empty();
        assert!(ends_with_a_statement(&mut 1).is_err());
        assert_eq!(ends_with_a_macro(3), Ok(true));
        assert_eq!(never(2), Err("2".to_owned()));
    } traces "
        function call: shadows
        function call: let_else
        function call: let_else [error: app is no unit]
        function call: let_else [error: no number]
        function call: blocks
        function call: blocks [error: after five rounds]
        function call: captures
        function call: captures [error: 3]
        function call: even
          function call: odd
            function call: even
        function call: empty
        function call: ends_with_a_statement [error: an error occurred when formatting an argument]
        function call: ends_with_a_macro
        function call: never [error: 2]
    "

    several_blocks_and_visibilities {
        mod inner {
            #[derive(Default)]
            pub(super) struct Unit {
                number: u8,
            }

            #[super::trace_type]
            impl Unit {
                pub(super) fn number(&self) -> u8 {
                    self.private() + self.of_the_crate()
                }

                fn private(&self) -> u8 {
                    self.number
                }
            }

            #[super::trace_type(name = "UnitOfTheCrate")]
            impl Unit {
                pub(crate) fn of_the_crate(&self) -> u8 {
                    self.number
                }

                pub(in crate::definitions) fn of_a_path(&self) -> Result<u8, u8> {
                    Err(self.number)
                }

                #[super::trace_fn(name = "a name of its own")]
                pub(super) fn named(&self) -> u8 {
                    self.number
                }
            }
        }
    } runs {
        let unit = inner::Unit::default();
        assert_eq!((unit.number(), unit.of_a_path(), unit.named()), (0, Err(0), 0));
    } traces "
        method call: Unit.number
          method call: Unit.private
          method call: UnitOfTheCrate.of_the_crate
        method call: UnitOfTheCrate.of_a_path [error: 0]
        a name of its own
    "
}
