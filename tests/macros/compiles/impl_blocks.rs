//! An `impl` block that compiles without the attribute compiles with it, whatever its shape and whatever is linted.
#![deny(warnings, missing_docs, clippy::pedantic, clippy::nursery)]
#![deny(
    absolute_paths_not_starting_with_crate,
    deprecated_in_future,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    let_underscore_drop,
    macro_use_extern_crate,
    meta_variable_misuse,
    missing_abi,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_unsafe_on_extern,
    redundant_imports,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unused_extern_crates,
    unused_import_braces,
    unused_lifetimes,
    unused_macro_rules,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]
#![forbid(unsafe_code, dead_code)]

use charm_tracing::trace_type;

/// Types that the parameters of a trait determine, and items that only the trait has.
pub mod parameters {
    use std::collections::BTreeMap;
    use std::fmt::{Debug, Display};
    use std::marker::PhantomData;

    use super::trace_type;

    /// A wrapper.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Value(pub usize);

    #[trace_type]
    impl<'a, T> From<&'a [T]> for Value {
        fn from(value: &'a [T]) -> Self {
            Self(value.len())
        }
    }

    #[trace_type]
    impl<V: Into<Self>> FromIterator<V> for Value {
        fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Self {
            Self(values.into_iter().map(|value| value.into().0).sum())
        }
    }

    #[trace_type]
    impl<const N: usize> PartialEq<[u8; N]> for Value {
        fn eq(&self, _other: &[u8; N]) -> bool {
            self.0 == N
        }
    }

    #[trace_type]
    impl<F, R> Extend<F> for Value
    where
        F: FnOnce() -> R,
        R: Into<usize>,
    {
        fn extend<I: IntoIterator<Item = F>>(&mut self, values: I) {
            self.0 += values.into_iter().map(|value| value().into()).sum::<usize>();
        }
    }

    /// One of two.
    #[derive(Clone, Copy, Debug)]
    pub enum Either<L, R> {
        /// The left one.
        Left(L),
        /// The right one.
        Right(R),
    }

    #[trace_type]
    impl<L, R, Target> AsRef<Target> for Either<L, R>
    where
        L: AsRef<Target>,
        R: AsRef<Target>,
    {
        fn as_ref(&self) -> &Target {
            match self {
                Self::Left(left) => left.as_ref(),
                Self::Right(right) => right.as_ref(),
            }
        }
    }

    #[trace_type]
    impl<L: Iterator, R> Iterator for Either<L, R>
    where
        R: Iterator<Item = L::Item>,
        L::Item: Debug,
    {
        type Item = L::Item;

        fn next(&mut self) -> Option<Self::Item> {
            match self {
                Self::Left(left) => left.next(),
                Self::Right(right) => right.next(),
            }
        }
    }

    /// Bounds that its blocks must repeat.
    #[derive(Debug)]
    pub struct Bounded<'a, T: Display + ?Sized, const N: usize = 4>(pub &'a T);

    #[trace_type]
    impl<'a, T: Display + ?Sized + 'a, const N: usize> Bounded<'a, T, N> {
        /// The text.
        #[must_use]
        pub fn shown(&self) -> String {
            self.0.to_string()
        }
    }

    #[trace_type]
    impl<T, U, const N: usize> PartialEq<U> for Bounded<'_, T, N>
    where
        T: Display + PartialEq<U>,
        Self: Debug,
    {
        fn eq(&self, other: &U) -> bool {
            self.0 == other
        }
    }

    /// Bounds that hold through a bound with a parameter of the trait.
    pub trait Shows<U>: Display {
        /// It.
        fn show(&self, value: &U) -> String;
    }

    #[trace_type]
    impl<T: Shows<U>, U> Shows<U> for Bounded<'_, T, 7>
    where
        Self: Display,
    {
        fn show(&self, value: &U) -> String {
            self.0.show(value)
        }
    }

    /// An associated type that is no parameter.
    #[derive(Debug)]
    pub struct Items<I>(pub PhantomData<I>);

    /// Something to implement.
    pub trait Counts<const CASE: u8, I> {
        /// How many.
        fn count(&self) -> usize;
    }

    #[trace_type]
    impl<I: Iterator> Counts<1, I> for Items<I::Item> {
        fn count(&self) -> usize {
            0
        }
    }

    #[trace_type]
    impl<I: Iterator> Counts<2, I> for Items<<I as Iterator>::Item> {
        fn count(&self) -> usize {
            1
        }
    }

    #[trace_type]
    impl<I: IntoIterator> Counts<3, I> for I::IntoIter {
        fn count(&self) -> usize {
            2
        }
    }

    type Item<I> = Items<<I as Iterator>::Item>;
    type Boxed<T> = Box<T>;

    #[trace_type]
    impl<I: Iterator> Counts<4, I> for Item<I> {
        fn count(&self) -> usize {
            3
        }
    }

    #[trace_type]
    impl<I> Counts<5, I> for Boxed<I> {
        fn count(&self) -> usize {
            4
        }
    }

    #[trace_type]
    impl<I> Counts<6, I> for dyn Fn(I) -> u8 {
        fn count(&self) -> usize {
            5
        }
    }

    #[trace_type]
    impl<I, F: Fn(I) -> u8> Counts<7, I> for (F, I) {
        fn count(&self) -> usize {
            6
        }
    }

    #[trace_type]
    impl<I, const N: usize> Counts<8, I> for [(I, BTreeMap<&str, I>); N] {
        fn count(&self) -> usize {
            N
        }
    }

    #[trace_type]
    impl<I> Counts<9, I> for fn(&str) -> &I {
        fn count(&self) -> usize {
            7
        }
    }

    #[trace_type]
    impl<I> Counts<10, I> for I {
        fn count(&self) -> usize {
            8
        }
    }

    #[trace_type]
    impl Counts<20, Self> for Value {
        fn count(&self) -> usize {
            self.0
        }
    }

    #[trace_type]
    impl Counts<21, u8> for &Value {
        fn count(&self) -> usize {
            self.0
        }
    }

    /// A flag.
    #[derive(Clone, Copy, Debug)]
    pub struct Flag<const ON: bool>;

    #[trace_type]
    impl<const ON: bool> Flag<ON> {
        /// Returns true if it is on.
        #[must_use]
        pub fn is_on(self) -> bool {
            ON
        }
    }

    #[trace_type]
    impl Flag<{ 2 > 1 }> {
        /// Returns true if it is off.
        #[must_use]
        pub fn is_off(self) -> bool {
            false
        }
    }
}

/// Attributes of the block, and types that are linted.
pub mod attributes {
    use super::trace_type;

    /// An empty one.
    #[derive(Clone, Copy, Debug)]
    pub struct Workload;

    #[trace_type]
    #[cfg(any())]
    impl Missing {
        fn gone(&self) {}
    }

    #[cfg(any())]
    #[trace_type]
    impl Missing {
        fn gone(&self) {}
    }

    #[trace_type]
    #[cfg_attr(all(), cfg(any()))]
    impl Missing {
        fn gone(&self) {}
    }

    #[trace_type]
    impl Workload {
        /// A second block of its own.
        pub fn stop(&self) {}
    }

    #[trace_type]
    impl Workload {
        /// A third.
        pub fn start(&self) {}
    }

    #[trace_type]
    #[expect(clippy::must_use_candidate, reason = "holds for the block alone")]
    #[cfg_attr(all(), allow(clippy::missing_const_for_fn))]
    impl Workload {
        /// Its units.
        pub fn units(&self) -> u8 {
            3
        }
    }

    /// The author's own name for what the expansion has too.
    #[derive(Clone, Copy, Debug)]
    pub struct Block<T>(pub T);

    #[trace_type]
    impl<T: Copy> Block<T> {
        /// The inner.
        #[must_use]
        pub fn inner(self) -> T {
            self.0
        }
    }

    mod private {
        use super::trace_type;

        #[derive(Debug)]
        pub(super) struct Hidden<T>(pub(super) T);

        #[trace_type]
        impl<T> Hidden<T> {
            pub(super) fn inner(self) -> T {
                self.0
            }
        }
    }

    #[trace_type]
    impl From<private::Hidden<Self>> for Workload {
        fn from(hidden: private::Hidden<Self>) -> Self {
            hidden.inner()
        }
    }

    /// There and back.
    #[must_use]
    pub fn hide(workload: Workload) -> Workload {
        Workload::from(private::Hidden(workload))
    }
}

/// An allowance that the author wrote once must not be needed twice.
pub mod linted {
    use charm_tracing::trace_type;

    mod old {
        #![expect(deprecated, reason = "it implements what it deprecates")]

        /// An old one.
        #[deprecated]
        #[derive(Clone, Copy, Debug)]
        pub struct Old;

        #[charm_tracing::trace_type]
        impl Old {
            /// Its age.
            #[must_use]
            pub fn age(self) -> u8 {
                9
            }
        }
    }
    #[expect(deprecated, reason = "for who still needs it")]
    pub use old::Old;

    /// A newer one.
    #[derive(Clone, Copy, Debug)]
    pub struct New;

    #[trace_type]
    #[expect(deprecated, reason = "the way from the old one")]
    impl From<Old> for New {
        fn from(_: Old) -> Self {
            Self
        }
    }

    #[trace_type]
    #[expect(deprecated, reason = "and back")]
    impl From<New> for Old {
        fn from(_: New) -> Self {
            Self
        }
    }
}

/// Blocks inside of functions.
pub mod functions {
    use super::trace_type;

    /// Something to implement.
    pub trait Sized8 {
        /// How large.
        fn size(&self) -> usize;
    }

    /// Has all it needs.
    #[must_use]
    pub fn local(units: usize) -> usize {
        struct Local<T>(T);

        #[trace_type]
        impl<T: Copy> Local<T> {
            fn inner(&self) -> T {
                self.0
            }
        }

        #[trace_type]
        impl<T> Sized8 for Local<T> {
            fn size(&self) -> usize {
                size_of::<T>()
            }
        }

        let local = Local(units);
        if units > 3 {
            #[derive(Debug)]
            struct Inner;

            #[trace_type]
            impl From<Local<usize>> for Inner {
                fn from(_: Local<usize>) -> Self {
                    Self
                }
            }
            return format!("{:?}", Inner::from(local)).len();
        }
        local.inner() + local.size()
    }
}

macro_rules! implement {
    ($trait:ident<$case:literal, $parameter:ident> for $ty:ty { $($items:tt)* }) => {
        #[trace_type]
        impl<$parameter> $trait<$case, $parameter> for $ty { $($items)* }
    };
}

macro_rules! pair {
    ($ty:ty) => {
        ($ty, $ty)
    };
}

/// Types that macros write.
pub mod macros {
    use super::trace_type;

    /// Two of a kind.
    pub type Same = pair!(i8);

    /// Something to implement.
    pub trait Sides<const CASE: u8, T> {
        /// The left one.
        fn left(&self) -> &T;
    }

    implement!(Sides<1, T> for (T, u8) {
        fn left(&self) -> &T {
            &self.0
        }
    });

    #[trace_type]
    impl<T> Sides<2, T> for pair!(T) {
        fn left(&self) -> &T {
            &self.0
        }
    }
}

/// Every type of above that a block tells of.
pub mod listed {
    use super::{attributes, linted, macros, parameters};
    use charm_tracing::trace_charm;

    /// A charm.
    #[derive(Debug)]
    #[trace_charm(
        tracing_endpoint = "endpoint",
        extra_types = [
            parameters::Value,
            parameters::Either<std::vec::IntoIter<u8>, std::ops::Range<u8>>,
            parameters::Bounded<'static, str>,
            parameters::Flag<true>,
            parameters::Flag<false>,
            dyn Fn(u8) -> u8,
            [(u8, std::collections::BTreeMap<&'static str, u8>); 4],
            attributes::Workload,
            attributes::Block<u8>,
            linted::New,
            (String, u8),
            macros::Same,
        ]
    )]
    pub struct Charm {
        endpoint: Option<String>,
    }
}
