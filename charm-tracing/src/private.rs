//! What the attributes' expansions call. No part of the API: it changes with any version, together with the macros.

pub use core::any::type_name;
pub use core::option::Option;
pub use core::{concat, file, module_path};

pub use crate::charm::{Setting, destination};
pub use crate::span::{Callee, Entered, Site, enter, probe, trace_future};

/// Calls the body of a traced function. Its bound makes the compiler see a `FnOnce`, which may return what it borrows
/// from what it captured.
#[inline]
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// A value for the `return` that tells an async block its type. It is never reached.
#[must_use]
pub fn never<T>() -> T {
    unreachable!("this tells a type and never runs")
}

/// For a return type that cannot be a `Result`.
pub fn never_fails<T>(_returned: &T) -> Option<crate::span::Failure> {
    None
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
