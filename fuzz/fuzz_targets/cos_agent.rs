//! Fuzzes what either unit of a `cos_agent` relation has published. `tracing_relation::fuzzed` says what holds of any input.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| tracing_relation::fuzzed::cos_agent(input));
