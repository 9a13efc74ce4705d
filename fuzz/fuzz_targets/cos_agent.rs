//! What either unit of a `cos_agent` relation has published: what holds of an input is in `tracing_relation::fuzzed`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| tracing_relation::fuzzed::cos_agent(input));
