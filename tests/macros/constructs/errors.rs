//! Errors that are returned: a span tells as much as its function knows of them.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::num::ParseIntError;
use std::ops::{Add, ControlFlow, Deref};
use std::rc::Rc;
use std::str::FromStr;
use std::sync::{Arc, LockResult, Mutex, MutexGuard};

use charm_tracing::{trace_fn, trace_type};
use tests::recording::spans_of;

use crate::table::at;
use tests::futures::{block_on, once};

/// An error with a cause.
#[derive(Debug)]
struct Unreachable(ParseIntError);

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot reach the unit")
    }
}

impl Error for Unreachable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn unreachable() -> Unreachable {
    Unreachable("x".parse::<u8>().expect_err("no number"))
}

/// Can be displayed, and nothing else.
struct Shown(&'static str);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Can only be debugged.
#[derive(Debug)]
enum Debugged {
    Refused,
}

/// Can say nothing.
struct Mute;

constructs! {
    whatever_they_can_say {
        #[trace_fn]
        fn standard() -> Result<(), Unreachable> {
            Err(unreachable())
        }

        #[trace_fn]
        fn shown() -> Result<(), Shown> {
            Err(Shown("it is closed"))
        }

        #[trace_fn]
        fn debugged() -> Result<(), Debugged> {
            Err(Debugged::Refused)
        }

        #[trace_fn]
        fn mute() -> Result<(), Mute> {
            Err(Mute)
        }

        #[trace_fn]
        fn nothing() -> Result<u8, ()> {
            Err(())
        }

        #[trace_fn]
        fn number() -> Result<(), u8> {
            Err(3)
        }
    } runs {
        assert!(standard().is_err() && shown().is_err() && debugged().is_err() && mute().is_err());
        assert!(nothing().is_err() && number().is_err());
    } traces "
        function call: standard [error: cannot reach the unit]
        function call: shown [error: it is closed]
        function call: debugged [error: Refused]
        function call: mute [error]
        function call: nothing [error: ()]
        function call: number [error: 3]
    "

    texts {
        #[trace_fn]
        fn borrowed(text: &str) -> Result<(), &str> {
            Err(text)
        }

        #[trace_fn]
        fn either(text: &str) -> Result<(), Cow<'_, str>> {
            Err(text.into())
        }

        #[trace_fn]
        fn boxed(text: &str) -> Result<(), Box<str>> {
            Err(text.into())
        }

        #[trace_fn]
        fn formatted(text: &str) -> Result<(), impl fmt::Display + use<>> {
            Err(format!("no {text}"))
        }

        #[trace_fn]
        fn arguments(text: fmt::Arguments<'_>) -> Result<(), fmt::Arguments<'_>> {
            Err(text)
        }
    } runs {
        assert!(borrowed("text").is_err() && either("text").is_err() && boxed("text").is_err());
        assert!(formatted("text").is_err() && arguments(format_args!("a {}", "text")).is_err());
    } traces "
        function call: borrowed [error: text]
        function call: either [error: text]
        function call: boxed [error: text]
        function call: formatted [error: no text]
        function call: arguments [error: a text]
    "

    generic {
        #[trace_fn]
        fn standard<E: Error>(error: E) -> Result<(), E> {
            Err(error)
        }

        #[trace_fn]
        fn shown<E>(error: E) -> Result<(), E>
        where
            E: fmt::Display,
        {
            Err(error)
        }

        #[trace_fn]
        fn debugged(error: impl fmt::Debug) -> Result<(), impl fmt::Debug> {
            Err(error)
        }

        #[trace_fn]
        fn unknown<E>(error: E) -> Result<(), E> {
            Err(error)
        }

        #[trace_fn]
        fn converted<E: From<Unreachable> + Error>() -> Result<(), E> {
            Err(unreachable())?
        }

        #[trace_fn]
        fn of_a_text<'a, E: From<&'a str> + fmt::Debug>(text: &'a str) -> Result<(), E> {
            Err(text.into())
        }

        struct Wrapper<E>(E);

        #[trace_type]
        impl<E: Clone + fmt::Display> Wrapper<E> {
            fn fail(&self) -> Result<(), E> {
                Err(self.0.clone())
            }

            fn give_back(self) -> Result<(), Self> {
                Err(self)
            }
        }

        #[trace_fn]
        fn wrapped<E>(error: E) -> Result<(), Vec<E>>
        where
            Vec<E>: fmt::Debug,
        {
            Err(vec![error])
        }
    } runs {
        assert!(standard(unreachable()).is_err() && shown(3).is_err() && debugged("text").is_err());
        assert!(unknown(unreachable()).is_err() && converted::<Unreachable>().is_err());
        assert!(of_a_text::<String>("text").is_err());
        assert!(Wrapper("text").fail().is_err() && Wrapper("text").give_back().is_err());
        assert!(wrapped(3).is_err());
    } traces "
        function call: standard [error: cannot reach the unit]
        function call: shown [error: 3]
        function call: debugged [error: \"text\"]
        function call: unknown [error]
        function call: converted [error: cannot reach the unit]
        function call: of_a_text [error: \"text\"]
        method call: Wrapper.fail [error: text]
        method call: Wrapper.give_back [error]
        function call: wrapped [error: [3]]
    "

    private {
        mod inner {
            struct Hidden;

            impl std::fmt::Display for Hidden {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("hidden")
                }
            }

            pub(super) struct Keeper;

            #[super::trace_type]
            impl Keeper {
                pub(super) fn keeps(&self) -> bool {
                    self.fails().is_err()
                }

                #[allow(clippy::unused_self)]
                fn fails(&self) -> Result<(), Hidden> {
                    Err(Hidden)
                }
            }
        }
    } runs {
        assert!(inner::Keeper.keeps());
    } traces "
        method call: Keeper.keeps
          method call: Keeper.fails [error: hidden]
    "

    behind_pointers {
        #[trace_fn]
        fn boxed() -> Result<(), Box<dyn Error + Send + Sync>> {
            Err(Box::new(unreachable()))
        }

        #[trace_fn]
        fn boxed_sized() -> Result<(), Box<Unreachable>> {
            Err(Box::new(unreachable()))
        }

        #[trace_fn]
        fn referenced(error: &dyn Error) -> Result<(), &dyn Error> {
            Err(error)
        }

        #[trace_fn]
        fn counted() -> Result<(), Rc<Unreachable>> {
            Err(Rc::new(unreachable()))
        }

        #[trace_fn]
        fn shared() -> Result<(), Arc<dyn Error>> {
            Err(Arc::new(unreachable()))
        }

        #[trace_fn]
        fn only_shown() -> Result<(), Box<dyn fmt::Display>> {
            Err(Box::new(3))
        }

        #[trace_fn]
        fn only_debugged() -> Result<(), Box<dyn fmt::Debug>> {
            Err(Box::new(Some(3)))
        }

        #[trace_fn]
        fn mute() -> Result<(), Box<dyn FnOnce() -> u8>> {
            Err(Box::new(|| 3))
        }

        #[trace_fn]
        fn anyhow() -> anyhow::Result<()> {
            anyhow::bail!("cannot {}", "start")
        }

        /// As that of `anyhow`, it points at an error and is none.
        struct Report(Box<dyn Error>);

        impl<E: Error + 'static> From<E> for Report {
            fn from(error: E) -> Self {
                Self(Box::new(error))
            }
        }

        impl Deref for Report {
            type Target = dyn Error;

            fn deref(&self) -> &Self::Target {
                &*self.0
            }
        }

        impl fmt::Display for Report {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "report: {}", self.0)
            }
        }

        #[trace_fn]
        fn report() -> Result<u8, Report> {
            Err(unreachable())?;
            Ok("3".parse()?)
        }
    } runs {
        assert!(boxed().is_err() && boxed_sized().is_err() && referenced(&unreachable()).is_err());
        assert!(counted().is_err() && shared().is_err() && only_shown().is_err());
        assert!(only_debugged().is_err() && mute().is_err() && anyhow().is_err());
        assert!(report().is_err());
    } traces "
        function call: boxed [error: cannot reach the unit]
        function call: boxed_sized [error: cannot reach the unit]
        function call: referenced [error: cannot reach the unit]
        function call: counted [error: cannot reach the unit]
        function call: shared [error: cannot reach the unit]
        function call: only_shown [error: 3]
        function call: only_debugged [error: Some(3)]
        function call: mute [error]
        function call: anyhow [error: cannot start]
        function call: report [error: report: cannot reach the unit]
    "

    behind_aliases {
        type Result<T, E = Shown> = std::result::Result<T, E>;

        #[trace_fn]
        fn own() -> Result<u8> {
            Err(Shown("own"))
        }

        #[trace_fn]
        fn of_another() -> Result<u8, Debugged> {
            Err(Debugged::Refused)
        }

        #[trace_fn]
        fn of_io() -> io::Result<()> {
            Err(io::Error::other("disk on fire"))
        }

        #[trace_fn]
        fn of_fmt() -> fmt::Result {
            Err(fmt::Error)
        }

        #[trace_fn]
        fn of_a_thread() -> std::thread::Result<u8> {
            std::panic::catch_unwind(|| std::panic::resume_unwind(Box::new(3)))
        }
    } runs {
        assert!(own().is_err() && of_another().is_err() && of_io().is_err() && of_fmt().is_err());
        assert!(of_a_thread().is_err());
    } traces "
        function call: own [error: own]
        function call: of_another [error: Refused]
        function call: of_io [error: disk on fire]
        function call: of_fmt [error: an error occurred when formatting an argument]
        function call: of_a_thread [error: Any { .. }]
    "

    associated_types {
        struct Port(u16);

        #[trace_type]
        impl TryFrom<i32> for Port {
            type Error = std::num::TryFromIntError;

            fn try_from(number: i32) -> Result<Self, Self::Error> {
                Ok(Self(number.try_into()?))
            }
        }

        #[trace_type]
        impl FromStr for Port {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, <Self as FromStr>::Err> {
                text.parse().map(Self)
            }
        }

        #[trace_type]
        impl Add<u16> for Port {
            type Output = Result<Self, &'static str>;

            fn add(self, more: u16) -> Self::Output {
                self.0.checked_add(more).map(Self).ok_or("too large")
            }
        }

        trait Checks {
            type Shown: fmt::Display;
            type Unknown;

            fn shown(&self) -> Result<(), Self::Shown>;
            fn unknown(&self) -> Result<(), Self::Unknown>;

            #[trace_fn]
            fn shown_by_default(&self) -> Result<(), Self::Shown> {
                self.shown()
            }

            #[trace_fn]
            fn unknown_by_default(&self) -> Result<(), Self::Unknown> {
                self.unknown()
            }
        }

        #[trace_type]
        impl Checks for Port {
            type Shown = u16;
            type Unknown = String;

            fn shown(&self) -> Result<(), Self::Shown> {
                Err(self.0)
            }

            fn unknown(&self) -> Result<(), Self::Unknown> {
                Err("only the implementation knows it".to_owned())
            }
        }

        #[trace_fn]
        fn check<C: Checks<Unknown: fmt::Debug>>(checks: &C) -> Result<(), C::Unknown> {
            checks.unknown()
        }
    } runs {
        assert!(Port::try_from(-1).is_err() && "x".parse::<Port>().is_err());
        assert!((Port(1) + u16::MAX).is_err());
        assert!(Port(1).shown_by_default().is_err() && Port(1).unknown_by_default().is_err());
        assert!(check(&Port(1)).is_err());
    } traces "
        method call: Port.try_from [error: out of range integral type conversion attempted]
        method call: Port.from_str [error: invalid digit found in string]
        method call: Port.add [error: too large]
        method call: Port.shown_by_default [error: 1]
          method call: Port.shown [error: 1]
        method call: Port.unknown_by_default [error]
          method call: Port.unknown [error: only the implementation knows it]
        function call: check [error: \"only the implementation knows it\"]
          method call: Port.unknown [error: only the implementation knows it]
    "

    impl_error {
        #[trace_fn]
        fn fails() -> Result<u8, impl Error + Send> {
            Err(unreachable())
        }

        #[trace_fn]
        fn both(text: &str) -> Result<impl Iterator<Item = char> + '_, impl fmt::Display + '_> {
            if text.is_empty() { Err("nothing") } else { Ok(text.chars()) }
        }

        #[trace_fn]
        fn is_one() -> impl Error {
            unreachable()
        }
    } runs {
        assert!(fails().is_err() && both("").is_err() && both("a").is_ok());
        assert!(is_one().source().is_some());
    } traces "
        function call: fails [error: cannot reach the unit]
        function call: both [error: nothing]
        function call: both
        function call: is_one
    "

    that_are_none {
        #[trace_fn]
        fn first_even(numbers: &[u8]) -> ControlFlow<u8> {
            numbers.iter().try_for_each(|&number| {
                if number % 2 == 0 { ControlFlow::Break(number) } else { ControlFlow::Continue(()) }
            })?;
            ControlFlow::Continue(())
        }

        #[trace_fn]
        fn transposed(text: Option<&str>) -> Option<Result<u8, ParseIntError>> {
            text?.parse().into()
        }

        #[trace_fn]
        fn beside(text: &str) -> (Result<u8, ParseIntError>, usize) {
            (text.parse(), text.len())
        }

        #[trace_fn]
        fn all(texts: &[&str]) -> Vec<Result<u8, ParseIntError>> {
            texts.iter().map(|text| text.parse()).collect()
        }
    } runs {
        assert_eq!(first_even(&[1, 2]), ControlFlow::Break(2));
        assert!(transposed(Some("x")).unwrap().is_err() && transposed(None).is_none());
        assert!(beside("x").0.is_err() && all(&["x"])[0].is_err());
    } traces "
        function call: first_even
        function call: transposed
        function call: transposed
        function call: beside
        function call: all
    "

    whose_text_misbehaves {
        struct Panics;

        impl fmt::Display for Panics {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("in an error's text")
            }
        }

        struct Fails;

        impl fmt::Display for Fails {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("half of")?;
                Err(fmt::Error)
            }
        }

        struct IsTraced;

        #[trace_type]
        impl fmt::Display for IsTraced {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                at("while it is shown");
                f.write_str("traced")
            }
        }

        #[trace_fn]
        fn panics() -> Result<(), Panics> {
            Err(Panics)
        }

        #[trace_fn]
        fn fails() -> Result<(), Fails> {
            Err(Fails)
        }

        #[trace_fn]
        fn is_traced_itself() -> Result<(), IsTraced> {
            Err(IsTraced)
        }
    } runs {
        assert!(panics().is_err() && fails().is_err());
        // A text that only the trace asks for leaves no spans.
        assert_eq!(is_traced_itself().unwrap_err().to_string(), "traced");
    } traces "
        function call: panics [error]
        function call: fails [error]
        function call: is_traced_itself [error: traced]
        method call: IsTraced.fmt
          event: while it is shown
    "

    converted {
        enum Failure {
            Parse(ParseIntError),
            Format(fmt::Error),
        }

        impl fmt::Display for Failure {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Parse(error) => write!(f, "parse: {error}"),
                    Self::Format(error) => write!(f, "format: {error}"),
                }
            }
        }

        impl From<ParseIntError> for Failure {
            fn from(error: ParseIntError) -> Self {
                Self::Parse(error)
            }
        }

        #[trace_type]
        impl From<fmt::Error> for Failure {
            fn from(error: fmt::Error) -> Self {
                at("converting");
                Self::Format(error)
            }
        }

        #[trace_fn]
        fn both(text: &str) -> Result<u8, Failure> {
            let number: u8 = text.parse()?;
            if number > 9 {
                Err(fmt::Error)?;
            }
            Ok(number)
        }
    } runs {
        assert!(both("3").is_ok() && both("x").is_err() && both("10").is_err());
    } traces "
        function call: both
        function call: both [error: parse: invalid digit found in string]
        function call: both [error: format: an error occurred when formatting an argument]
          method call: Failure.from
            event: converting
    "

    inside_of_closures {
        #[trace_fn]
        fn counts(texts: &[&str]) -> Result<usize, ParseIntError> {
            let parse = |text: &str| {
                if text.is_empty() {
                    return Err(Mute);
                }
                let number: u8 = text.parse().map_err(|_| Mute)?;
                Ok(number)
            };
            let attempt = || -> Result<u8, ParseIntError> { Ok("x".parse::<u8>()? + 1) };
            assert!(attempt().is_err());
            let by_name = texts.iter().map(|text| text.parse::<i64>()).collect::<Result<Vec<_>, _>>()?;
            Ok(by_name.len() + texts.iter().filter(|text| parse(text).is_ok()).count())
        }
    } runs {
        assert_eq!(counts(&["1", "1000"]), Ok(3));
        assert!(counts(&[""]).is_err());
    } traces "
        function call: counts
        function call: counts [error: cannot parse integer from empty string]
    "

    out_of_macros {
        macro_rules! bail {
            ($($text:tt)*) => {
                return Err(format!($($text)*))
            };
        }

        macro_rules! ensure {
            ($condition:expr, $($text:tt)*) => {
                if !$condition {
                    bail!($($text)*);
                }
            };
        }

        macro_rules! tri {
            ($result:expr) => {
                match $result {
                    Ok(value) => value,
                    Err(error) => return Err(From::from(error)),
                }
            };
        }

        #[trace_fn]
        fn even(number: u8) -> Result<u8, String> {
            ensure!(number != 0, "zero");
            let half = match number % 2 {
                0 => number / 2,
                _ => bail!("{number} is odd"),
            };
            Ok(tri!(u8::checked_add(half, 200).ok_or("too large")))
        }
    } runs {
        assert_eq!(even(2), Ok(201));
        assert!(even(0).is_err() && even(3).is_err() && even(200).is_err());
    } traces "
        function call: even
        function call: even [error: zero]
        function call: even [error: 3 is odd]
        function call: even [error: too large]
    "

    from_within_expressions {
        #[trace_fn]
        fn sum(rows: &[&str]) -> Result<u32, String> {
            let mut sum: u32 = 0;
            'rows: for row in rows {
                let mut cells = row.split(' ');
                while let Some(cell) = cells.next() {
                    let number: u32 = match cell.parse() {
                        Ok(0) => continue 'rows,
                        Ok(number) if number > 9 => return Err(format!("{number} is too large")),
                        Ok(number) => number,
                        Err(_) if cell == "end" => break 'rows,
                        Err(error) => Err(error.to_string())?,
                    };
                    let Some(more) = sum.checked_sub(number) else {
                        sum += number;
                        continue;
                    };
                    sum = more + cells.next().map_or(Err("one is missing"), |_| Ok(2 * number))?;
                }
            }
            Ok(sum)
        }
    } runs {
        assert_eq!(sum(&["1 0 x", "1 2", "end x"]), Ok(2));
        assert!(sum(&["10"]).is_err() && sum(&["x"]).is_err() && sum(&["1 1"]).is_err());
    } traces "
        function call: sum
        function call: sum [error: 10 is too large]
        function call: sum [error: invalid digit found in string]
        function call: sum [error: one is missing]
    "

    that_borrow {
        struct Missing<'a> {
            name: &'a str,
            known: &'a [String],
        }

        impl fmt::Display for Missing<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "no {} among {:?}", self.name, self.known)
            }
        }

        struct Units(Vec<String>, Mutex<u8>);

        #[trace_type]
        impl Units {
            fn find<'a>(&'a self, name: &'a str) -> Result<&'a String, Missing<'a>> {
                let missing = Missing { name, known: &self.0 };
                self.0.iter().find(|known| *known == name).ok_or(missing)
            }

            fn first_mut(&mut self) -> Result<&mut String, &Mutex<u8>> {
                match self.0.first_mut() {
                    Some(first) => Ok(first),
                    None => Err(&self.1),
                }
            }

            fn lock(&self) -> LockResult<MutexGuard<'_, u8>> {
                self.1.lock()
            }

            fn set(&mut self, at: usize, name: &str) -> Result<(), &mut Self> {
                let Some(place) = self.0.get_mut(at) else { return Err(self) };
                name.clone_into(place);
                Ok(())
            }
        }
    } runs {
        let mut units = Units(vec!["a".to_owned()], Mutex::new(3));
        assert!(units.find("a").is_ok() && units.find("b").is_err());
        assert_eq!(units.lock().map(|guard| *guard).unwrap_or_default(), 3);
        assert!(units.set(0, "c").is_ok() && units.set(1, "c").is_err());
        units.first_mut().unwrap().clear();
        units.0.clear();
        assert!(units.first_mut().is_err());
        let poison = || units.1.lock().map(|_guard| std::panic::resume_unwind(Box::new(())));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(poison)).is_err());
        assert!(units.lock().is_err());
    } traces "
        method call: Units.find
        method call: Units.find [error: no b among [\"a\"]]
        method call: Units.lock
        method call: Units.set
        method call: Units.set [error]
        method call: Units.first_mut
        method call: Units.first_mut [error: Mutex { data: 3, poisoned: false, .. }]
        method call: Units.lock [error: poisoned lock: another task failed inside]
    "

    stay_must_use {
        #[trace_fn]
        fn fails() -> Result<(), &'static str> {
            Err("failed")
        }

        #[trace_fn]
        async fn later() -> Result<(), &'static str> {
            std::future::ready(Err("later")).await
        }

        #[expect(unused_must_use)]
        fn forgets() {
            fails();
        }

        #[expect(unused_must_use)]
        fn forgets_a_future() {
            later();
        }
    } runs {
        forgets();
        forgets_a_future();
    } traces "
        function call: fails [error: failed]
    "
}

/// Beside the status there is an event, with the causes.
#[test]
fn tell_their_type_text_and_causes() {
    #[trace_fn]
    fn standard() -> Result<(), Unreachable> {
        Err(unreachable())
    }

    #[trace_fn]
    fn boxed() -> Result<(), Box<dyn Error>> {
        Ok(standard()?)
    }

    #[trace_fn]
    fn anyhow() -> anyhow::Result<()> {
        Err(anyhow::Error::new(unreachable()).context("cannot start"))
    }

    #[trace_fn]
    fn mute() -> Result<(), Mute> {
        Err(Mute)
    }

    let spans = spans_of(|| {
        assert!(boxed().is_err() && anyhow().is_err() && mute().is_err());
    });
    let keys = ["exception.type", "exception.message", "exception.stacktrace"];
    let tree = spans.outline().status().events().attributes(&keys).to_string();
    let tree = tree.replace(concat!(module_path!(), "::"), "");
    assert_eq!(
        tree,
        "\
app/0: start event
  event: start
    * start
    function call: boxed [error: cannot reach the unit]
      * exception {exception.type=alloc::boxed::Box<dyn core::error::Error>, exception.message=cannot reach the unit, \
exception.stacktrace=Caused by:
    invalid digit found in string}
      function call: standard [error: cannot reach the unit]
        * exception {exception.type=Unreachable, exception.message=cannot reach the unit, exception.stacktrace=Caused by:
    invalid digit found in string}
    function call: anyhow [error: cannot start]
      * exception {exception.type=anyhow::Error, exception.message=cannot start, exception.stacktrace=Caused by:
    cannot reach the unit
    invalid digit found in string}
    function call: mute [error]
      * exception {exception.type=Mute}"
    );
}

// What an error can do may depend on how long its parts live, which the generated code cannot ask for.
constructs! {
    errors_that_are_one_only_if_they_last {
        #[derive(Debug)]
        struct Full<T>(T);

        impl<T> fmt::Display for Full<T> {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("it is full")
            }
        }

        impl<T: std::any::Any + fmt::Debug> Error for Full<T> {}

        /// As it is derived for a generic source.
        #[derive(Debug)]
        struct Store<E>(E);

        impl<E: fmt::Display> fmt::Display for Store<E> {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "cannot store: {}", self.0)
            }
        }

        impl<E: Error + 'static> Error for Store<E> {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }

        #[trace_fn]
        fn generic<T: fmt::Debug>(value: T) -> Result<(), Full<T>> {
            Err(Full(value))
        }

        #[trace_fn]
        fn borrowed(text: &str) -> Result<(), Full<&str>> {
            Err(Full(text))
        }

        #[trace_fn]
        async fn later(text: &str) -> Result<(), Full<&str>> {
            once().await;
            Err(Full(text))
        }

        #[trace_fn]
        #[track_caller]
        fn tracked<E: Error>(error: E) -> Result<(), Store<E>> {
            Err(Store(error))
        }

        trait Try {
            type Error;
            fn go(self) -> Result<(), Self::Error>;
        }

        #[trace_type]
        impl<E: Error> Try for Store<E> {
            type Error = Self;

            fn go(self) -> Result<(), Self::Error> {
                Err(self)
            }
        }

        #[trace_type]
        impl<E: Error + 'static> Store<E> {
            fn lasting(error: E) -> Result<(), Self> {
                Err(Self(error))
            }
        }
    } runs {
        assert!(generic(1).is_err());
        assert!(borrowed("a").is_err());
        assert!(block_on(later("a")).is_err());
        assert!(tracked(fmt::Error).is_err());
        assert!(Store(fmt::Error).go().is_err());
        assert!(Store::lasting(fmt::Error).is_err());
    } traces "
        function call: generic [error: it is full]
        function call: borrowed [error: it is full]
        function call: later [error: it is full]
        function call: tracked
        method call: Store.go [error: cannot store: an error occurred when formatting an argument]
        method call: Store.lasting [error: cannot store: an error occurred when formatting an argument]
    "

    aliases_with_a_lifetime {
        #[derive(Debug)]
        struct Unexpected<'a>(&'a str);

        impl fmt::Display for Unexpected<'_> {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "unexpected: {}", self.0)
            }
        }

        impl Error for Unexpected<'static> {}

        type Answer<'a> = Result<u8, Unexpected<'a>>;

        mod parser {
            pub(super) type Result<'a, T> = std::result::Result<T, super::Unexpected<'a>>;
        }

        #[trace_fn]
        fn named<'a>(text: &'a str) -> Answer<'a> {
            Err(Unexpected(text))
        }

        #[trace_fn]
        fn elided(text: &str) -> Answer<'_> {
            Err(Unexpected(text))
        }

        #[trace_fn]
        fn called_result(text: &str) -> parser::Result<'_, u8> {
            Err(Unexpected(text))
        }

        #[trace_fn]
        async fn later(text: &str) -> parser::Result<'_, u8> {
            block_on(std::future::ready(()));
            Err(Unexpected(text))
        }
    } runs {
        let text = String::from("text");
        assert!(named(&text).is_err());
        assert!(elided(&text).is_err());
        assert!(called_result(&text).is_err());
        assert!(block_on(later(&text)).is_err());
    } traces "
        function call: named [error: unexpected: text]
        function call: elided [error: unexpected: text]
        function call: called_result [error: unexpected: text]
        function call: later [error: unexpected: text]
    "

    errors_that_are_answers {
        /// An error only if it lives for ever, which this alias does not tell.
        #[derive(Debug, PartialEq)]
        struct Missing<'a>(&'a str);

        impl fmt::Display for Missing<'_> {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.0)
            }
        }

        impl Error for Missing<'static> {}

        type Found<'a> = Result<u8, Missing<'a>>;

        #[trace_fn(err = off)]
        #[allow(elided_lifetimes_in_paths, mismatched_lifetime_syntaxes)]
        fn hidden(text: &str) -> Found {
            Err(Missing(text))
        }

        #[trace_fn(name = "named", err = off, attributes(text = text))]
        async fn later((text, _): (&str, u8)) -> Result<u8, fmt::Error> {
            std::future::ready(()).await;
            if text.is_empty() { Err(fmt::Error) } else { Ok(1) }
        }

        #[trace_fn(err = off)]
        #[track_caller]
        fn tracked(text: &str) -> Result<u8, ParseIntError> {
            let number = text.parse::<u8>()?;
            Ok(number)
        }

        #[trace_fn(err = off)]
        fn future(text: &str) -> impl Future<Output = Result<u8, fmt::Error>> {
            std::future::ready(if text.is_empty() { Err(fmt::Error) } else { Ok(1) })
        }

        #[trace_fn(err = off)]
        fn boxed(text: &str) -> std::pin::Pin<Box<dyn Future<Output = Result<u8, fmt::Error>>>> {
            Box::pin(std::future::ready(if text.is_empty() { Err(fmt::Error) } else { Ok(1) }))
        }

        struct Store(u8);

        #[trace_type]
        impl Store {
            #[trace_fn(err = off)]
            fn find(&self, key: u8) -> Result<u8, fmt::Error> {
                if key == self.0 { Ok(key) } else { Err(fmt::Error) }
            }

            fn get(&self, key: u8) -> Result<u8, fmt::Error> {
                self.find(key)
            }
        }

        charm_tracing::traced_type! {
            struct Text(std::ffi::CString);

            impl Text {
                #[trace_fn(err = off)]
                fn into_string(self) -> Result<String, std::ffi::IntoStringError>;
            }
        }

        #[trace_fn(err = off)]
        fn panics(now: bool) -> Result<u8, fmt::Error> {
            assert!(!now, "not an answer");
            Ok(1)
        }
    } runs {
        assert_eq!(hidden("it"), Err(Missing("it")));
        assert!(block_on(later(("", 1))).is_err());
        assert!(tracked("x").is_err());
        assert!(block_on(future("")).is_err());
        assert!(block_on(boxed("")).is_err());
        assert!(Store(1).get(2).is_err());
        assert!(Text(c"\xff".into()).into_string().is_err());
        assert!(std::panic::catch_unwind(|| panics(true)).is_err());
    } traces "
        function call: hidden
        named
        function call: tracked
        function call: future
        function call: boxed
        method call: Store.get [error: an error occurred when formatting an argument]
          method call: Store.find
        method call: CString.into_string
        function call: panics [error: not an answer]
    "

    /// None of them calls itself.
    functions_that_call_another_of_their_name {
        struct Store(&'static str);

        impl Store {
            fn find(&self) -> Result<u8, Debugged> {
                self.0.parse().map_err(|_| Debugged::Refused)
            }

            fn update(&self) -> Result<u8, Debugged> {
                self.find()
            }

            fn later(&self) -> std::pin::Pin<Box<dyn Future<Output = Result<u8, Debugged>> + '_>> {
                Box::pin(async { self.find() })
            }
        }

        trait Access {
            fn find(&self) -> Result<u8, Debugged>;
            fn update(&self) -> Result<u8, Debugged>;
            fn later(&self) -> std::pin::Pin<Box<dyn Future<Output = Result<u8, Debugged>> + '_>>;
        }

        #[trace_type]
        impl Access for Store {
            fn find(&self) -> Result<u8, Debugged> {
                self.find()
            }

            fn update(&self) -> Result<u8, Debugged> {
                let units = self.update()?;
                Ok(units + 1)
            }

            fn later(&self) -> std::pin::Pin<Box<dyn Future<Output = Result<u8, Debugged>> + '_>> {
                self.later()
            }
        }

        fn open(store: &Store) -> Result<u8, Debugged> {
            store.find()
        }

        impl Store {
            #[trace_fn]
            fn open(store: &Self) -> Result<u8, Debugged> {
                open(store)
            }
        }
    } runs {
        let store = Store("no number");
        assert!(Access::find(&store).is_err() && Access::update(&store).is_err());
        assert!(block_on(Access::later(&store)).is_err() && Store::open(&store).is_err());
    } traces "
        method call: Store.find [error: Refused]
        method call: Store.update [error: Refused]
        method call: Store.later [error: Refused]
        function call: open [error: Refused]
    "

    boxed_futures_that_are_passed_on {
        type Boxed<T> = std::pin::Pin<Box<dyn Future<Output = T>>>;

        struct Layer<T>(Option<Boxed<T>>);

        trait Call {
            type Future;
            fn call(&mut self) -> Self::Future;
        }

        #[trace_type]
        impl<T> Call for Layer<T> {
            type Future = Boxed<T>;

            fn call(&mut self) -> Self::Future {
                self.0.take().unwrap_or_else(|| std::panic::resume_unwind(Box::new("called twice")))
            }
        }

        #[trace_fn]
        fn passes_on<T>(future: Boxed<T>) -> Boxed<T> {
            future
        }
    } runs {
        assert_eq!(block_on(Layer(Some(Box::pin(std::future::ready(1)))).call()), 1);
        assert_eq!(block_on(passes_on(Box::pin(std::future::ready(2)))), 2);
    } traces "
        method call: Layer.call
        function call: passes_on
    "
}
