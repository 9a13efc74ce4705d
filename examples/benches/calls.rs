//! What an annotated call costs while nothing is recorded: instructions over the same call without the attribute, and
//! next to `tracing::instrument` without a subscriber.
//!
//!     cargo bench -p examples --bench calls
//!
//! Needs `valgrind`, which counts; it fails if a call costs more than 30 instructions.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints what it measured")]

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::process::{Command, ExitCode};

use tests::futures::block_on;

/// What an annotated call may cost.
const LIMIT: i64 = 30;
const CALLS: u64 = 10_000;
/// Started with this as its first argument, the benchmark is the program that valgrind looks at.
const CALL: &str = "--call";

macro_rules! functions {
    ($name:ident $($attribute:tt)*) => {
        mod $name {
            use super::{black_box, block_on};

            $($attribute)*
            #[inline(never)]
            fn plain(x: u64) -> u64 {
                black_box(x) + 1
            }

            $($attribute)*
            #[inline(never)]
            fn result(x: u64) -> Result<u64, String> {
                if x == u64::MAX {
                    return Err("no more".into());
                }
                Ok(black_box(x) + 1)
            }

            $($attribute)*
            #[inline(never)]
            fn owned(text: String, x: u64) -> Result<String, String> {
                black_box(x);
                Ok(text)
            }

            $($attribute)*
            async fn future(x: u64) -> Result<u64, String> {
                Ok(black_box(x) + 1)
            }

            pub(super) fn call(kind: &str, calls: u64) {
                for x in 0..calls {
                    let x = black_box(x);
                    match kind {
                        "plain" => {
                            black_box(plain(x));
                        }
                        "Result" => drop(black_box(result(x))),
                        "owned argument" => drop(black_box(owned(String::new(), x))),
                        "async" => drop(black_box(block_on(future(x)))),
                        _ => unreachable!("no such kind of call"),
                    }
                }
            }
        }
    };
}
functions!(bare);
functions!(ours #[charm_tracing::trace_fn]);
functions!(theirs #[tracing::instrument(skip_all)]);

const KINDS: [&str; 4] = ["plain", "Result", "owned argument", "async"];

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    if let [flag, attribute, kind, calls] = &args[..]
        && flag == CALL
    {
        let calls = calls.parse().expect("a number of calls");
        match attribute.as_str() {
            "bare" => bare::call(kind, calls),
            "ours" => ours::call(kind, calls),
            _ => theirs::call(kind, calls),
        }
        return ExitCode::SUCCESS;
    }
    match compare() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("a call that nobody records must not cost more than {LIMIT} instructions");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("cannot count instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the table. False: a call is over the limit.
fn compare() -> Result<bool, Box<dyn Error>> {
    println!("instructions per call, nothing recorded\n");
    println!("{:<16} {:>8} {:>14} {:>22}", "", "bare", "trace_fn adds", "tracing::instrument");
    let mut within = true;
    for kind in KINDS {
        let bare = per_call("bare", kind)?;
        let [ours, theirs] = [per_call("ours", kind)? - bare, per_call("theirs", kind)? - bare];
        println!("{kind:<16} {bare:>8} {ours:>+14} {theirs:>+22}");
        within &= ours <= LIMIT;
    }
    Ok(within)
}

/// What a process does besides is the same but for some hundred instructions.
fn per_call(attribute: &str, kind: &str) -> Result<i64, Box<dyn Error>> {
    let [none, all] = [count(attribute, kind, 0)?, count(attribute, kind, CALLS)?];
    Ok((all.saturating_sub(none) / CALLS).cast_signed())
}

fn count(attribute: &str, kind: &str, calls: u64) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args([CALL, attribute, kind, &calls.to_string()])
        .output()
        .map_err(|error| format!("valgrind does not run: {error}"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    let count = report.lines().find_map(|line| line.split_once("Collected : ").map(|(_, count)| count));
    Ok(count.ok_or_else(|| format!("valgrind says\n{report}"))?.trim().parse()?)
}
