//! Measures what it costs that a trace waits on the disk, beside the bare system calls that this takes at least.
//!
//!     cargo bench -p examples --bench queue
//!
//! The first table is a dispatch with one call that knows of no backend, from the start of its session to the end: with a queue,
//! and without one (`buffer_max_events` is 0), where the trace is only recorded and encoded. The difference is what storing costs.
//! Beside it are the same system calls without anything between them: the journal is made and removed, the trace written and
//! renamed, and the directory listed. The second is a call that begins at least a millisecond after the one before, so that
//! its journal is written, and one that follows at once.
//!
//! Medians, turn by turn. Set `TMPDIR` to measure another file system: on ext4 a file takes longer to make as long as many others
//! were removed in the last minutes.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod median;
mod quiet_dispatch;

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use charm_tracing::{Config, Session};
use median::median;
use quiet_dispatch::dispatch;

const ROUNDS: usize = 300;
const SPACED: usize = 200;
/// The size of the trace and of the journal of such a dispatch, about.
const TRACE: usize = 1200;
const JOURNAL: usize = 700;

fn main() -> io::Result<()> {
    println!(
        "| one dispatch without a backend | session, us | without a queue, us | bare system calls, us | ratio |"
    );
    println!("|---|---|---|---|---|");
    for waiting in [0, 99] {
        let [stored, unstored, bare] = dispatches(waiting)?;
        let ratio = (stored - unstored) / bare;
        println!("| {waiting} traces wait | {stored:.0} | {unstored:.0} | {bare:.0} | {ratio:.2} |");
    }
    println!();
    let [spaced, at_once, bare] = calls()?;
    println!("| one call | us |");
    println!("|---|---|");
    println!("| at least 1 ms after the one before | {spaced:.1} |");
    println!("| at once after it | {at_once:.1} |");
    println!(
        "| a file opened, 150 bytes appended and closed, at least 1 ms after the time before | {bare:.1} |"
    );
    Ok(())
}

#[charm_tracing::trace_fn]
fn traced() {}

fn start_session(charm_dir: &Path, config: Config) -> Session {
    let charm_dir = charm_dir.display().to_string();
    Session::start(dispatch([("JUJU_CHARM_DIR", charm_dir.as_str())]), config)
}

/// The medians of a session, of one without a queue, and of bare system calls, when so many traces wait.
fn dispatches(waiting: usize) -> io::Result<[f64; 3]> {
    let (charm, bare) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let queue = charm.path().join(".charm_tracing_buffer");
    for number in 0..waiting {
        assert!(session(charm.path(), Config::new()));
        fs::write(bare.path().join(name(number)), [0; TRACE])?;
    }
    if waiting == 0 {
        assert!(session(charm.path(), Config::new()));
    }
    let mut samples = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        let before: Vec<_> = files(&queue)?;
        let started = Instant::now();
        assert!(session(charm.path(), Config::new()));
        samples[0].push(microseconds(started));
        // As many wait as before.
        for new in files(&queue)?.iter().filter(|file| !before.contains(file)) {
            fs::remove_file(queue.join(new))?;
        }
        let started = Instant::now();
        assert!(!session(charm.path(), Config::new().buffer_max_events(0)));
        samples[1].push(microseconds(started));
        let started = Instant::now();
        system_calls(bare.path(), ROUNDS + round)?;
        samples[2].push(microseconds(started));
        fs::remove_file(bare.path().join(name(ROUNDS + round)))?;
    }
    Ok(samples.map(median))
}

/// Returns true if the trace was stored.
fn session(charm_dir: &Path, config: Config) -> bool {
    let mut session = start_session(charm_dir, config);
    session.event(traced);
    session.finish(None).buffered
}

fn system_calls(directory: &Path, number: usize) -> io::Result<()> {
    let journal = directory.join("app-0.journal");
    write(&journal, JOURNAL)?;
    let name = directory.join(name(number));
    let part = name.with_added_extension("part");
    write(&part, TRACE)?;
    fs::rename(&part, &name)?;
    list(directory)?;
    fs::remove_file(&journal)
}

fn write(path: &Path, len: usize) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(&vec![7; len])
}

fn list(directory: &Path) -> io::Result<()> {
    fs::read_dir(directory)?.try_for_each(|entry| entry.map(drop))
}

fn name(number: usize) -> String {
    format!("{number:016}-0123456789abcdef0123456789abcdef-01234567.otlp")
}

fn files(directory: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// The medians of a call that the journal is written for, of one for which it is not, and of the bare system calls.
fn calls() -> io::Result<[f64; 3]> {
    let charm = tempfile::tempdir()?;
    let file = charm.path().join("app-0.journal");
    fs::write(&file, "")?;
    let mut session = start_session(charm.path(), Config::new());
    let mut samples = [Vec::new(), Vec::new(), Vec::new()];
    let pause = || thread::sleep(Duration::from_micros(1100));
    session.try_event(|| {
        for _ in 0..SPACED {
            pause();
            for samples in &mut samples[..2] {
                let started = Instant::now();
                traced();
                samples.push(microseconds(started));
            }
            pause();
            let started = Instant::now();
            OpenOptions::new().append(true).open(&file)?.write_all(&[7; 150])?;
            samples[2].push(microseconds(started));
        }
        io::Result::Ok(())
    })?;
    session.finish(None);
    Ok(samples.map(median))
}

fn microseconds(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e6
}
