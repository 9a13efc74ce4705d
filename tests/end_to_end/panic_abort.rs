//! A panic of what only tracing asks for: see `src/bin/panic-abort.rs`, which `.ci/run` also builds with `panic = "abort"`.

use std::process::Command;

#[test]
fn nothing_of_tracing_ends_the_hook_where_a_panic_aborts() {
    let outcome = Command::new(env!("CARGO_BIN_EXE_panic-abort")).output().expect("the program");
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));
}
