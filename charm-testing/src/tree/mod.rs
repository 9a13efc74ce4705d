//! Spans as the trees they form.
//!
//! [`names`] and [`Outline`] are for assertions: what they write changes only when the trace does. [`picture`] is for
//! people: it adds how long everything took and what failed. [`check`] says whether the spans form trees at all.

mod check;
mod forest;
mod outline;
mod picture;

pub use check::check;
pub use outline::{Outline, names};
pub use picture::{picture, without_durations};
