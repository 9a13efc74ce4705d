//! Counts the hook tools that a charm, of any language, runs for its `tracing` relation: `relation-tools CHARM`.
//!
//! Prints a line for each kind of dispatch: what happened, a tab, how many tools, a tab, which.
#![expect(clippy::print_stdout, reason = "it is a program of the interop tests, and that is its answer")]

use std::env;
use std::path::{Path, PathBuf};

use charm_testing::Juju;
use tests::relation_tools;

const METADATA: &str = "name: app\nrequires: {tracing: {interface: tracing, limit: 1}}\n";

fn main() {
    let charm = env::args_os().nth(1).map(PathBuf::from).expect("the charm's program is given");
    for counted in relation_tools::count(|| deployed(&charm).metadata(METADATA)) {
        println!("{}\t{}\t{}", counted.kind, counted.tools.len(), counted.tools.join(" "));
    }
}

fn deployed(charm: &Path) -> Juju {
    let content = std::fs::read(charm).expect("the charm can be read");
    match content.strip_prefix(b"#!") {
        None => Juju::new(charm),
        Some(_) => Juju::from_script(&String::from_utf8(content).expect("a script is text")),
    }
}
