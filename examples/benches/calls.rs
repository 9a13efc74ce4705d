//! The cost of an annotated call while nothing is recorded, over the same call without the attribute, and next to
//! `tracing::instrument` without a subscriber.
//!
//!     cargo bench -p examples --bench calls
//!
//! Needs `valgrind`, which counts. It fails if a call costs more than 30 instructions or allocates, and if the
//! instructions are not within 10 % of what `instructions.txt` says. With `-- --count-only` nothing is timed.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints what it measured")]

mod clock;
mod committed;
mod median;
mod valgrind;

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;

use charm_tracing::juju::Dispatch;
use charm_tracing::{Config, Session};
use clock::Calls;
use median::median;
use tests::futures::block_on;

/// The most instructions that an annotated call may cost.
const LIMIT: f64 = 30.0;
const CALLS: usize = 10_000;
const ROUNDS: usize = 1_000;
/// Started with this as its first argument, the benchmark is the program that valgrind looks at.
const CALL: &str = "--call";
/// Makes the same calls while they are recorded, which nobody looks at: a program that never records anything is linked without what
/// would, as no charm is.
const RECORD: &str = "--record";

macro_rules! functions {
    ($name:ident $($attribute:tt)*) => {
        mod $name {
            use super::{Calls, black_box, block_on};

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

            pub(super) fn call(kind: &str, calls: &mut Calls) {
                match kind {
                    "plain" => calls.make(plain),
                    "Result" => calls.make(result),
                    "owned argument" => calls.make(|x| owned(String::new(), x)),
                    "async" => calls.make(|x| block_on(future(x))),
                    _ => unreachable!("no such kind of call"),
                }
            }
        }
    };
}
functions!(bare);
functions!(ours #[charm_tracing::trace_fn]);
functions!(theirs #[tracing::instrument(skip_all)]);

const KINDS: [&str; 4] = ["plain", "Result", "owned argument", "async"];
const VARIANTS: [(&str, Call); 3] = [("bare", bare::call), ("ours", ours::call), ("theirs", theirs::call)];

/// Makes calls of a kind.
type Call = fn(&str, &mut Calls);

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let result = match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [CALL, variant, kind, calls] => call(variant, kind, calls),
        [RECORD, variant, kind, calls] => record(variant, kind, calls),
        [] => table(true),
        ["--count-only"] => table(false),
        _ => Err("the only argument is --count-only".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn record(variant: &str, kind: &str, calls: &str) -> Result<(), Box<dyn Error>> {
    tracing::subscriber::set_global_default(tracing_subscriber::registry())?;
    let mut session = Session::start(Dispatch::from_env(), Config::new().buffer_max_events(0));
    session.event(|| call(variant, kind, calls))
}

fn table(timed: bool) -> Result<(), Box<dyn Error>> {
    print!(
        "| a call, nothing recorded | instructions, bare | `trace_fn` adds | `tracing::instrument` adds |"
    );
    print!(" allocations, bare | `trace_fn` adds | `tracing::instrument` adds |");
    println!("{}", if timed { " ns, bare | `trace_fn` adds | `tracing::instrument` adds |" } else { "" });
    println!("|---|---|---|---|---|---|---|{}", if timed { "---|---|---|" } else { "" });
    let mut committed = Vec::new();
    let mut complaints = Vec::new();
    for kind in KINDS {
        let instructions = each_variant(|args| valgrind::instructions("these_calls", args), kind)?;
        let allocations = each_variant(valgrind::allocations, kind)?;
        print!("| {kind} | {} | {} |", columns(&instructions, 0), columns(&allocations, 1));
        println!("{}", if timed { format!(" {} |", columns(&nanoseconds(kind), 1)) } else { String::new() });

        if instructions[1].round() > LIMIT {
            complaints.push(format!(
                "{kind}: a call that nobody records must not cost more than {LIMIT} instructions"
            ));
        }
        if allocations[1].round() != 0.0 {
            complaints.push(format!("{kind}: a call that nobody records must not allocate"));
        }
        committed.push((format!("call that nobody records, {kind}"), instructions[1]));
    }
    complaints.extend(committed::check(&committed)?);
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
}

/// Counts the instructions of a bare call, and those that an attribute adds.
fn each_variant(
    count: impl Fn(&[&str]) -> Result<u64, Box<dyn Error>>,
    kind: &str,
) -> Result<[f64; 3], Box<dyn Error>> {
    let mut all = [0.0; 3];
    for (each, (variant, _)) in all.iter_mut().zip(VARIANTS) {
        *each = valgrind::each(CALLS, |calls| count(&[CALL, variant, kind, calls]))?;
    }
    Ok(over_the_first(all))
}

fn nanoseconds(kind: &str) -> [f64; 3] {
    let mut samples = VARIANTS.map(|_| Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        for ((_, call), samples) in VARIANTS.iter().zip(&mut samples) {
            let mut calls = Calls::new(CALLS);
            call(kind, &mut calls);
            samples.push(calls.nanoseconds());
        }
    }
    over_the_first(samples.map(median))
}

fn over_the_first([bare, ours, theirs]: [f64; 3]) -> [f64; 3] {
    [bare, ours - bare, theirs - bare]
}

fn columns([bare, ours, theirs]: &[f64; 3], digits: usize) -> String {
    format!("{bare:.digits$} | {ours:+.digits$} | {theirs:+.digits$}")
}

fn call(variant: &str, kind: &str, calls: &str) -> Result<(), Box<dyn Error>> {
    let (_, call) =
        VARIANTS.iter().find(|(name, _)| *name == variant).ok_or_else(|| format!("no {variant}"))?;
    call(kind, &mut Calls::then_exit(calls.parse()?));
    Ok(())
}
