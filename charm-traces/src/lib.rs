//! See the traces of a charm without a backend: the program `charm-traces`, and the page that it makes.
//!
//! The program's own help says what it does. [`page()`] makes the page of traces that a test or a demo has.

mod arguments;
mod collect;
mod doctor;
mod export;
mod otlp_json;
mod output;
mod page;
mod program;
mod run;
mod send;
mod show;
mod stored;
mod summary;

pub use page::page;
pub use program::main;
