//! Names that a charm may give to its own things, in places where generated code might mean others.

use tests::futures::block_on;

/// Whatever the prelude has, here it is something else or missing.
#[allow(
    dead_code,
    missing_debug_implementations,
    non_camel_case_types,
    non_upper_case_globals,
    unused_macros,
    clippy::items_after_statements,
    reason = "the names are there to be in the way"
)]
#[no_implicit_prelude]
mod names_in_the_way {
    use ::charm_tracing::{trace_charm, trace_fn, trace_type};
    use ::core::marker::Sized;

    mod core {}
    mod std {}
    mod alloc {}
    mod charm_tracing {}
    mod opentelemetry {}

    struct Result;
    struct Option;
    struct Some;
    struct None;
    struct Ok;
    struct Err;
    struct Box;
    struct Vec;
    struct String;
    struct Pin;
    struct PhantomData;
    struct Displayed;
    struct Debugged;
    struct AsItIs;
    struct Evaluated;
    struct Returned;
    struct Returns;
    struct BoxedFuture;
    struct Plain;
    trait Send {}
    trait Sync {}
    trait Future {}
    trait Clone {}
    trait Copy {}
    trait Default {}
    trait Fn {}
    trait FnOnce {}
    trait From {}
    trait Into {}
    trait Drop {}
    trait Iterator {}
    trait Standard {}
    trait Pointer {}
    trait Shown {}
    trait Opaque {}
    trait NoResult {}
    trait TracedType {}
    trait TracedTraitImpl {}

    /// Every type has these methods.
    trait Methods {
        fn failure(&self) -> u8 {
            0
        }

        fn value(&self) -> u8 {
            0
        }

        fn leave(&self) -> u8 {
            0
        }

        fn notice(&self) -> u8 {
            0
        }

        fn is_traced(&self) -> u8 {
            0
        }
    }

    impl<T: ?Sized> Methods for T {}

    /// And these.
    trait MethodsByValue: Sized {
        fn callee(self) {}
        fn method_of(self) {}
        fn call(self) {}
        fn carry(self) {}
        fn add(self) {}
        fn value(self) {}
        fn branch(self) {}
    }

    impl<T> MethodsByValue for T {}

    const fn drop() {}
    const fn enter() {}
    const fn panic() {}

    macro_rules! concat {
        ($($any:tt)*) => {
            compile_error!("not this one")
        };
    }
    macro_rules! file {
        ($($any:tt)*) => {
            compile_error!("not this one")
        };
    }
    macro_rules! line {
        ($($any:tt)*) => {
            compile_error!("not this one")
        };
    }
    macro_rules! module_path {
        ($($any:tt)*) => {
            compile_error!("not this one")
        };
    }

    // A pattern that is the name of one of these means it, even the parameter of a closure.
    static span: u8 = 1;
    static returned: u8 = 2;
    static attributes: u8 = 3;
    static value: u8 = 4;
    static failure: u8 = 5;
    const error: u8 = 6;
    const SITE: u8 = 7;
    static arguments: u8 = 8;
    static callee: u8 = 9;

    #[trace_fn(attributes(one = SITE, two = span, three = { let __attributes = attributes; __attributes + 1 }))]
    fn plain(__span: u8, __returned: u8) -> u8 {
        let __arguments = SITE + span;
        __span + __returned + __arguments
    }

    #[trace_fn(attributes(displayed = ::std::format!("{}", { let Displayed = Displayed; returned }), debugged = {
        let Evaluated = Evaluated;
        value
    }))]
    fn fallible(__span: u8, __arguments: u8) -> ::core::result::Result<u8, &'static str> {
        let __returned = __span;
        let __returns = __arguments;
        if failure == __returns {
            return ::core::result::Result::Err("failure");
        }
        let number: u8 = ::core::result::Result::Ok::<_, &'static str>(error)?;
        ::core::result::Result::Ok(__returned + __returns + number)
    }

    #[trace_fn]
    #[track_caller]
    fn tracked(__span: u8, __residual: u8) -> ::core::result::Result<u8, &'static str> {
        let __notice = __span;
        let __value = ::core::result::Result::Ok::<_, &'static str>(__residual)?;
        if __value == error {
            return ::core::result::Result::Err("error");
        }
        ::core::result::Result::Ok(__notice + __value)
    }

    #[trace_fn(attributes(one = __arguments))]
    async fn asynchronous(__span: u8, __arguments: u8) -> ::core::result::Result<u8, &'static str> {
        let __returns = ::core::future::ready(__span).await;
        if arguments == __arguments {
            return ::core::result::Result::Err("arguments");
        }
        ::core::result::Result::Ok(__returns + __arguments)
    }

    #[trace_fn]
    fn future(__span: u8) -> impl ::core::future::Future<Output = u8> {
        let __future = __span;
        async move { ::core::future::ready(__future).await }
    }

    #[trace_fn]
    fn boxed(__span: u8) -> ::core::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = u8>>> {
        let __returned = __span;
        ::std::boxed::Box::pin(async move { __returned })
    }

    #[allow(clippy::struct_field_names)]
    struct Block {
        __span: u8,
        __returned: u8,
    }

    #[trace_charm(tracing_endpoint = "endpoint")]
    impl Block {
        const fn new() -> Self {
            Self { __span: 1, __returned: 2 }
        }

        fn endpoint(&self) -> ::core::option::Option<&'static str> {
            let Self { __span, __returned } = self;
            ::core::option::Option::None
        }

        fn fields(&self) -> ::core::result::Result<u8, &'static str> {
            ::core::result::Result::Ok(self.__span + self.__returned)
        }
    }

    #[trace_type]
    impl ::core::default::Default for Block {
        fn default() -> Self {
            Self::new()
        }
    }

    pub(super) fn run() {
        ::core::assert_eq!(plain(1, 2), 11);
        ::core::assert_eq!(fallible(1, 2), ::core::result::Result::Ok(9));
        ::core::assert_eq!(fallible(1, 5), ::core::result::Result::Err("failure"));
        ::core::assert_eq!(tracked(1, 6), ::core::result::Result::Err("error"));
        ::core::assert_eq!(super::block_on(asynchronous(1, 2)), ::core::result::Result::Ok(3));
        ::core::assert_eq!(super::block_on(asynchronous(1, 8)), ::core::result::Result::Err("arguments"));
        ::core::assert_eq!(super::block_on(future(1)), 1);
        ::core::assert_eq!(super::block_on(boxed(1)), 1);
        ::core::assert_eq!(
            <Block as ::core::default::Default>::default().fields(),
            ::core::result::Result::Ok(3)
        );
    }
}

#[test]
fn are_left_alone() {
    let spans = tests::recording::spans_of(names_in_the_way::run);
    let outline = spans.outline().status().attributes(&["one", "two", "three", "displayed", "debugged"]);
    assert_eq!(
        outline.to_string(),
        "\
app/0: start event
  event: start
    function call: plain {one=7, two=1, three=4}
    function call: fallible {displayed=2, debugged=4}
    function call: fallible [error: failure] {displayed=2, debugged=4}
    function call: tracked
    function call: asynchronous {one=2}
    function call: asynchronous [error: arguments] {one=8}
    function call: future
    function call: boxed
    method call: Block.default
    method call: Block.fields"
    );
}

/// Generated code allows nothing that may be forbidden.
#[forbid(unused, unreachable_code, unused_imports, let_underscore_drop, single_use_lifetimes)]
#[forbid(clippy::all, clippy::pedantic, clippy::nursery, clippy::used_underscore_binding)]
mod forbidden_lints {
    use std::convert::Infallible;
    use std::fmt;

    use charm_tracing::{trace_fn, trace_type};

    use tests::futures::{block_on, once};

    struct Unit {
        number: u8,
    }

    #[trace_type]
    impl Unit {
        fn number(self, more: u8) -> Result<u8, fmt::Error> {
            self.number.checked_add(more).ok_or(fmt::Error)
        }

        async fn later(&self, more: Vec<u8>) -> Result<usize, fmt::Error> {
            once().await;
            more.len().checked_add(self.number.into()).ok_or(fmt::Error)
        }
    }

    #[trace_fn(attributes(one = 1))]
    fn iterator(more: &[u8]) -> Result<impl Iterator<Item = u8> + '_, Infallible> {
        Ok(more.iter().copied())
    }

    #[trace_fn]
    #[track_caller]
    fn tracked(more: Option<u8>) -> Result<u8, fmt::Error> {
        let number = more.ok_or(fmt::Error)?;
        Ok(number)
    }

    #[trace_fn]
    async fn never(fails: bool) -> Infallible {
        once().await;
        assert!(!fails, "on purpose");
        std::future::pending().await
    }

    #[test]
    fn stay_forbidden() {
        let trace = tests::recording::recorded(|| {
            assert_eq!(Unit { number: 1 }.number(2), Ok(3));
            assert_eq!(block_on(Unit { number: 1 }.later(vec![1])), Ok(2));
            assert_eq!(iterator(&[1]).map(Iterator::count), Ok(1));
            assert_eq!(tracked(Some(1)), Ok(1));
            assert!(std::panic::catch_unwind(|| block_on(never(true))).is_err());
        });
        assert_eq!(trace.lines().count(), 5, "{trace}");
    }
}
