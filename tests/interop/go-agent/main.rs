//! Plays Juju with Go's own `net/rpc` between the charm and the simulated agent: `go-agent DIRECTORY`, where `bin` and
//! `tools` of tests/interop/go are.
//!
//! The example charms live a whole life, once with the simulated agent alone and once with the agent in Go before it, and
//! nothing may be different. Another charm meets what can go wrong. All that under a Juju that listens on an abstract
//! socket, and under one that listens on a path.
#![expect(clippy::print_stdout, reason = "it is a program of the interop tests, and that is its answer")]

mod go;
mod life;
mod mishaps;

use std::env;
use std::process::ExitCode;

use go::Go;

const VERSIONS: [&str; 2] = ["2.9.52", "4.0.1"];

fn main() -> ExitCode {
    let first = env::args_os().nth(1).expect("the directory with Go's programs is given");
    if first == mishaps::AS_CHARM {
        return mishaps::charm();
    }
    let go = Go::new(first.as_ref());
    let (mut dispatches, mut tools) = (0, 0);
    for version in VERSIONS {
        let counted = life::play(&go, version);
        dispatches += counted.dispatches;
        tools += counted.tools;
        mishaps::play(&go, version);
    }
    let versions = VERSIONS.join(" and ");
    println!(
        "two charms live through {dispatches} dispatches of Juju {versions}: {tools} hook tools, in order and over one \
         connection to a Go agent per dispatch; stale contexts, lost relations, standard input and 10 MB pass, too"
    );
    ExitCode::SUCCESS
}
