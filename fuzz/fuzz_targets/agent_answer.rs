//! The unit agent's answer to a hook tool: what holds of an input is in `tracing_relation::fuzzed`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| tracing_relation::fuzzed::agent_answer(input));
