//! A charm that writes a configuration, and is traced while it does so.

mod charm;
mod workload;

use std::process::ExitCode;

use charm::MyCharm;

fn main() -> ExitCode {
    charm_tracing::run(MyCharm::new, MyCharm::handle)
}
