//! The program `charm-traces`; the library has everything of it.

use std::process::ExitCode;

fn main() -> ExitCode {
    charm_traces::main()
}
