//! Faults that need a world of their own: the tests of a module run again in another process, started in another way.

use std::env;
use std::io::Write;
use std::process::Command;

/// Set in the process that is started.
const INSIDE: &str = "FAULT_MATRIX_INSIDE";

/// Returns true if this process was started by [`run`].
pub(crate) fn is_here() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Checks that this command can be run in front of another.
pub(crate) fn permits(prefix: &[&str]) -> Result<(), String> {
    let (program, arguments) = prefix.split_first().unwrap();
    match Command::new(program).args(arguments).arg("true").output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

/// Says on standard error, however the tests are run, that something was not.
pub(crate) fn not_run(what: &str, why: &str) {
    tell(&format!("NOT RUN: {what}: {why}"));
}

/// Writes a line past the test harness, which hides what a passing test prints.
fn tell(line: &str) {
    let mut stderr = std::io::stderr();
    writeln!(stderr, "{line}").unwrap();
}

/// Runs this ignored test of this binary behind the command, and fails as it does.
pub(crate) fn run(prefix: &[&str], test: &str) {
    let (program, arguments) = prefix.split_first().unwrap();
    let mut command = Command::new(program);
    command.args(arguments).arg(env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]).env(INSIDE, "1");
    // Where something is mounted nothing can be removed; here nothing is.
    let directory = tempfile::tempdir().unwrap();
    let output = command.env("TMPDIR", directory.path()).output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    for line in said.lines().filter(|line| line.starts_with("NOT RUN")) {
        tell(line);
    }
    assert!(output.status.success() && said.contains("1 passed"), "{test} in {prefix:?}: {said}");
}
