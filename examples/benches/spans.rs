//! The cost of a recorded span, side by side with what else records spans, in one process and turn by turn; and what it
//! costs until it is in the queue.
//!
//!     cargo bench -p examples --bench spans
//!
//! Needs `valgrind`, which counts instructions and allocations; those of charm-tracing must stay within 10 % of what
//! `instructions.txt` says. With `-- --count-only` nothing is timed, for machines that have other things to do.
//!
//! Medians. Each variant keeps what it records until the clock stands still, so the cost of keeping it is included; what
//! becomes of it then, such as fastrace's way to its reporter, is not.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints what it measured")]

mod clock;
mod committed;
mod median;
mod quiet_dispatch;
mod recorders;
mod sessions;
mod valgrind;

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use clock::{Calls, nanoseconds_each};
use median::median;
use recorders::{LAYER, OURS, RECORDERS, Recorder};
use sessions::Took;

const SPANS: usize = 10_000;
/// The spans that are timed at once. Ten times as many take memory from the system that the allocator gives back between two rounds, and
/// a page that is new costs more than a span; the table of sessions that grow has that.
const BATCH: usize = 1_000;
/// The spans of a short dispatch, in a process that has recorded nothing before.
const FIRST_SPANS: usize = 50;
const ROUNDS: usize = 1_000;
const PROCESSES: usize = 21;
const SESSIONS: usize = 21;

/// The benchmark starts itself with one of these as the first argument, to count or to measure in a new process.
const RECORD: &str = "--record";
const FIRST: &str = "--first";
const SESSION: &str = "--session";
/// Sessions beside our own: with OpenTelemetry's crates, and the same as far as recording goes.
const SDK: &str = "sdk";
const SDK_RECORDED: &str = "sdk-recorded";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let result = match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [RECORD, recorder, spans] => record(recorder, spans),
        [FIRST, recorder] => first(recorder),
        [SESSION, of, spans] => session(of, spans),
        [] => tables(true),
        ["--count-only"] => tables(false),
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

fn tables(timed: bool) -> Result<(), Box<dyn Error>> {
    let mut measured = one_span(timed)?;
    println!();
    measured.push(encoded(timed)?);
    if timed {
        println!();
        growth()?;
    }
    let complaints = committed::check(&measured)?;
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
}

/// The table of what records one span. Returns what is committed of it.
fn one_span(timed: bool) -> Result<Vec<(String, f64)>, Box<dyn Error>> {
    let (warm, cold) = if timed { (warm(), cold()?) } else { Default::default() };
    print!("| one span around a trivial call | instructions | allocations |");
    println!("{}", if timed { " ns | to the floor | ns each of a process's first 50 |" } else { "" });
    println!("|---|---|---|{}", if timed { "---|---|---|" } else { "" });
    let mut committed = Vec::new();
    for (at, Recorder { key, title, .. }) in RECORDERS.iter().enumerate() {
        let instructions =
            valgrind::each(SPANS, |spans| valgrind::instructions("these_calls", &[RECORD, key, spans]))?;
        let allocations = valgrind::each(SPANS, |spans| valgrind::allocations(&[RECORD, key, spans]))?;
        print!("| {title} | {instructions:.0} | {allocations:.1} |");
        if timed {
            print!(" {:.0} | {:.1} | {:.0} |", warm[at], warm[at] / warm[0], cold[at]);
        }
        println!();
        if *key == OURS.key || *key == LAYER.key {
            committed.push((format!("{key}, a span recorded"), instructions));
        }
    }
    Ok(committed)
}

fn warm() -> Vec<f64> {
    let mut samples = RECORDERS.map(|_| Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        for (recorder, samples) in RECORDERS.iter().zip(&mut samples) {
            let mut calls = Calls::new(BATCH);
            (recorder.record)(&mut calls);
            samples.push(calls.nanoseconds());
        }
    }
    samples.into_iter().map(median).collect()
}

fn cold() -> Result<Vec<f64>, Box<dyn Error>> {
    let mut samples = RECORDERS.map(|_| Vec::with_capacity(PROCESSES));
    for _ in 0..PROCESSES {
        for (recorder, samples) in RECORDERS.iter().zip(&mut samples) {
            samples.push(in_a_new_process(&[FIRST, recorder.key])?[0]);
        }
    }
    Ok(samples.into_iter().map(median).collect())
}

/// The table of what a span costs until it is written. Returns what is committed of it.
fn encoded(timed: bool) -> Result<(String, f64), Box<dyn Error>> {
    let counts = |of: &str| -> Result<[f64; 2], Box<dyn Error>> {
        let instructions =
            valgrind::each(SPANS, |spans| valgrind::instructions("one_session", &[SESSION, of, spans]))?;
        let allocations = valgrind::each(SPANS, |spans| valgrind::allocations(&[SESSION, of, spans]))?;
        Ok([instructions, allocations])
    };
    let [ours, sdk, recorded] = [counts(OURS.key)?, counts(SDK)?, counts(SDK_RECORDED)?];
    let encoding = [sdk[0] - recorded[0], sdk[1] - recorded[1]];
    let nanoseconds = if timed { encoded_nanoseconds()? } else { Default::default() };

    print!(
        "| one span with 3 attributes recorded, encoded and written to a file | instructions | allocations |"
    );
    println!("{}", if timed { " ns |" } else { "" });
    println!("|---|---|---|{}", if timed { "---|" } else { "" });
    for (title, [instructions, allocations], nanoseconds) in [
        ("charm-tracing, a whole session into the queue", ours, nanoseconds[0]),
        ("opentelemetry_sdk, opentelemetry-proto, prost", sdk, nanoseconds[1]),
        ("of which opentelemetry-proto and prost", encoding, nanoseconds[2]),
    ] {
        print!("| {title} | {instructions:.0} | {allocations:.1} |");
        println!("{}", if timed { format!(" {nanoseconds:.0} |") } else { String::new() });
    }
    Ok((format!("{}, a span recorded, encoded and buffered", OURS.key), ours[0]))
}

/// Ours, those of OpenTelemetry's own crates, and the part of these that encodes.
fn encoded_nanoseconds() -> Result<[f64; 3], Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let session = |run: Session, spans| one_session(run, directory.path(), &mut Calls::new(spans));
    let mut samples = [(); 3].map(|()| Vec::with_capacity(SESSIONS));
    let mut fixed = [(); 2].map(|()| Vec::with_capacity(SESSIONS));
    for _ in 0..SESSIONS {
        for (at, run) in [sessions::charm_tracing as Session, sessions::sdk].into_iter().enumerate() {
            fixed[at].push(nanoseconds_each(session(run, 0).whole, SPANS));
            let took = session(run, SPANS);
            samples[at].push(nanoseconds_each(took.whole, SPANS));
            samples[2].extend(took.encoding.map(|took| nanoseconds_each(took, SPANS)));
        }
    }
    let [ours, sdk, encoding] = samples.map(median);
    let [ours_fixed, sdk_fixed] = fixed.map(median);
    Ok([ours - ours_fixed, sdk - sdk_fixed, encoding])
}

/// The table of sessions that grow: ten times the spans take ten times the time, or less. The trace of the last one has
/// reached its limit.
fn growth() -> Result<(), Box<dyn Error>> {
    println!(
        "| charm-tracing, a whole session into the queue | kept | ms | ns per call | peak memory, MiB |"
    );
    println!("|---|---|---|---|---|");
    for spans in [100_u32, 1_000, 10_000, 1_000_000] {
        let repeated = if spans < 1_000_000 { SESSIONS } else { 3 };
        let mut samples = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..repeated {
            let measured = in_a_new_process(&[SESSION, OURS.key, &spans.to_string()])?;
            for (samples, value) in samples.iter_mut().zip(measured) {
                samples.push(value);
            }
        }
        let [nanoseconds, kib, dropped] = samples.map(median);
        println!(
            "| {spans} calls | {:.0} | {:.1} | {:.0} | {:.1} |",
            f64::from(spans) - dropped,
            nanoseconds / 1e6,
            nanoseconds / f64::from(spans),
            kib / 1024.0
        );
    }
    Ok(())
}

/// Starts this program with these arguments, and returns the numbers that it prints.
fn in_a_new_process(args: &[&str]) -> Result<Vec<f64>, Box<dyn Error>> {
    let output = Command::new(env::current_exe()?).args(args).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

fn recorder(key: &str) -> Result<&'static Recorder, Box<dyn Error>> {
    const { &RECORDERS }.iter().find(|recorder| recorder.key == key).ok_or_else(|| format!("no {key}").into())
}

fn record(key: &str, spans: &str) -> Result<(), Box<dyn Error>> {
    (recorder(key)?.record)(&mut Calls::then_exit(spans.parse()?));
    Ok(())
}

/// Prints the nanoseconds that each of the first spans took.
fn first(key: &str) -> Result<(), Box<dyn Error>> {
    let mut calls = Calls::new(FIRST_SPANS);
    (recorder(key)?.record)(&mut calls);
    println!("{}", calls.nanoseconds());
    Ok(())
}

/// Prints the nanoseconds that a session took, the KiB of the process at its peak, and the spans that were dropped.
fn session(of: &str, spans: &str) -> Result<(), Box<dyn Error>> {
    let spans = spans.parse()?;
    if of == SDK_RECORDED {
        // It does not get so far as to write anything.
        one_session(sessions::sdk, &env::temp_dir(), &mut Calls::then_exit(spans));
    }
    let directory = tempfile::tempdir()?;
    let run = if of == SDK { sessions::sdk } else { sessions::charm_tracing };
    let Took { whole, dropped, .. } = one_session(run, directory.path(), &mut Calls::new(spans));
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    let peak = peak.ok_or("the kernel does not tell the peak memory")?;
    println!("{} {peak} {dropped}", whole.as_nanos());
    Ok(())
}

type Session = fn(&Path, &mut Calls) -> Took;

/// Valgrind finds it by its name.
#[inline(never)]
fn one_session(run: Session, directory: &Path, calls: &mut Calls) -> Took {
    run(directory, calls)
}
