use std::marker::PhantomData;

use super::Entered;

/// Stands for the type that a function returns, which generated code cannot always write: `impl Trait` has no name.
///
/// Generated code says `if let Some(value) = returns.nothing() { return value; }`, and so lets the compiler infer `T`.
#[derive(Debug)]
pub struct Returns<T>(PhantomData<fn() -> T>);

// Derived, it would ask for `T: Copy`.
impl<T> Clone for Returns<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Returns<T> {}

impl<T> Returns<T> {
    /// A type that is yet to be inferred.
    #[must_use]
    pub const fn inferred() -> Self {
        Self(PhantomData)
    }

    /// The type of a value.
    #[must_use]
    pub const fn of(_value: &T) -> Self {
        Self(PhantomData)
    }

    /// A value to return that there never is.
    #[inline]
    #[must_use]
    pub const fn nothing(self) -> Option<T> {
        None
    }

    /// Passes on the body of a traced function. Its bound makes the compiler see a `FnOnce`, which may return what it
    /// borrows from what it captured.
    #[inline]
    #[must_use]
    pub fn body<F: FnOnce() -> T>(self, body: F) -> F {
        body
    }

    /// Passes on what is done with the value that a traced function returns.
    #[inline]
    #[must_use]
    pub fn leave<F: FnOnce(Entered, T) -> T>(self, leave: F) -> F {
        leave
    }
}

/// Leaves a call with what it returned: a boxed future takes the span along, anything else ends it.
///
/// `(&&Returns::of(&returned)).__leave(span, returned, failure)` picks the trait, by the rule of
/// [`probe`](super::probe). `failure` looks at what the call yields in the end: the value, or the future's output.
pub mod leave {
    use std::future::Future;
    use std::pin::Pin;

    use super::Returns;
    use crate::span::{Entered, Failure};

    /// A boxed future,
    pub trait BoxedFuture {
        /// What the call returns.
        type Returned;
        /// What it yields in the end.
        type Output;
        /// Passes on what the call returned.
        fn __leave(
            &self,
            span: Entered,
            returned: Self::Returned,
            failure: fn(&Self::Output) -> Option<Failure>,
        ) -> Self::Returned;
    }

    macro_rules! boxed_future {
        ($($auto:ident)*) => {
            impl<'a, T: 'a> BoxedFuture for &Returns<Pin<Box<dyn Future<Output = T> $(+ $auto)* + 'a>>> {
                type Returned = Pin<Box<dyn Future<Output = T> $(+ $auto)* + 'a>>;
                type Output = T;

                fn __leave(
                    &self,
                    span: Entered,
                    returned: Self::Returned,
                    failure: fn(&T) -> Option<Failure>,
                ) -> Self::Returned {
                    Box::pin(span.carry(returned, failure))
                }
            }
        };
    }
    boxed_future!();
    boxed_future!(Send);
    boxed_future!(Send Sync);

    /// and any other value.
    pub trait Plain {
        /// What the call returns, and yields.
        type Returned;
        /// Passes on what the call returned.
        fn __leave(
            &self,
            span: Entered,
            returned: Self::Returned,
            failure: fn(&Self::Returned) -> Option<Failure>,
        ) -> Self::Returned;
    }

    impl<T> Plain for Returns<T> {
        type Returned = T;

        fn __leave(&self, span: Entered, returned: T, failure: fn(&T) -> Option<Failure>) -> T {
            span.end(|| failure(&returned));
            returned
        }
    }
}
