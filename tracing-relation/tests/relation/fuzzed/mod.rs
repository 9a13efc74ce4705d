//! The checks of the targets of `fuzz` on any input. Here they run on the corpora, without libFuzzer.

mod corpus;
mod databags;
mod hook_tool_output;
