//! Generics and traits: whatever a type or a function is generic over, and whatever a block is written for.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt::{self, Display, Write};
use std::hash::{Hash, Hasher};
use std::iter::Sum;
use std::marker::PhantomData;
use std::ops::{Add, AddAssign, IndexMut, Mul, Neg, Not, RangeInclusive};
use std::rc::Rc;

use charm_tracing::{trace_fn, trace_type};

use crate::table::at;

constructs! {
    lifetimes {
        struct Parser<'text, 'names: 'text> {
            rest: &'text str,
            names: &'names [&'text str],
        }

        #[trace_type]
        impl<'text, 'names> Parser<'text, 'names> {
            fn next(&mut self) -> Result<&'text str, &'static str> {
                let (first, rest) = self.rest.split_once(' ').ok_or("at the end")?;
                self.rest = rest;
                Ok(first)
            }

            fn known<'a>(&self, name: &'a str) -> Result<&'names str, &'a str>
            where
                'text: 'names,
            {
                self.names.iter().find(|known| **known == name).copied().ok_or(name)
            }

            fn rest(&self) -> Result<&str, fmt::Error> {
                if self.rest.is_empty() { Err(fmt::Error) } else { Ok(self.rest) }
            }

            fn shorter<'a, 'b: 'a>(&'b self, other: &'a str) -> &'a str {
                if other.len() < self.rest.len() { other } else { self.rest }
            }
        }

        #[trace_type]
        impl<'a> From<&'a str> for Parser<'a, '_> {
            fn from(rest: &'a str) -> Self {
                Self { rest, names: &[] }
            }
        }

        #[trace_type]
        impl Display for Parser<'_, '_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.rest)
            }
        }
    } runs {
        let names = ["x", "y"];
        let mut parser = Parser { rest: "x y", names: &names };
        assert_eq!(parser.next(), Ok("x"));
        assert_eq!((parser.known("x"), parser.known("z")), (Ok("x"), Err("z")));
        assert_eq!((parser.rest(), parser.shorter("")), (Ok("y"), ""));
        assert_eq!(parser.next(), Err("at the end"));
        assert_eq!(Parser::from("z").to_string(), "z");
    } traces "
        method call: Parser.next
        method call: Parser.known
        method call: Parser.known [error: z]
        method call: Parser.rest
        method call: Parser.shorter
        method call: Parser.next [error: at the end]
        method call: Parser.from
        method call: Parser.fmt
    "

    higher_ranked_bounds {
        #[trace_fn]
        fn longest<F>(texts: &[String], length: F) -> Result<&str, String>
        where
            F: for<'a> Fn(&'a str) -> usize,
        {
            let longest = texts.iter().max_by_key(|text| length(text.as_str()));
            longest.map(String::as_str).ok_or_else(|| "no texts".to_owned())
        }

        #[trace_fn]
        fn parse<T>(text: &str, parse: for<'a> fn(&'a str) -> Result<T, &'a str>) -> Result<T, &str> {
            parse(text)
        }

        #[trace_fn]
        fn first<C>(all: &C) -> Result<String, fmt::Error>
        where
            for<'a> &'a C: IntoIterator<Item = &'a u8>,
            C: ?Sized,
        {
            all.into_iter().next().map(ToString::to_string).ok_or(fmt::Error)
        }

        #[trace_fn]
        fn dynamic(visit: &mut dyn FnMut(&str) -> Result<(), fmt::Error>) -> fmt::Result {
            visit("a")?;
            visit("b")
        }
    } runs {
        assert_eq!(longest(&["a".to_owned(), "ab".to_owned()], str::len), Ok("ab"));
        assert!(longest(&[], str::len).is_err());
        assert_eq!(parse::<u8>("x", |text| Err(text)), Err("x"));
        assert_eq!(first(&[3]).as_deref(), Ok("3"));
        let mut seen = String::new();
        assert!(dynamic(&mut |text| seen.write_str(text)).is_ok());
        assert_eq!(seen, "ab");
    } traces "
        function call: longest
        function call: longest [error: no texts]
        function call: parse [error: x]
        function call: first
        function call: dynamic
    "

    const_generics {
        #[derive(Debug, PartialEq)]
        struct Matrix<T, const ROWS: usize, const COLUMNS: usize = ROWS>([[T; COLUMNS]; ROWS]);

        #[trace_type]
        impl<T: Copy + Default + Add<Output = T>, const ROWS: usize, const COLUMNS: usize> Matrix<T, ROWS, COLUMNS> {
            const CELLS: usize = ROWS * COLUMNS;

            fn new(rows: [[T; COLUMNS]; ROWS]) -> Result<Self, [T; COLUMNS]> {
                if Self::CELLS == 0 { Err([T::default(); COLUMNS]) } else { Ok(Self(rows)) }
            }

            fn row<const AT: usize>(&self) -> Result<&[T; COLUMNS], String> {
                self.0.get(AT).ok_or_else(|| format!("no row {AT} of {ROWS}"))
            }

            fn transposed(&self) -> Matrix<T, COLUMNS, ROWS> {
                let mut columns = [[T::default(); ROWS]; COLUMNS];
                for (at, row) in self.0.iter().enumerate() {
                    for (column, cell) in columns.iter_mut().zip(row) {
                        column[at] = *cell;
                    }
                }
                Matrix(columns)
            }
        }

        #[trace_type]
        impl Matrix<bool, 1> {
            fn is_on(&self) -> bool {
                self.0[0][0]
            }
        }

        #[trace_fn]
        fn first<const N: usize>(numbers: [u8; N]) -> Result<[u8; 1], [u8; N]> {
            numbers.first().map_or(Err(numbers), |first| Ok([*first]))
        }
    } runs {
        let matrix = Matrix::new([[1, 2]]).unwrap();
        assert_eq!((matrix.row::<0>(), matrix.row::<1>().is_err()), (Ok(&[1, 2]), true));
        assert_eq!(matrix.transposed(), Matrix([[1], [2]]));
        assert!(Matrix([[true]]).is_on());
        assert_eq!((first([3, 4]), first([])), (Ok([3]), Err([])));
    } traces "
        method call: Matrix.new
        method call: Matrix.row
        method call: Matrix.row [error: no row 1 of 1]
        method call: Matrix.transposed
        method call: Matrix.is_on
        function call: first
        function call: first [error: []]
    "

    generic_associated_types {
        trait Lends {
            type Lent<'a, T>
            where
                Self: 'a,
                T: 'a;
            type Error<'a>: fmt::Debug
            where
                Self: 'a;

            fn lend<'a, T: 'a>(&'a mut self, with: T) -> Result<Self::Lent<'a, T>, Self::Error<'a>>;

            #[trace_fn]
            fn lend_twice(&mut self) -> Result<Self::Lent<'_, u8>, Self::Error<'_>> {
                if self.lend("first").is_ok() {
                    at("lent once");
                }
                self.lend(2)
            }
        }

        struct Units(Vec<u8>);

        #[trace_type]
        impl Lends for Units {
            type Lent<'a, T>
                = (&'a mut [u8], T)
            where
                T: 'a;
            type Error<'a> = &'a Vec<u8>;

            fn lend<'a, T: 'a>(&'a mut self, with: T) -> Result<Self::Lent<'a, T>, Self::Error<'a>> {
                if self.0.is_empty() { Err(&self.0) } else { Ok((&mut self.0, with)) }
            }
        }
    } runs {
        assert!(Units(vec![1]).lend_twice().is_ok());
        assert!(Units(vec![]).lend_twice().is_err());
    } traces "
        method call: Units.lend_twice
          method call: Units.lend
          event: lent once
          method call: Units.lend
        method call: Units.lend_twice [error: []]
          method call: Units.lend [error: []]
          method call: Units.lend [error: []]
    "

    associated_constants_and_types {
        #[trace_type]
        trait Unit {
            const NAME: &'static str;
            const LIMIT: usize = 3;
            type Id: Display + From<usize>;

            fn id(&self) -> Result<Self::Id, &'static str>;

            fn described(&self) -> Result<String, &'static str> {
                Ok(format!("{}/{}", Self::NAME, self.id()?))
            }

            fn create() -> Self
            where
                Self: Sized + Default,
            {
                at(Self::NAME);
                Self::default()
            }
        }

        #[derive(Default)]
        struct App(usize);

        #[trace_type]
        impl Unit for App {
            const NAME: &'static str = "app";
            type Id = usize;

            fn id(&self) -> Result<<Self as Unit>::Id, &'static str> {
                if self.0 < Self::LIMIT { Ok(self.0) } else { Err(Self::NAME) }
            }
        }

        #[trace_fn]
        fn describe<U>(unit: &U) -> Result<U::Id, &'static str>
        where
            U: Unit<Id: Copy>,
        {
            let id = unit.id()?;
            at(U::NAME);
            Ok(id)
        }
    } runs {
        assert_eq!(App::create().described().as_deref(), Ok("app/0"));
        assert_eq!(App(3).described(), Err("app"));
        assert_eq!(describe(&App(1)), Ok(1));
    } traces "
        method call: App.create
          event: app
        method call: App.described
          method call: App.id
        method call: App.described [error: app]
          method call: App.id [error: app]
        function call: describe
          method call: App.id
          event: app
    "

    supertraits_and_blanket_impls {
        #[trace_type]
        trait Named {
            fn name(&self) -> String {
                "nobody".to_owned()
            }
        }

        #[trace_type]
        trait Greets: Named {
            fn greet(&self) -> Result<String, String> {
                Ok(format!("hello {}", self.name()))
            }
        }

        #[trace_type(name = "Greets")]
        impl<T: Greets + ?Sized> Greets for &T {
            fn greet(&self) -> Result<String, String> {
                (**self).greet().and_then(|_| Err("only by reference".to_owned()))
            }
        }

        impl<T: Named + ?Sized> Named for &T {}

        struct World;

        impl Named for World {}
        impl Greets for World {}

        #[trace_fn]
        fn greet(greets: impl Greets) -> Result<String, String> {
            greets.greet()
        }

        #[trace_fn]
        fn upcast(greets: &dyn Greets) -> &dyn Named {
            greets
        }
    } runs {
        assert_eq!(greet(World).as_deref(), Ok("hello nobody"));
        assert!(greet(&World).is_err());
        assert_eq!(upcast(&World).name(), "nobody");
    } traces "
        function call: greet
          method call: World.greet
            method call: World.name
        function call: greet [error: only by reference]
          method call: Greets.greet [error: only by reference]
            method call: World.greet
              method call: World.name
        function call: upcast
        method call: World.name
    "

    default_methods_are_named_for_the_type {
        #[trace_type]
        trait Measured {
            fn measured(&self) {}
        }

        struct Unit<T>(PhantomData<T>);

        impl Measured for Unit<Vec<String>> {}
        impl Measured for u8 {}
        impl Measured for str {}
        impl Measured for &Unit<u8> {}
        impl Measured for &mut Unit<u8> {}
        impl Measured for Vec<Unit<u8>> {}
        impl Measured for (Unit<u8>, Vec<u8>) {}
        impl Measured for [Unit<u8>; 2] {}
        impl Measured for [Unit<u8>] {}
        impl Measured for dyn Fn(Unit<u8>) -> Unit<u8> {}
        impl Measured for fn(Unit<u8>) -> Unit<u8> {}
        impl Measured for *const Unit<u8> {}
        impl Measured for () {}

        #[trace_type(skip(local))]
        impl Unit<u8> {
            fn local() {
                struct Local;

                impl Measured for Local {}
                Local.measured();
            }
        }
    } runs {
        let unit = || Unit::<u8>(PhantomData);
        Unit(PhantomData).measured();
        3_u8.measured();
        "text".measured();
        (&unit()).measured();
        <&mut Unit<u8>>::measured(&&mut unit());
        vec![unit()].measured();
        (unit(), vec![1]).measured();
        [unit(), unit()].measured();
        [unit()][..].measured();
        let identity: &dyn Fn(Unit<u8>) -> Unit<u8> = &|unit| unit;
        identity.measured();
        let identity: fn(Unit<u8>) -> Unit<u8> = |unit| unit;
        identity.measured();
        std::ptr::from_ref(&unit()).measured();
        ().measured();
        Unit::local();
    } traces "
        method call: Unit.measured
        method call: u8.measured
        method call: str.measured
        method call: Unit.measured
        method call: Unit.measured
        method call: Vec.measured
        method call: (Unit, Vec).measured
        method call: [Unit; 2].measured
        method call: [Unit].measured
        method call: dyn Fn(Unit) -> Unit.measured
        method call: fn(Unit) -> Unit.measured
        method call: *const Unit.measured
        method call: ().measured
        method call: Local.measured
    "

    impls_for_types_without_a_name {
        trait Measures {
            fn measure(&self) -> Result<usize, String>;
        }

        #[trace_type]
        impl<T: Display> Measures for [T] {
            fn measure(&self) -> Result<usize, String> {
                Ok(self.len())
            }
        }

        #[trace_type]
        impl<T, const N: usize> Measures for [T; N] {
            fn measure(&self) -> Result<usize, String> {
                Ok(N)
            }
        }

        #[trace_type]
        impl<T: Measures + ?Sized> Measures for &T {
            fn measure(&self) -> Result<usize, String> {
                (**self).measure()
            }
        }

        #[trace_type]
        impl<T: Measures + ?Sized> Measures for &mut T {
            fn measure(&self) -> Result<usize, String> {
                (**self).measure()
            }
        }

        #[trace_type]
        impl<A: Measures, B: Measures> Measures for (A, B) {
            fn measure(&self) -> Result<usize, String> {
                Ok(self.0.measure()? + self.1.measure()?)
            }
        }

        #[trace_type]
        impl Measures for () {
            fn measure(&self) -> Result<usize, String> {
                Err("nothing".to_owned())
            }
        }

        #[trace_type]
        impl<A> Measures for fn(A) -> usize {
            fn measure(&self) -> Result<usize, String> {
                Ok(1)
            }
        }

        #[trace_type]
        impl Measures for dyn Display + Send + '_ {
            fn measure(&self) -> Result<usize, String> {
                Err(self.to_string())
            }
        }

        #[trace_type]
        impl<T: Measures + ?Sized> Measures for Box<T> {
            fn measure(&self) -> Result<usize, String> {
                T::measure(self)
            }
        }

        #[trace_type]
        impl Measures for std::ops::RangeFull {
            fn measure(&self) -> Result<usize, String> {
                Ok(usize::MAX)
            }
        }
    } runs {
        assert_eq!([1, 2][..].measure(), Ok(2));
        assert_eq!([1, 2].measure(), Ok(2));
        assert_eq!((&mut [1], ()).measure(), Err("nothing".to_owned()));
        let length: fn(Vec<u8>) -> usize = |all| all.len();
        assert_eq!(length.measure(), Ok(1));
        let boxed: Box<dyn Display + Send> = Box::new("text");
        assert!(boxed.measure().is_err());
        assert_eq!((..).measure(), Ok(usize::MAX));
    } traces "
        method call: [T].measure
        method call: [T; N].measure
        method call: (A, B).measure [error: nothing]
          method call: T.measure
            method call: [T; N].measure
          method call: ().measure [error: nothing]
        method call: fn(A) -> usize.measure
        method call: Box.measure [error: text]
          method call: dyn Display + Send + '_.measure [error: text]
        method call: RangeFull.measure
    "

    operators {
        #[derive(Copy, Debug)]
        struct Amount(i32);

        #[trace_type]
        #[allow(clippy::expl_impl_clone_on_copy)]
        impl Clone for Amount {
            fn clone(&self) -> Self {
                *self
            }
        }

        #[trace_type]
        impl<T: Into<i32>> Add<T> for Amount {
            type Output = Self;

            fn add(self, other: T) -> Self {
                Self(self.0 + other.into())
            }
        }

        #[trace_type]
        impl AddAssign<&Self> for Amount {
            fn add_assign(&mut self, other: &Self) {
                self.0 += other.0;
            }
        }

        #[trace_type]
        impl Mul<Amount> for i32 {
            type Output = Amount;

            fn mul(self, amount: Amount) -> Amount {
                Amount(self * amount.0)
            }
        }

        #[trace_type]
        impl Neg for Amount {
            type Output = Self;

            fn neg(self) -> Self::Output {
                Self(-self.0)
            }
        }

        #[trace_type]
        impl Not for &Amount {
            type Output = bool;

            fn not(self) -> bool {
                self.0 == 0
            }
        }

        #[trace_type]
        impl PartialEq for Amount {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }

        impl Eq for Amount {}

        #[trace_type]
        impl PartialOrd for Amount {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        #[trace_type]
        impl Ord for Amount {
            fn cmp(&self, other: &Self) -> Ordering {
                self.0.cmp(&other.0)
            }
        }

        #[trace_type]
        impl Hash for Amount {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }

        #[trace_type]
        impl Sum for Amount {
            fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
                Self(amounts.map(|amount| amount.0).sum())
            }
        }
    } runs {
        let mut sum = Amount(1) + 2_u8;
        sum += &Amount(4);
        assert!(2 * sum == Amount(14));
        assert!(-sum < sum);
        assert!(!!&sum);
        assert_eq!([sum, sum].into_iter().sum::<Amount>().0, 14);
        assert_eq!(HashSet::from([sum]).len(), 1);
    } traces "
        method call: Amount.add
        method call: Amount.add_assign
        method call: i32.mul
        method call: Amount.eq
        method call: Amount.neg
        method call: Amount.partial_cmp
          method call: Amount.cmp
        method call: Amount.not
        method call: Amount.sum
        method call: Amount.hash
    "

    conversions_and_collections {
        struct Units(Vec<String>);

        #[trace_type]
        impl Default for Units {
            fn default() -> Self {
                Self(vec!["leader".to_owned()])
            }
        }

        #[trace_type]
        impl fmt::Debug for Units {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Units").finish_non_exhaustive()
            }
        }

        #[trace_type]
        impl Clone for Units {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        #[trace_type]
        impl<S: Into<String>> FromIterator<S> for Units {
            fn from_iter<I: IntoIterator<Item = S>>(units: I) -> Self {
                Self(units.into_iter().map(Into::into).collect())
            }
        }

        #[trace_type]
        impl<'a> IntoIterator for &'a Units {
            type Item = &'a String;
            type IntoIter = std::slice::Iter<'a, String>;

            fn into_iter(self) -> Self::IntoIter {
                self.0.iter()
            }
        }

        #[trace_type]
        impl Extend<String> for Units {
            fn extend<I: IntoIterator<Item = String>>(&mut self, units: I) {
                self.0.extend(units);
            }
        }

        #[trace_type]
        impl<T: ?Sized> AsRef<T> for Units
        where
            Vec<String>: AsRef<T>,
        {
            fn as_ref(&self) -> &T {
                self.0.as_ref()
            }
        }

        #[trace_type]
        impl Borrow<[String]> for Units {
            fn borrow(&self) -> &[String] {
                &self.0
            }
        }

        #[trace_type]
        impl std::ops::Index<usize> for Units {
            type Output = str;

            fn index(&self, at: usize) -> &str {
                &self.0[at]
            }
        }

        #[trace_type]
        impl IndexMut<usize> for Units {
            fn index_mut(&mut self, at: usize) -> &mut str {
                &mut self.0[at]
            }
        }

        #[trace_type]
        impl Write for Units {
            fn write_str(&mut self, unit: &str) -> fmt::Result {
                self.0.push(unit.to_owned());
                Ok(())
            }
        }
    } runs {
        let mut units = Units::default();
        assert_eq!(format!("{:?}", units.clone()), "Units { .. }");
        units.extend(["a".to_owned()]);
        units[1].make_ascii_uppercase();
        assert!(write!(units, "b").is_ok());
        assert_eq!((&units).into_iter().map(String::len).sum::<usize>(), 8);
        let (slice, borrowed): (&[String], &[String]) = (units.as_ref(), units.borrow());
        assert_eq!((slice.len(), borrowed.len(), &units[1]), (3, 3, "A"));
        assert_eq!(["c", "d"].into_iter().collect::<Units>().0, ["c", "d"]);
    } traces "
        method call: Units.default
        method call: Units.clone
        method call: Units.fmt
        method call: Units.extend
        method call: Units.index_mut
        method call: Units.write_str
        method call: Units.into_iter
        method call: Units.as_ref
        method call: Units.borrow
        method call: Units.index
        method call: Units.from_iter
    "

    objects {
        #[trace_type]
        trait Backend {
            fn name(&self) -> String;

            fn boxed(self: Box<Self>) -> Result<String, String> {
                Err(self.name())
            }

            fn shared(self: Rc<Self>) -> Result<usize, String> {
                if self.name().is_empty() { Err("no name".to_owned()) } else { Ok(Rc::strong_count(&self)) }
            }

            fn consumed(self) -> String
            where
                Self: Sized,
            {
                self.name()
            }

            fn generic<T: Display>(&self, value: T) -> Result<String, T>
            where
                Self: Sized,
            {
                if self.name().is_empty() { Ok(value.to_string()) } else { Err(value) }
            }

            fn described(&self) -> String {
                format!("the {}", self.name())
            }
        }

        struct Tempo(&'static str);

        #[trace_type(skip(name))]
        impl Backend for Tempo {
            fn name(&self) -> String {
                self.0.to_owned()
            }
        }

        /// It compiles only while there can be objects of the trait.
        #[trace_fn]
        fn object(name: &'static str) -> Box<dyn Backend> {
            Box::new(Tempo(name))
        }
    } runs {
        assert_eq!(object("tempo").described(), "the tempo");
        assert_eq!(object("tempo").boxed(), Err("tempo".to_owned()));
        assert!(Rc::new(Tempo("")).shared().is_err());
        assert_eq!(Tempo("tempo").generic(3), Err(3));
        assert_eq!(Tempo("tempo").consumed(), "tempo");
    } traces "
        function call: object
        method call: Tempo.described
        function call: object
        method call: Tempo.boxed [error: tempo]
        method call: Tempo.shared [error: no name]
        method call: Tempo.generic [error: 3]
        method call: Tempo.consumed
    "

    callables {
        #[trace_fn]
        fn compose<A, B, C>(first: impl Fn(A) -> B, second: impl Fn(B) -> C) -> impl Fn(A) -> C {
            at("composing");
            move |value| second(first(value))
        }

        #[trace_fn]
        fn retry<T, E, F: FnMut(u8) -> Result<T, E>>(mut work: F) -> Result<T, E>
        where
            E: Display,
        {
            work(1).or_else(|_| work(2))
        }

        type Handler = Box<dyn Fn(&str) -> Result<usize, String>>;

        #[trace_fn]
        fn handlers() -> Vec<Handler> {
            vec![Box::new(|text| Ok(text.len())), Box::new(|text| Err(text.to_owned()))]
        }

        #[trace_fn]
        fn pointer() -> Result<fn(&str) -> usize, fmt::Error> {
            Ok(str::len)
        }

        #[trace_fn]
        fn boxed(more: u8) -> Result<Box<dyn FnOnce(u8) -> u8 + Send>, fmt::Error> {
            if more == 0 {
                return Err(fmt::Error);
            }
            Ok(Box::new(move |value| value + more))
        }
    } runs {
        assert_eq!(compose(|value: u8| value + 1, |value| value.to_string())(1), "2");
        assert_eq!(retry(|attempt| if attempt == 1 { Err("again") } else { Ok(attempt) }), Ok(2));
        assert!(retry(Err::<(), _>).is_err());
        assert_eq!(handlers().iter().filter(|handler| handler("a").is_ok()).count(), 1);
        assert_eq!(pointer().map(|length| length("a")), Ok(1));
        assert_eq!(boxed(1).map(|add| add(1)).ok(), Some(2));
    } traces "
        function call: compose
          event: composing
        function call: retry
        function call: retry [error: 2]
        function call: handlers
        function call: pointer
        function call: boxed
    "

    constructors {
        mod units {
            #[derive(Debug, PartialEq, Eq, Default)]
            pub(super) struct Unit<T> {
                number: T,
                name: String,
            }

            #[derive(Debug, PartialEq, Eq)]
            pub(super) enum State<T> {
                Idle,
                Busy(T),
                Failed { why: T },
            }

            #[super::trace_type]
            impl<T: Default + PartialOrd + Clone> Unit<T> {
                pub(super) const NAME: &'static str = "app";

                pub(super) fn new(number: T) -> Result<Self, State<T>> {
                    if number < T::default() {
                        return Err(State::Failed { why: number });
                    }
                    Ok(Self { number, ..Self::empty() })
                }

                fn empty() -> Self {
                    let Self { number, mut name } = Self { number: T::default(), name: String::new() };
                    name.push_str(Self::NAME);
                    Self { number, name }
                }

                pub(super) fn state(&self) -> State<T> {
                    if self.number == T::default() { State::Idle } else { State::Busy(self.number.clone()) }
                }
            }

            #[super::trace_type]
            impl<T> State<T> {
                pub(super) fn into_result(self) -> Result<Option<T>, T> {
                    match self {
                        Self::Idle => Ok(None),
                        Self::Busy(with) => Ok(Some(with)),
                        Self::Failed { why } => Err(why),
                    }
                }
            }
        }
        use units::{State, Unit};
    } runs {
        assert_eq!(Unit::new(3).unwrap().state().into_result(), Ok(Some(3)));
        assert_eq!(Unit::new(0).unwrap().state(), State::Idle);
        assert_eq!(Unit::new(-1).unwrap_err().into_result(), Err(-1));
    } traces "
        method call: Unit.new
          method call: Unit.empty
        method call: Unit.state
        method call: State.into_result
        method call: Unit.new
          method call: Unit.empty
        method call: Unit.state
        method call: Unit.new [error]
        method call: State.into_result [error]
    "

    modules_in_modules {
        mod outer {
            pub(super) mod inner {
                #[charm_tracing::trace_type]
                pub(in super::super) trait Says {
                    fn say(&self) -> Result<u8, ::std::string::String> {
                        ::std::result::Result::Err("no word".into())
                    }
                }

                #[charm_tracing::trace_fn]
                pub(in super::super) fn counts(range: &super::super::RangeInclusive<u8>) -> usize {
                    range.clone().count()
                }
            }

            pub(super) struct Of<T>(pub(super) T);
            impl<T> inner::Says for Of<T> {}
        }
        use outer::inner::Says;
    } runs {
        assert!(outer::Of(1).say().is_err());
        assert_eq!(outer::inner::counts(&(1..=3)), 3);
    } traces "
        method call: Of.say [error: no word]
        function call: counts
    "
}
