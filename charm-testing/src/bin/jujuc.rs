//! All hook tools of the simulated Juju in one program, which looks at the name it was started under.

use std::process::ExitCode;

fn main() -> ExitCode {
    charm_testing::juju::hook_tool::main()
}
