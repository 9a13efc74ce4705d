//! The check behind `extra_types`: finds out at compile time whether a type has a traced `impl` block.
//!
//! Each traced block implements [`Block`] for its type. A type may have any number of blocks, and a bound `T: Block<_>` that several
//! impls satisfy does not compile, because the compiler cannot choose one. So each block has a number, and the check finds the
//! number of one block, one bit after the other:
//!
//! 1. The search begins with a number of which no bit is known.
//! 2. The call `(&&&&&search).bit()` finds the next bit. There is a trait for each answer, and each is implemented for the search behind
//!    another number of references, provided that a block has a number that goes on like this. Method lookup tries the
//!    receiver with the most references first, so it takes 0 if there is such a block, else 1. The result is the search for the
//!    rest of the number.
//! 3. When all bits are known, one block is left. If the type has no block, the first call finds only [`Otherwise`], whose method does
//!    not compile, with a message that says why.
//!
//! A number is a list of bits, as in `([(); 1], ([(); 0], ()))`. Bits are array types because those need no path, so nothing in the
//! author's module can hide them. The attribute makes the number of 24 bits of a hash of the block, because it does not know the
//! other blocks.

use std::marker::PhantomData;

/// A traced `impl` block of the type `T`. `This` is a type that only this block has, `Parameters` has the parameters of the
/// block, and `Number` is its number.
///
/// It is implemented for `T`, or for [`Blocks`] if the type of the block may be anything.
pub trait Block<This, Parameters, Number, T: ?Sized> {}

/// The type for which [`Block`] is implemented by a block whose own type may be anything.
#[derive(Debug)]
pub struct Blocks;

/// The search for a block of the type `T`. `Rest` is the end of its number, which is not known yet.
#[derive(Debug)]
pub struct Search<T: ?Sized, This, Parameters, Number, Rest>(
    PhantomData<(This, Parameters, Number, Rest)>,
    PhantomData<T>,
);

impl<T: ?Sized, This, Parameters, Unknown> Search<T, This, Parameters, Unknown, Unknown> {
    /// A search that knows no bit yet.
    pub const NEW: Self = Self(PhantomData, PhantomData);
}

macro_rules! bits {
    ($($(#[$doc:meta])* $name:ident: $bit:ty, of $subject:ident for [$($references:tt)+];)+) => {$(
        $(#[$doc])*
        pub trait $name<Next> {
            /// Returns the search for the rest of the number.
            fn bit(&self) -> Next;
        }
        impl<T: ?Sized, This, Parameters, Number, Rest> $name<Search<T, This, Parameters, Number, Rest>>
            for $($references)+ Search<T, This, Parameters, Number, ($bit, Rest)>
        where
            $subject: Block<This, Parameters, Number, T>,
        {
            fn bit(&self) -> Search<T, This, Parameters, Number, Rest> {
                Search(PhantomData, PhantomData)
            }
        }
    )+};
}
bits! {
    /// The next bit of a block of the type is 0. Method lookup tries this trait first.
    OwnZero: [(); 0], of T for [&&&&];
    /// The next bit of a block of the type is 1. Method lookup tries this trait second.
    OwnOne: [(); 1], of T for [&&&];
    /// The next bit of a block for any type is 0. Method lookup tries this trait third, for a type without a block of its
    /// own.
    AnyZero: [(); 0], of Blocks for [&&];
    /// The next bit of a block for any type is 1. Method lookup tries this trait fourth.
    AnyOne: [(); 1], of Blocks for [&];
}

/// The trait that method lookup tries last. Its method cannot be called, and the error says why.
pub trait Otherwise {
    /// Fails to compile, because no type is [`Traced`].
    fn bit(&self) -> NotTraced
    where
        Self: Named,
        Self::Type: Traced,
    {
        NotTraced
    }
}
impl<T: ?Sized, This, Parameters, Number, Rest> Otherwise for Search<T, This, Parameters, Number, Rest> {}

/// The result of the call that does not compile. The calls for the other bits compile on it, so they add no errors.
#[derive(Debug)]
pub struct NotTraced;

impl NotTraced {
    /// Returns itself.
    #[must_use]
    pub fn bit(&self) -> Self {
        Self
    }
}

/// A search, which names the type that is listed.
pub trait Named {
    /// The type that is listed in `extra_types`.
    type Type: ?Sized;
}
impl<T: ?Sized, This, Parameters, Number, Rest> Named for Search<T, This, Parameters, Number, Rest> {
    type Type = T;
}

/// A trait that no type implements. It exists for its error message.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is listed in `extra_types`, and is not traced",
    label = "no `impl` block of this type has `#[trace_type]`",
    note = "put `#[charm_tracing::trace_type]` on its `impl` block"
)]
pub trait Traced {}
