use std::marker::PhantomData;

use super::Entered;

/// The type that a function returns, as a value. Generated code cannot always write that type, because `impl Trait` has no
/// name.
///
/// Generated code has `if let Some(value) = returns.nothing() { return value; }`, from which the compiler infers `T`.
#[derive(Debug)]
pub struct Returns<T>(PhantomData<fn() -> T>);

// A derived implementation would require `T: Copy`.
impl<T> Clone for Returns<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Returns<T> {}

impl<T> Returns<T> {
    /// Returns a type that the compiler is to infer.
    #[must_use]
    pub const fn inferred() -> Self {
        Self(PhantomData)
    }

    /// Returns the type of a value.
    #[must_use]
    pub const fn of(_value: &T) -> Self {
        Self(PhantomData)
    }

    /// Returns `None`, for a `return` that is never reached.
    #[inline]
    #[must_use]
    pub const fn nothing(self) -> Option<T> {
        None
    }

    /// Returns the body of a traced function unchanged. The bound makes the compiler infer a `FnOnce`, which may return borrows
    /// of its captured values.
    #[inline]
    #[must_use]
    pub fn body<F: FnOnce() -> T>(self, body: F) -> F {
        body
    }

    /// Returns the closure that handles the returned value unchanged. The bound gives the compiler the types of its arguments.
    #[inline]
    #[must_use]
    pub fn leave<F: FnOnce(Entered, T) -> T>(self, leave: F) -> F {
        leave
    }
}

/// Handles the value that a call returned: a boxed future keeps the span open, any other value ends it.
///
/// `(&&Returns::of(&returned)).__leave(span, returned, failure)` picks the trait, by the rule of [`probe`](super::probe).
/// `failure` gets the final result of the call: the value, or the output of the future.
pub mod leave {
    use std::future::Future;
    use std::pin::Pin;

    use super::Returns;
    use crate::span::{Entered, Failure};

    /// A call that returns a boxed future.
    pub trait BoxedFuture {
        /// The type of the boxed future.
        type Returned;
        /// The output of the future.
        type Output;
        /// Returns the future, wrapped with the span.
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

    /// A call that returns any other value.
    pub trait Plain {
        /// The type of the value.
        type Returned;
        /// Ends the span, and returns the value.
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
