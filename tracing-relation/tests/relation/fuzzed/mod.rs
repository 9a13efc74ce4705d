//! What the targets of `fuzz` check of any input. Here it is checked of their corpora, without libFuzzer.

mod corpus;
mod databags;
mod hook_tool_output;
