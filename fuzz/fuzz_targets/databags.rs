//! Databags: what an input is, and what holds of it, is in the file that is included here.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tracing-relation/tests/relation/fuzzed/databags.rs"]
mod databags;

fuzz_target!(|input: &[u8]| databags::check(input));
