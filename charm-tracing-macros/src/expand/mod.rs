//! The code that the attributes write.

mod body;
mod callee;
mod place;
mod returns;

pub(crate) use body::{body, inner_attributes_outside};
pub(crate) use callee::Callee;
pub(crate) use place::located;
