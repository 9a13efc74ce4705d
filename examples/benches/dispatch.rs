//! What tracing adds to a dispatch: the example charm as a real process, traced and with `CHARM_TRACING_ENABLED=0`,
//! turn by turn, with hook tools that cost under a millisecond.
//!
//!     cargo bench -p examples --bench dispatch
//!
//! With a live backend, once when the last events of the relation have been heard, and nobody has to be asked about it,
//! and once as after such an event, when all of it is asked for.
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
    let [alone, steady, cold] = [(); 3].map(|()| Unit::deploy());
    let mut cases = [
        Case {
            name: "no backend",
            unit: alone,
            cold: false,
            off: Samples::default(),
            on: Samples::default(),
        },
        Case {
            name: "live backend",
            unit: steady,
            cold: false,
            off: Samples::default(),
            on: Samples::default(),
        },
        Case {
            name: "live backend, cold",
            unit: cold,
            cold: true,
            off: Samples::default(),
            on: Samples::default(),
        },
    ];
    for case in &mut cases[1..] {
        case.unit.relate(&collector.endpoint());
    }
    for _ in 0..ROUNDS {
        for case in &mut cases {
            case.off.push(case.unit.dispatch(false, case.cold));
            case.on.push(case.unit.dispatch(true, case.cold));
        }
    }
    assert_eq!(
        collector.requests().len(),
        2 * ROUNDS,
        "every traced dispatch of a related unit pushed one trace"
    );

    println!("update-status of the example charm, {ROUNDS} rounds, medians");
    println!();
    println!("| | off | traced | added |");
    println!("|---|---|---|---|");
    for Case { name, off, on, .. } in &cases {
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

struct Case {
    name: &'static str,
    unit: Unit,
    cold: bool,
    off: Samples,
    on: Samples,
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
        // They publish what is asked for, and read what there is; the measured ones find it done.
        for event in [Event::relation_created, Event::relation_joined, Event::relation_changed] {
            let event = event("tracing", relation).env("CHARM_TRACING_ENABLED", "0");
            let outcome = self.juju.dispatch(event);
            assert!(outcome.success(), "{outcome}");
        }
    }

    fn dispatch(&mut self, traced: bool, cold: bool) -> Sample {
        let remembered = self.juju.charm_dir().join(".charm_tracing_relations");
        if cold {
            fs::remove_file(remembered).expect("the last dispatch has remembered relations");
        }
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
