//! All hook tools of the simulated Juju in one program, each of which a test may have broken.

use std::process::ExitCode;

use tests::juju::{hook_tool, tool_fault};

fn main() -> ExitCode {
    tool_fault::strike().unwrap_or_else(hook_tool::main)
}
