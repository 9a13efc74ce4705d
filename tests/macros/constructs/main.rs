//! Annotating any Rust code changes nothing but the trace: a case for each construct of the language.
//!
//! This test belongs to two packages, for a body is expanded by the rules of its crate's edition: `tests` (2024) and
//! `tests-edition-2021`. The lints are the strictest that a charm may have; what is allowed below is what the code
//! would need without the attributes.
#![deny(warnings, missing_docs, clippy::pedantic, clippy::nursery)]
#![forbid(unsafe_code)]

#[macro_use]
mod table;

mod attributes;
mod definitions;
mod diverging;
mod drops;
mod errors;
mod futures;
mod generics;
mod hygiene;
mod lints;
mod panics;
mod receivers;
mod returns;
