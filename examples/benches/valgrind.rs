//! The instructions of a process, counted by valgrind: exactly, and the same on a busy machine.
//!
//! The counter is part of neither the clock nor the program: an allocator that counts would cost those the most that
//! allocate the most. Under valgrind reading the clock is a system call, of which the kernel's part is not counted.

use std::env;
use std::error::Error;
use std::process::Command;

/// The instructions of this program, started with these arguments: those of a function and what it calls, on its thread.
pub(crate) fn instructions(function: &str, args: &[&str]) -> Result<u64, Box<dyn Error>> {
    let toggle = format!("--toggle-collect=*{function}*");
    count(&["--tool=callgrind", "--callgrind-out-file=/dev/null", &toggle], args, "Collected : ")
}

/// Its allocations, among them those that made another one larger.
pub(crate) fn allocations(args: &[&str]) -> Result<u64, Box<dyn Error>> {
    count(&["--tool=memcheck", "--leak-check=no", "--undef-value-errors=no"], args, "total heap usage: ")
}

/// Returns the cost of one of `times`, if `count` says what so many of them cost with all that the process does besides.
pub(crate) fn each(
    times: usize,
    count: impl Fn(&str) -> Result<u64, Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    #[expect(clippy::cast_precision_loss, reason = "some billions")]
    let [none, all] = [count("0")? as f64, count(&times.to_string())? as f64];
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    Ok((all - none) / times as f64)
}

/// The number that follows `label` in what valgrind says.
fn count(tool: &[&str], args: &[&str], label: &str) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(tool)
        .arg(env::current_exe()?)
        .args(args)
        .output()
        .map_err(|error| format!("valgrind does not run: {error}"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    let count = report.lines().find_map(|line| line.split_once(label)?.1.split_whitespace().next());
    match count {
        Some(count) if output.status.success() => Ok(count.replace(',', "").parse()?),
        _ => Err(format!("valgrind says\n{report}").into()),
    }
}
