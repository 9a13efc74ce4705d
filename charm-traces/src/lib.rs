//! See the traces of a charm without a backend: the program `charm-traces`, and the page that it makes.
//!
//! The program's own help says what it does. [`page()`] makes the page of traces that a test or a demo has.
//!
//! The guide in the repository shows each command in `docs/guide/see-traces.md`, and what to do if no traces arrive in
//! `docs/guide/troubleshooting.md`.
//!
//! # Features
//!
//! **`program`** (on by default): the program. Without it there is only the page, and hardly a dependency.

// docs.rs shows which feature an item needs, with a compiler that has the means.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(feature = "program"),
    expect(dead_code, unused_imports, reason = "the program shows more pages")
)]

#[cfg(feature = "program")]
mod arguments;
#[cfg(feature = "program")]
mod collect;
#[cfg(feature = "program")]
mod doctor;
#[cfg(feature = "program")]
mod export;
#[cfg(feature = "program")]
mod output;
mod page;
#[cfg(feature = "program")]
mod program;
#[cfg(feature = "program")]
mod run;
#[cfg(feature = "program")]
mod send;
#[cfg(feature = "program")]
mod show;
#[cfg(feature = "program")]
mod stored;
mod summary;

pub use page::page;
#[cfg(feature = "program")]
pub use program::main;
