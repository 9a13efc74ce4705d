//! Measures what a hook tool costs over the agent's socket and as a process, and what tracing adds to a dispatch.
//!
//!     TMPDIR=/dev/shm cargo bench -p examples --bench dispatch
//!
//! On tmpfs, because a benchmark removes so many files that ext4 takes longer and longer to make one: it looks at each file
//! that was removed in the last minutes.
//!
//! The dispatch is `update-status` of the example charm as a real process: without tracing (the same source, built without
//! charm-tracing), with `CHARM_TRACING_ENABLED=0`, and traced, turn by turn. Without a backend it is measured both over the
//! socket and with hook tools as processes; with a live one over the socket, once when the last events of the relation have
//! been heard, and Juju need not be asked about it, and once as after such an event, when all of it is asked for. `ROUNDS=20`
//! in the environment takes less time.
//!
//! Wall time is that of the charm's process as Juju would see it. CPU time is that of the charm, and that of the charm with the
//! hook tools that are processes and the agent, which answers in the benchmark's own process; peak memory is that of the charm.
//! Medians; ratios within one run are what counts. The hook tool is a small Rust program; Juju's own takes three times as long.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod built_charm;
mod median;

use std::env;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju};
use charm_tracing::juju::{Dispatch, HookToolCall};
use median::median;
use nix::sys::ptrace;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use serde_json::json;

const ROUNDS: usize = 200;
const CALLS: u32 = 1000;
const CHARMCRAFT: &str = include_str!("../requirer/charmcraft.yaml");
/// Started with this as its first argument, the benchmark is the launcher that measures the charm.
const LAUNCHER: &str = "--launch";
/// The variable that tells the launcher which program the charm is.
const CHARM: &str = "BENCHMARK_CHARM";
/// The variable that tells it what to measure.
const MEASURED: &str = "BENCHMARK_MEASURES";

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    if args.next().is_some_and(|first| first == LAUNCHER) {
        let report = args.next().expect("where to write the measurement");
        return launch(Path::new(&report));
    }
    let charms = Charms::build().expect("the example charm builds");
    measure_calls(&charms);
    measure_dispatches(&charms);
    ExitCode::SUCCESS
}

/// The programs that are measured.
struct Charms {
    untraced: PathBuf,
    traced: PathBuf,
}

impl Charms {
    fn build() -> Result<Self, Box<dyn Error>> {
        // A copy, as Juju unpacks a charm: the pages of a file that the linker wrote are slower to map.
        let copy = |binary, features| -> Result<PathBuf, Box<dyn Error>> {
            let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(binary);
            fs::copy(built_charm::build(binary, features)?, &copy)?;
            Ok(copy)
        };
        Ok(Self { untraced: copy("untraced", "untraced")?, traced: copy("traced", "tls")? })
    }

    fn of(&self, state: &State) -> &str {
        let program = if state.is_traced_build { &self.traced } else { &self.untraced };
        program.to_str().expect("a target directory whose name is text")
    }
}

fn measure_dispatches(charms: &Charms) {
    let rounds = env::var("ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    let (plain, secure) = (Collector::start(), Collector::start_tls());
    let mut cases = [
        Case::new("no backend", Unit::deploy(charms)),
        Case::new("no backend, hook tools as processes", Unit::start(charms, Juju::over_processes)),
        Case::new("http", Unit::related_to(charms, &plain)),
        Case::new("https, a CA given", Unit::secured_by(charms, &secure)),
        Case { cold: true, ..Case::new("http, asked about the relation", Unit::related_to(charms, &plain)) },
    ];
    for round in 0..rounds {
        // Looking at the memory of a process slows it down.
        let what: &[_] = if round % 10 == 0 { &[What::Time, What::Memory] } else { &[What::Time] };
        for what in what {
            for case in &mut cases {
                case.turn(*what);
            }
        }
    }
    let turns = rounds + rounds.div_ceil(10);
    let received = [&plain, &secure].map(|collector| collector.requests().len());
    assert_eq!(received, [2 * turns, turns], "every traced dispatch of a related unit pushed one trace");

    print!("| update-status of the example charm, {rounds} rounds | wall, ms | CPU of the charm, ms |");
    println!(" CPU with hook tools and agent, ms | peak memory of the charm, MiB |");
    println!("|---|---|---|---|---|");
    for Case { name, measured, .. } in cases {
        let medians = measured.map(|columns| columns.map(median));
        for (state, values) in STATES.iter().zip(medians) {
            print!("| {name}: {} |", state.name);
            for (value, untraced) in values.iter().zip(medians[0]) {
                if state.is_traced_build {
                    print!(" {value:.2} ({:+.2}) |", value - untraced);
                } else {
                    print!(" {value:.2} |");
                }
            }
            println!();
        }
    }
}

/// How a charm reaches its hook tools.
type Way = fn(Juju) -> Juju;

/// The measurements of one unit, made turn by turn.
struct Case<'a> {
    name: &'static str,
    unit: Unit<'a>,
    /// True if nothing is remembered of its relations.
    cold: bool,
    /// The columns of the table, for each state.
    measured: [[Vec<f64>; 4]; STATES.len()],
}

impl<'a> Case<'a> {
    fn new(name: &'static str, unit: Unit<'a>) -> Self {
        Self { name, unit, cold: false, measured: Default::default() }
    }

    fn turn(&mut self, what: What) {
        for (state, [wall, own_cpu, cpu, memory]) in STATES.iter().zip(&mut self.measured) {
            let columns: &mut [&mut Vec<f64>] = match what {
                What::Time => &mut [wall, own_cpu, cpu],
                What::Memory => &mut [memory],
            };
            let values = self.unit.dispatch(state, what, self.cold);
            for (column, value) in columns.iter_mut().zip(values) {
                column.push(value);
            }
        }
    }
}

/// The others are compared with the first.
const STATES: [State; 3] = [
    State { name: "untraced", is_traced_build: false, enabled: "0" },
    State { name: "switched off", is_traced_build: true, enabled: "0" },
    State { name: "traced", is_traced_build: true, enabled: "1" },
];

struct State {
    name: &'static str,
    is_traced_build: bool,
    enabled: &'static str,
}

/// A unit of the charm, started through the launcher.
struct Unit<'a> {
    charms: &'a Charms,
    juju: Juju,
    report: PathBuf,
    _directory: tempfile::TempDir,
}

impl<'a> Unit<'a> {
    fn deploy(charms: &'a Charms) -> Self {
        Self::start(charms, |deployment| deployment)
    }

    fn start(charms: &'a Charms, way: Way) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let report = directory.path().join("usage");
        let launcher = env::current_exe().expect("the benchmark's own path");
        let script = format!("#!/bin/sh\nexec {} {LAUNCHER} {}\n", launcher.display(), report.display());
        let mut juju = way(Juju::from_script(&script)).charmcraft(CHARMCRAFT);
        juju.set_leader(true);
        let mut unit = Self { charms, juju, report, _directory: directory };
        for event in ["install", "start"] {
            unit.prepare(Event::hook(event));
        }
        unit
    }

    fn related_to(charms: &'a Charms, collector: &Collector) -> Self {
        Self::deploy(charms).relate(collector)
    }

    fn secured_by(charms: &'a Charms, collector: &Collector) -> Self {
        let mut unit = Self::deploy(charms);
        let ca = unit.juju.charm_dir().join("ca.crt");
        fs::write(&ca, collector.ca_pem()).expect("the charm's files can be written");
        unit.juju.set_config("tracing-ca", json!(ca));
        unit.relate(collector)
    }

    fn relate(mut self, collector: &Collector) -> Self {
        let relation = self.juju.relate("tracing", "tempo");
        relation.publish_endpoint(&collector.endpoint());
        // They publish what is asked for, and read what there is; the measured ones find it done.
        for event in [Event::relation_created, Event::relation_joined, Event::relation_changed] {
            self.prepare(event(&relation));
        }
        self
    }

    fn prepare(&mut self, event: Event) {
        self.run(event, &STATES[0], What::Time);
    }

    fn dispatch(&mut self, state: &State, what: What, cold: bool) -> Vec<f64> {
        if cold {
            let remembered = self.juju.charm_dir().join(".charm_tracing_relations");
            fs::remove_file(remembered).expect("the last dispatch has remembered relations");
        }
        let agent = self.run(Event::hook("update-status"), state, what);
        let report = fs::read_to_string(&self.report).expect("the launcher's report");
        let mut values: Vec<f64> =
            report.split_whitespace().map(|number| number.parse().expect("a number")).collect();
        if what == What::Time {
            values[2] += agent;
        }
        values
    }

    /// The CPU time, in milliseconds, of the agent and what is around it.
    fn run(&mut self, event: Event, state: &State, what: What) -> f64 {
        let measured = if what == What::Memory { "memory" } else { "time" };
        let event = event.env(CHARM, self.charms.of(state)).env(MEASURED, measured);
        let before = cpu_time(UsageWho::RUSAGE_SELF);
        let outcome = self.juju.dispatch(event.env("CHARM_TRACING_ENABLED", state.enabled));
        assert!(outcome.success(), "{outcome}");
        milliseconds(cpu_time(UsageWho::RUSAGE_SELF).saturating_sub(before))
    }
}

/// Prints what one hook tool costs, by either way.
fn measure_calls(charms: &Charms) {
    println!("| `is-leader`, {CALLS} calls | a call, ms | CPU of all processes for a call, ms |");
    println!("|---|---|---|");
    let ways: [(&str, Way); 2] = [
        ("over the agent's socket, on the open connection", |deployment| deployment),
        ("as a process", Juju::over_processes),
    ];
    let mut rows = ways.map(|(name, way)| (name, Unit::start(charms, way), Vec::new(), Vec::new()));
    for _ in 0..5 {
        for (_, unit, wall, cpu) in &mut rows {
            let event = Event::hook("update-status").env(MEASURED, "calls");
            let before = cpu_time(UsageWho::RUSAGE_SELF);
            let outcome = unit.juju.dispatch(event);
            assert!(outcome.success(), "{outcome}");
            let agent = milliseconds(cpu_time(UsageWho::RUSAGE_SELF).saturating_sub(before));
            let report = fs::read_to_string(&unit.report).expect("the launcher's report");
            let (call, all) = report.split_once(' ').expect("two numbers");
            wall.push(call.parse().expect("a number"));
            let all: f64 = all.parse().expect("a number");
            cpu.push((all + agent) / f64::from(CALLS));
        }
    }
    for (name, _, wall, cpu) in rows {
        println!("| {name} | {:.3} | {:.3} |", median(wall), median(cpu));
    }
    println!();
}

/// Asks for a tool many times, and writes down the median time of a call and the CPU time of all.
fn call_tools(report: &Path) {
    let dispatch = Dispatch::from_env();
    let call = HookToolCall::new("is-leader").arg("--format=json");
    let run = || dispatch.hook_tools().run(&call).expect("an answer");
    run();
    let before = cpu_time(UsageWho::RUSAGE_SELF) + cpu_time(UsageWho::RUSAGE_CHILDREN);
    let times = (0..CALLS).map(|_| {
        let started = Instant::now();
        run();
        milliseconds(started.elapsed())
    });
    let call = median(times.collect());
    let all = cpu_time(UsageWho::RUSAGE_SELF) + cpu_time(UsageWho::RUSAGE_CHILDREN);
    fs::write(report, format!("{call} {}", milliseconds(all.saturating_sub(before))))
        .expect("a place for the report");
}

fn cpu_time(who: UsageWho) -> Duration {
    let usage = getrusage(who).expect("the usage of a process");
    Duration::from_micros((usage.user_time() + usage.system_time()).num_microseconds().unsigned_abs())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The quantity that the launcher measures.
#[derive(Clone, Copy, PartialEq)]
enum What {
    Time,
    Memory,
}

/// Runs the charm and writes down what it took.
fn launch(report: &Path) -> ExitCode {
    if env::var_os(MEASURED).is_some_and(|what| what == "calls") {
        call_tools(report);
        return ExitCode::SUCCESS;
    }
    let charm = env::var_os(CHARM).expect("a charm to launch");
    let of_memory = env::var_os(MEASURED).is_some_and(|what| what == "memory");
    let mut command = Command::new(&charm);
    if of_memory {
        // The charm might have ended before it is watched, so it waits for a line.
        command = Command::new("/bin/sh");
        command.args(["-c", "read _; exec \"$0\""]).arg(&charm).stdin(Stdio::piped());
    }
    let started = Instant::now();
    let mut child = command.spawn().expect("the charm can be started");
    let pid = Pid::from_raw(child.id().cast_signed());
    let measured = if of_memory {
        let line = child.stdin.take().expect("a pipe");
        let kib = peak_memory(pid, line).expect("a process may be traced by the one that started it");
        format!("{}", kib / 1024.0)
    } else {
        // The kernel has its clock until it is waited for, and adds the hook tools it ran when it is.
        waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).expect("the charm ends");
        let wall = started.elapsed();
        let clock = clock_getcpuclockid(pid).expect("the charm's clock");
        let own = clock_gettime(clock).expect("the CPU time of the charm");
        child.wait().expect("the charm has ended");
        let all = cpu_time(UsageWho::RUSAGE_CHILDREN);
        [wall, own.into(), all].map(|time| milliseconds(time).to_string()).join(" ")
    };
    fs::write(report, measured).expect("a place for the report");
    let status = child.wait().expect("the charm has ended");
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// KiB, read when the process is about to end. What the kernel tells afterwards is that of the largest among the process,
/// the hook tools it ran, and the one that started it.
fn peak_memory(pid: Pid, mut line: ChildStdin) -> Result<f64, Box<dyn Error>> {
    ptrace::seize(pid, ptrace::Options::PTRACE_O_TRACEEXIT)?;
    writeln!(line)?;
    drop(line);
    loop {
        match waitpid(pid, None)? {
            WaitStatus::PtraceEvent(_, _, event) if event == ptrace::Event::PTRACE_EVENT_EXIT as i32 => break,
            WaitStatus::Stopped(_, signal) => ptrace::cont(pid, signal)?,
            other => return Err(format!("{other:?} before the end").into()),
        }
    }
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    let peak = peak.ok_or("the kernel does not tell the peak memory")?.parse()?;
    ptrace::detach(pid, None)?;
    Ok(peak)
}
