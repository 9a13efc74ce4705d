//! A library with `#![no_std]` may be annotated: what the attributes write names neither `std` nor `alloc`. Who runs it
//! has both.
#![no_std]
#![deny(warnings)]

#[cfg(feature = "inference")]
pub mod inference;

mod annotated;
mod hygiene;
mod owned;

pub use annotated::{checksum, parse, poll_twice, port, shown, Meter, Probe, Unit};
pub use hygiene::{halve, Halves, Whole};
pub use owned::{joined, Names};
