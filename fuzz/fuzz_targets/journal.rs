//! The journal of a killed dispatch: what an input is, and what holds of it, is in `charm_tracing::fuzzed`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| charm_tracing::fuzzed::journal(input));
