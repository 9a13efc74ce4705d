//! A wrapper of `traced_type!` draws no lint that its author did not ask for.
#![deny(warnings, missing_docs, clippy::pedantic, clippy::nursery)]
#![deny(
    elided_lifetimes_in_paths,
    let_underscore_drop,
    missing_debug_implementations,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    unnameable_types,
    unreachable_pub,
    unused_lifetimes,
    unused_qualifications,
    unused_results
)]
#![forbid(unsafe_code, dead_code)]
#![expect(clippy::redundant_pub_crate, reason = "it contradicts `unreachable_pub`")]
#![no_implicit_prelude]

use ::std::convert::From;
use ::std::string::String;

::charm_tracing::traced_type! {
    /// Settings by name. Its methods are documented by the expansion.
    #[derive(Debug, Default)]
    pub struct Settings(::std::collections::BTreeMap<String, String>);

    impl Settings {
        #[must_use]
        pub fn new() -> Self;
        pub fn insert(&mut self, key: String, value: String) -> ::std::option::Option<String>;
        pub fn clear(&mut self) -> &mut Self;
    }
}

::charm_tracing::traced_type! {
    /// Results have a section of their own.
    #[derive(Debug)]
    pub struct Child(::std::process::Child);

    impl Child {
        pub fn wait(&mut self) -> ::std::io::Result<::std::process::ExitStatus>;
        pub fn kill(&mut self) -> ::std::io::Result<()>;
    }
}

::charm_tracing::traced_type! {
    #[cfg(any())]
    pub struct Missing(missing::Type);

    impl Missing {
        pub fn missing(&self) -> missing::Other;
    }
}

mod private {
    use ::std::cell::RefCell;

    ::charm_tracing::traced_type! {
        #[derive(Debug)]
        pub(super) struct Counter<T: ::std::marker::Copy>(RefCell<T>);

        impl<U: ::std::marker::Copy> Counter<U> {
            pub(super) fn new(value: U) -> Self;
            #[cfg(any())]
            pub(super) fn missing(&self) -> missing::Other;
            #[inline]
            pub(super) fn replace(&self, value: U) -> U;
            #[track_caller]
            pub(super) fn borrow(&self) -> ::std::cell::Ref<'_, U>;
        }
    }
}

/// Uses the private wrapper.
#[must_use]
pub fn counted(value: u8) -> u8 {
    let counter = private::Counter::new(value);
    let before = counter.replace(1);
    before + *counter.borrow()
}

mod old {
    #[deprecated]
    #[derive(Debug)]
    pub(super) struct Old;

    #[expect(deprecated, reason = "its own methods")]
    impl Old {
        pub(super) const fn age(&self) -> usize {
            ::std::mem::size_of_val(self)
        }
    }
}

::charm_tracing::traced_type! {
    #[expect(deprecated, reason = "for who still needs it")]
    #[derive(Debug)]
    struct Older(old::Old);

    impl Older {
        fn age(&self) -> usize;
    }
}

/// How old.
#[must_use]
#[expect(deprecated, reason = "for who still needs it")]
pub fn age() -> usize {
    Older::from(old::Old).age()
}
