//! The output of hook tools: what an input is, and what holds of it, is in the file that is included here.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tracing-relation/tests/relation/fuzzed/hook_tool_output.rs"]
mod hook_tool_output;

fuzz_target!(|input: &[u8]| hook_tool_output::check(input));
