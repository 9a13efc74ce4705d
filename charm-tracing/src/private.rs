//! What the attributes' expansions call. No part of the API: it changes with any version, together with the macros.

pub use core::any::type_name;
pub use core::convert::From;
pub use core::marker::PhantomData;
pub use core::ops::{ControlFlow, Deref, DerefMut};
pub use core::option::Option;
pub use core::{concat, file, module_path};

#[cfg(feature = "session")]
pub use crate::charm::{
    CertificateSetting, PemSetting, Setting, TraceCharmOncePerTypeAndTraceTypeOnOtherBlocks, destination,
    with_client_certificate,
};
pub use crate::is_enabled;
#[cfg(feature = "session")]
pub use crate::run::Outcome;
pub use crate::span::{
    Attributes, Callee, Entered, FromResidual, RUN_IN_PLACE, Returns, Site, Try, call_for_future,
    call_for_future_of, enter, enter_with, leave, open_future, probe, run, trace_future, value,
};

/// For a return type that cannot be a `Result`.
pub fn never_fails<T>(_returned: &T) -> Option<crate::span::Failure> {
    None
}

/// For a call without attributes of its own.
pub fn no_attributes(_attributes: &mut Attributes) {}

/// Reads the member that `#[trace_charm]` was told as `tracing_endpoint`.
#[cfg(feature = "session")]
pub fn setting(value: &impl Setting) -> Option<std::ffi::OsString> {
    value.setting()
}

/// Reads the member that `#[trace_charm]` was told as `server_cert`.
#[cfg(feature = "session")]
pub fn certificate(value: &impl CertificateSetting) -> Option<crate::Certificate> {
    value.certificate()
}

/// Reads a member that `#[trace_charm]` was told as `client_cert` or `client_key`.
#[cfg(feature = "session")]
pub fn pem(value: &impl PemSetting) -> Option<crate::Pem> {
    value.pem()
}

/// The check behind `extra_types`: which types have a traced `impl` block.
///
/// A type may have several, and a bound with more than one answer does not compile. So each has a number, and
/// `(&&&&&search).bit()` asks for one bit of it after the other: method lookup tries the receiver with the most
/// references first, and takes a trait only if some block has such a number. What is left at the end is one block.
pub mod traced {
    use std::marker::PhantomData;

    /// An `impl` block of the type `T`. `This` is a type of its own for each, `Parameters` has those of the block,
    /// `Number` is a list of [`Zero`] and [`One`]: `(One, (Zero, ()))`.
    ///
    /// It is implemented for `T`, or else for [`Blocks`].
    pub trait Block<This, Parameters, Number, T: ?Sized> {}

    /// What a block is registered at whose type may be anything.
    #[derive(Debug)]
    pub struct Blocks;

    /// A bit.
    #[derive(Debug)]
    pub struct Zero;

    /// A bit.
    #[derive(Debug)]
    pub struct One;

    macro_rules! digits {
        ($($digit:ident = $bits:ty;)*) => { $(
            /// Four bits, written as one digit: every block writes its number.
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

    /// The search for a block of the type `T`, of whose number the end `Rest` is not known yet.
    #[derive(Debug)]
    pub struct Search<T: ?Sized, This, Parameters, Number, Rest>(
        PhantomData<(This, Parameters, Number, Rest)>,
        PhantomData<T>,
    );

    impl<T: ?Sized, This, Parameters, Unknown> Search<T, This, Parameters, Unknown, Unknown> {
        /// Nothing is known yet.
        pub const NEW: Self = Self(PhantomData, PhantomData);
    }

    macro_rules! bits {
        ($($(#[$doc:meta])* $name:ident: $bit:ident of $subject:ident for [$($references:tt)+];)+) => {$(
            $(#[$doc])*
            pub trait $name<Next> {
                /// What is left to search.
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
        /// Method lookup tries this one first, for a block whose next bit is a zero,
        OwnZero: Zero of T for [&&&&];
        /// then this one, for a block whose next bit is a one,
        OwnOne: One of T for [&&&];
        /// then the same for a type that has no block of its own,
        AnyZero: Zero of Blocks for [&&];
        /// the same,
        AnyOne: One of Blocks for [&];
    }

    /// and at last the one that cannot be called, and says why.
    pub trait Otherwise {
        /// Does not compile.
        fn bit(&self) -> NotTraced
        where
            Self: Named,
            Self::Type: Traced,
        {
            NotTraced
        }
    }
    impl<T: ?Sized, This, Parameters, Number, Rest> Otherwise for Search<T, This, Parameters, Number, Rest> {}

    /// Lets the other bits pass without a word.
    #[derive(Debug)]
    pub struct NotTraced;

    impl NotTraced {
        /// Once more.
        #[must_use]
        pub fn bit(&self) -> Self {
            Self
        }
    }

    /// The type that is listed.
    pub trait Named {
        /// The type.
        type Type: ?Sized;
    }
    impl<T: ?Sized, This, Parameters, Number, Rest> Named for Search<T, This, Parameters, Number, Rest> {
        type Type = T;
    }

    /// What no type is: it is there to say why.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is listed in `extra_types`, and is not traced",
        label = "no `impl` block of this type has `#[trace_type]`",
        note = "put `#[charm_tracing::trace_type]` on its `impl` block"
    )]
    pub trait Traced {}
}
