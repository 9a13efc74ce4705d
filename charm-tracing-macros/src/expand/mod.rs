//! The code that the attributes write.

mod arguments;
mod body;
mod callee;
mod owner;
mod place;
mod recursion;
mod returns;
mod scope;

pub(crate) use body::Traced;
pub(crate) use callee::Callee;
pub(crate) use owner::Owner;
pub(crate) use place::located;
pub(crate) use scope::Scope;
