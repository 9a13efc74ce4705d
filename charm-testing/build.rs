//! Compiles `jujuc.rs` to a program that the crate includes, with the compiler, target and linker of Cargo.
//!
//! A charm starts its hook tools by their names, so there must be a program, and a test must not have to build or find it.
//! Refused alternatives:
//!
//! * a `[[bin]]` of this package, because Cargo does not build it for the packages that depend on this one,
//! * a shell script, because a shell cannot connect to the agent's unix socket without another program,
//! * the test's own program, because the `main` of a test is Cargo's, and code that runs before it needs `unsafe`,
//! * a protocol of our own on the socket, because Juju's takes hardly more lines here, and a tool that speaks it can be tried
//!   against an agent in Go.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=jujuc.rs");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    let program = Path::new(&variable("OUT_DIR")).join("jujuc");
    let mut rustc = Command::new(variable("RUSTC"));
    rustc.args(["--crate-name=jujuc", "--crate-type=bin", "--edition=2024"]);
    rustc.args(["-Copt-level=s", "-Cpanic=abort", "-Cstrip=symbols"]);
    let target = variable("TARGET");
    // A compiler that builds for its own machine may know no other target, not even the name of this one.
    if target != variable("HOST") {
        rustc.arg("--target").arg(target);
    }
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut option = OsString::from("-Clinker=");
        option.push(linker);
        rustc.arg(option);
    }
    rustc.arg("-o").arg(program).arg("jujuc.rs");
    let status = rustc.status().unwrap_or_else(|error| panic!("cannot start {rustc:?}: {error}"));
    assert!(status.success(), "cannot compile jujuc.rs: {status}");
}

fn variable(name: &str) -> OsString {
    env::var_os(name).unwrap_or_else(|| panic!("Cargo sets {name}"))
}
