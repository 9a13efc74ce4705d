//! The items that the expansions of the attributes use. They are no part of the API: they change with any version, together
//! with the macros.

pub use core::any::type_name;
pub use core::convert::From;
pub use core::marker::PhantomData;
pub use core::ops::{Deref, DerefMut};
pub use core::option::Option;
pub use core::{concat, file, module_path};

#[cfg(feature = "session")]
pub use crate::charm::{Members, Setting, TraceCharmOncePerTypeAndTraceTypeOnOtherBlocks};
pub use crate::is_enabled;
#[cfg(feature = "session")]
pub use crate::run::Outcome;
pub use crate::span::{
    Attributes, Callee, Entered, RUN_IN_PLACE, Returns, Site, call_for_future, call_for_future_of, enter,
    enter_with, leave, open_future, probe, run, trace_future, value,
};

/// Returns `None`, for a return type that cannot be a `Result`.
pub fn never_fails<T>(_returned: &T) -> Option<crate::span::Failure> {
    None
}

/// Adds nothing, for a call without attributes of its own.
pub fn no_attributes(_attributes: &mut Attributes) {}

/// The check behind `extra_types`: finds out at compile time if a type has a traced `impl` block.
///
/// A type may have several blocks, and a bound with more than one answer does not compile. So each block has a number, and each
/// call in `(&&&&&search).bit()` finds one bit of the number of one block. Method lookup tries the receiver with the most
/// references first, and picks a trait only if a block has such a number. At the end one block is left.
pub mod traced {
    use std::marker::PhantomData;

    /// A traced `impl` block of the type `T`. `This` is a type that only this block has, `Parameters` has the parameters of the
    /// block, and `Number` is its number as a list of [`Zero`] and [`One`]: `(One, (Zero, ()))`.
    ///
    /// It is implemented for `T`, or for [`Blocks`] if the type of the block may be anything.
    pub trait Block<This, Parameters, Number, T: ?Sized> {}

    /// The type for which [`Block`] is implemented by a block whose own type may be anything.
    #[derive(Debug)]
    pub struct Blocks;

    /// The bit 0.
    #[derive(Debug)]
    pub struct Zero;

    /// The bit 1.
    #[derive(Debug)]
    pub struct One;

    macro_rules! digits {
        ($($digit:ident = $bits:ty;)*) => { $(
            /// Four bits as one digit, with which each block writes its number.
            pub type $digit<Rest> = $bits;
        )* };
    }
    digits! {
        X0 = (Zero, (Zero, (Zero, (Zero, Rest))));
        X1 = (Zero, (Zero, (Zero, (One, Rest))));
        X2 = (Zero, (Zero, (One, (Zero, Rest))));
        X3 = (Zero, (Zero, (One, (One, Rest))));
        X4 = (Zero, (One, (Zero, (Zero, Rest))));
        X5 = (Zero, (One, (Zero, (One, Rest))));
        X6 = (Zero, (One, (One, (Zero, Rest))));
        X7 = (Zero, (One, (One, (One, Rest))));
        X8 = (One, (Zero, (Zero, (Zero, Rest))));
        X9 = (One, (Zero, (Zero, (One, Rest))));
        XA = (One, (Zero, (One, (Zero, Rest))));
        XB = (One, (Zero, (One, (One, Rest))));
        XC = (One, (One, (Zero, (Zero, Rest))));
        XD = (One, (One, (Zero, (One, Rest))));
        XE = (One, (One, (One, (Zero, Rest))));
        XF = (One, (One, (One, (One, Rest))));
    }

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
        ($($(#[$doc:meta])* $name:ident: $bit:ident of $subject:ident for [$($references:tt)+];)+) => {$(
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
        OwnZero: Zero of T for [&&&&];
        /// The next bit of a block of the type is 1. Method lookup tries this trait second.
        OwnOne: One of T for [&&&];
        /// The next bit of a block for any type is 0. Method lookup tries this trait third, for a type without a block of its
        /// own.
        AnyZero: Zero of Blocks for [&&];
        /// The next bit of a block for any type is 1. Method lookup tries this trait fourth.
        AnyOne: One of Blocks for [&];
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
}
