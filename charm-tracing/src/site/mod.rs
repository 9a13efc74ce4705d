//! The facts about a traced function that are known when it is compiled.

mod call_site;
mod encoded;

pub use call_site::{Callee, Site};
pub(crate) use encoded::{EncodedSite, write_kind};
