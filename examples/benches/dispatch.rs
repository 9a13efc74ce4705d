//! What tracing adds to a dispatch: the example charm as a real process, traced and with `CHARM_TRACING_ENABLED=0`,
//! turn by turn, with hook tools that cost under a millisecond.
//!
//!     cargo bench -p examples --bench dispatch
//!
//! Wall time is that of the charm's process as Juju would see it. CPU time is that of the charm and of the hook tools it
//! ran, two calls of `juju-log` more when traced; peak memory is that of the largest process among them, the charm.
//! Medians; ratios within one run are what counts.
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints what it measured, rounded"
)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use tests::collector::Collector;
use tests::juju::{Deployment, Event, SimulatedJuju};

const ROUNDS: usize = 200;
const CHARMCRAFT: &str = include_str!("../requirer/charmcraft.yaml");
const CHARM: &str = env!("CARGO_BIN_EXE_requirer-charm");
const HOOK_TOOL: &str = env!("CARGO_BIN_EXE_demo");
/// Started with this as its first argument, the benchmark is the launcher that measures the charm.
const LAUNCHER: &str = "--launch";

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    if args.next().is_some_and(|first| first == LAUNCHER) {
        let report = args.next().expect("where to write the measurement");
        return launch(Path::new(&report));
    }

    let collector = Collector::start();
    let mut alone = Unit::deploy();
    let mut related = Unit::deploy();
    related.relate(&collector.endpoint());

    let mut cases = [
        ("no backend", false, Samples::default(), Samples::default()),
        ("live backend", true, Samples::default(), Samples::default()),
    ];
    for _ in 0..ROUNDS {
        for (_, live, off, on) in &mut cases {
            let unit = if *live { &mut related } else { &mut alone };
            off.push(unit.dispatch(false));
            on.push(unit.dispatch(true));
        }
    }
    assert_eq!(
        collector.requests().len(),
        ROUNDS,
        "every traced dispatch of the related unit pushed one trace"
    );

    println!("update-status of the example charm, {ROUNDS} rounds, medians");
    println!();
    println!("| | off | traced | added |");
    println!("|---|---|---|---|");
    for (name, _, off, on) in &cases {
        row(name, "wall, ms", off.wall(), on.wall());
        row(name, "CPU, ms", off.cpu(), on.cpu());
        row(name, "peak memory, MiB", off.memory(), on.memory());
    }
    println!();
    let size = fs::metadata(CHARM).expect("the charm was built").len();
    println!("the charm's binary: {:.2} MB", size as f64 / 1e6);
    ExitCode::SUCCESS
}

fn row(case: &str, what: &str, off: f64, on: f64) {
    println!("| {case}, {what} | {off:.2} | {on:.2} | {:+.2} |", on - off);
}

/// A unit of the charm, started through the launcher.
struct Unit {
    juju: SimulatedJuju,
    report: PathBuf,
    _directory: tempfile::TempDir,
}

impl Unit {
    fn deploy() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let report = directory.path().join("usage");
        let launcher = env::current_exe().expect("the benchmark's own path");
        let script = format!("#!/bin/sh\nexec {} {LAUNCHER} {}\n", launcher.display(), report.display());
        let mut juju = Deployment::of_script(&script, Path::new(HOOK_TOOL)).charmcraft(CHARMCRAFT).start();
        juju.model().set_leader(true);
        for event in ["install", "start"] {
            let outcome = juju.dispatch(Event::hook(event).env("CHARM_TRACING_ENABLED", "0"));
            assert!(outcome.success(), "{outcome}");
        }
        Self { juju, report, _directory: directory }
    }

    fn relate(&mut self, endpoint: &str) {
        let relation = self.juju.add_relation("tracing", "tempo", &["tempo/0"]);
        self.juju.publish_endpoint(relation, endpoint);
        // The first dispatch publishes what is asked for; the measured ones find it done.
        let outcome = self
            .juju
            .dispatch(Event::relation_changed("tracing", relation).env("CHARM_TRACING_ENABLED", "0"));
        assert!(outcome.success(), "{outcome}");
    }

    fn dispatch(&mut self, traced: bool) -> Sample {
        let enabled = if traced { "1" } else { "0" };
        let event = Event::hook("update-status").env("CHARM_TRACING_ENABLED", enabled);
        let outcome = self.juju.dispatch(event);
        assert!(outcome.success(), "{outcome}");
        let usage = fs::read_to_string(&self.report).expect("the launcher's report");
        let mut numbers = usage.split_whitespace().map(|number| number.parse().expect("a number"));
        let mut next = || numbers.next().expect("three numbers");
        Sample { wall: Duration::from_micros(next()), cpu: Duration::from_micros(next()), memory_kib: next() }
    }
}

struct Sample {
    wall: Duration,
    cpu: Duration,
    memory_kib: u64,
}

#[derive(Default)]
struct Samples(Vec<Sample>);

impl Samples {
    fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    fn wall(&self) -> f64 {
        self.median(|sample| sample.wall.as_secs_f64() * 1e3)
    }

    fn cpu(&self) -> f64 {
        self.median(|sample| sample.cpu.as_secs_f64() * 1e3)
    }

    fn memory(&self) -> f64 {
        self.median(|sample| sample.memory_kib as f64 / 1024.0)
    }

    fn median(&self, value: impl Fn(&Sample) -> f64) -> f64 {
        let mut values: Vec<f64> = self.0.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }
}

/// Runs the charm and writes down what it took. A process of its own, because the kernel counts the peak memory of the
/// one that starts the charm as the charm's too: the launcher is smaller than what it measures.
fn launch(report: &Path) -> ExitCode {
    let started = std::time::Instant::now();
    let status = Command::new(CHARM).status().expect("the charm can be started");
    let wall = started.elapsed().as_micros();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the usage of the charm");
    let cpu = (usage.user_time() + usage.system_time()).num_microseconds();
    fs::write(report, format!("{wall} {cpu} {}", usage.max_rss())).expect("a place for the report");
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
