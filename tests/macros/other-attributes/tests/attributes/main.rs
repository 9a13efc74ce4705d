//! The attributes of other crates, above ours and below, by what they change.

mod contexts;
mod harnesses;
mod runtimes;
