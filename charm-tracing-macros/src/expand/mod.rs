//! The code that the attributes write.

mod arguments;
mod body;
mod callee;
mod place;
mod recursion;
mod returns;
mod scope;

pub(crate) use body::Traced;
pub(crate) use callee::{Callee, CalleeOwner};
pub(crate) use place::located;
pub(crate) use scope::Scope;
