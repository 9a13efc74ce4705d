//! The facts about traced functions and blocks that are known when they are compiled.

mod call_site;
mod encoded;
pub mod extra_types;

pub use call_site::{Callee, Site};
pub(crate) use encoded::{EncodedSite, write_kind};
