//! The page: traces, and everything that shows them, in one HTML file that loads nothing.

mod document;
mod script_data;

pub use document::page;
pub(crate) use document::{Kind, document};
pub(crate) use script_data::{Entry, Head, script_data};
