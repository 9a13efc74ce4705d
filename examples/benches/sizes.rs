//! The size that tracing adds to a charm's binary: the example charm as its author would build it, without tracing, traced, and
//! traced without the feature `tls`.
//!
//!     cargo bench -p examples --bench sizes
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints what it measured, rounded"
)]

mod built_charm;

use std::error::Error;
use std::fs;

/// A row, the binary, and the features it is built with.
const VARIANTS: [(&str, &str, &str); 3] = [
    ("untraced", "untraced", "untraced"),
    ("traced, without `tls`", "traced", "traced"),
    ("traced", "traced", "tls"),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("| the example charm's binary, optimised and stripped | MB |");
    println!("|---|---|");
    for (row, binary, features) in VARIANTS {
        let size = fs::metadata(built_charm::build(binary, features)?)?.len();
        println!("| {row} | {:.2} |", size as f64 / 1e6);
    }
    Ok(())
}
