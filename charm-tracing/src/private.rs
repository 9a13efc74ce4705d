//! The items that the expansions of the attributes use. They are no part of the API: they change with any version, together
//! with the macros.

pub use core::any::type_name;
pub use core::convert::From;
pub use core::marker::PhantomData;
pub use core::ops::{Deref, DerefMut};
pub use core::option::Option;
pub use core::{concat, file, line, module_path};

#[cfg(feature = "session")]
pub use crate::charm::{Members, Setting, TraceCharmOncePerTypeAndTraceTypeOnOtherBlocks};
pub use crate::is_enabled;
#[cfg(feature = "session")]
pub use crate::run::Outcome;
pub use crate::site::extra_types;
pub use crate::span::{
    Attributes, Callee, ClosureWork, Entered, FutureWork, RUN_IN_PLACE, Returns, Site, WithCurrent, Work,
    call_for_future, call_for_future_of, enter, enter_with, leave, open_future, probe, run, trace_future,
    value,
};

/// Returns `None`, for a return type that cannot be a `Result`.
pub fn never_fails<T>(_returned: &T) -> Option<crate::span::Failure> {
    None
}

/// Adds nothing, for a call without attributes of its own.
pub fn no_attributes(_attributes: &mut Attributes) {}
