//! What the attributes' expansions call. No part of the API: it changes with any version, together with the macros.

pub use core::any::type_name;
pub use core::ops::ControlFlow;
pub use core::option::Option;
pub use core::{concat, file, module_path};

pub use crate::charm::{Setting, destination};
pub use crate::span::{
    Attributes, Callee, Entered, FromResidual, Returns, Site, Try, enter, enter_with, leave, probe,
    trace_future, value,
};

/// For a return type that cannot be a `Result`.
pub fn never_fails<T>(_returned: &T) -> Option<crate::span::Failure> {
    None
}

/// For a call without attributes of its own.
pub fn no_attributes(_attributes: &mut Attributes) {}

/// Calls a function that returns a future with a known output, which an async block in it has to know too.
#[inline]
pub fn call_for_future<T, F: Future<Output = T>>(body: impl FnOnce() -> F) -> F {
    body()
}

/// Reads a member that `#[trace_charm]` was told.
pub fn setting(value: &impl Setting) -> Option<std::ffi::OsString> {
    value.setting()
}

/// An inherent `impl` block with `#[trace_type]`; `Block` is a type of its own for each.
pub trait TracedType<Block> {}

/// The same for the block of a trait.
pub trait TracedTraitImpl<Block> {}

/// The check behind `extra_types`.
pub mod traced {
    use std::marker::PhantomData;

    use super::{TracedTraitImpl, TracedType};

    /// A type that is listed.
    #[derive(Debug)]
    pub struct Listed<T: ?Sized>(PhantomData<T>);

    impl<T: ?Sized> Listed<T> {
        /// The only value.
        pub const NEW: Self = Self(PhantomData);
    }

    /// What no type is: it is there to say why.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is listed in `extra_types`, and is not traced",
        label = "no `impl` block of this type has `#[trace_type]`",
        note = "put `#[charm_tracing::trace_type]` on its `impl` block"
    )]
    pub trait Traced {}

    /// Method lookup tries this one first, for a type with a traced inherent block,
    pub trait ByType<Block> {
        /// Nothing to do: it compiles.
        fn is_traced(&self) {}
    }
    impl<T: TracedType<Block> + ?Sized, Block> ByType<Block> for &&Listed<T> {}

    /// then this one, for a type whose traced blocks are of traits,
    pub trait ByTraitImpl<Block> {
        /// Nothing to do: it compiles.
        fn is_traced(&self) {}
    }
    impl<T: TracedTraitImpl<Block> + ?Sized, Block> ByTraitImpl<Block> for &Listed<T> {}

    /// and at last the one that cannot be called, and says why.
    pub trait Otherwise {
        /// Does not compile.
        fn is_traced(&self)
        where
            Self: Named,
            Self::Type: Traced,
        {
        }
    }
    impl<T: ?Sized> Otherwise for Listed<T> {}

    /// The type that is listed.
    pub trait Named {
        /// The type.
        type Type: ?Sized;
    }
    impl<T: ?Sized> Named for Listed<T> {
        type Type = T;
    }
}
