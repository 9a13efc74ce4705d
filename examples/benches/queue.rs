//! Measures what it costs that a trace waits on the disk, beside the bare system calls that this takes at least.
//!
//!     cargo bench -p examples --bench queue
//!
//! The first table is a dispatch with one call that knows of no backend, from the start of its session to the end, and the same
//! system calls without anything between them: its journal is made and removed, its trace written and renamed, and the directory
//! listed three times. The second is a call that begins at least a millisecond after the one before, so that its journal is
//! written, and one that follows at once.
//!
//! Medians, turn by turn. Set `TMPDIR` to measure another file system: on ext4 a file takes longer to make as long as many others
//! were removed in the last seconds.
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
    println!("| one dispatch without a backend | session, us | bare system calls, us | ratio |");
    println!("|---|---|---|---|");
    for waiting in [0, 99] {
        let (ours, bare) = dispatches(waiting)?;
        println!("| {waiting} traces wait | {ours:.0} | {bare:.0} | {:.2} |", ours / bare);
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

fn start_session(charm_dir: &Path) -> Session {
    let charm_dir = charm_dir.display().to_string();
    Session::start(dispatch([("JUJU_CHARM_DIR", charm_dir.as_str())]), Config::new())
}

/// The medians of a session and of bare system calls, when so many traces wait.
fn dispatches(waiting: usize) -> io::Result<(f64, f64)> {
    let (charm, bare) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let queue = charm.path().join(".charm_tracing_buffer");
    for number in 0..waiting {
        session(charm.path());
        fs::write(bare.path().join(name(number)), [0; TRACE])?;
    }
    if waiting == 0 {
        session(charm.path());
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let before: Vec<_> = files(&queue)?;
        let started = Instant::now();
        session(charm.path());
        ours.push(microseconds(started));
        // As many wait as before.
        for new in files(&queue)?.iter().filter(|file| !before.contains(file)) {
            fs::remove_file(queue.join(new))?;
        }
        let started = Instant::now();
        system_calls(bare.path(), ROUNDS + round)?;
        theirs.push(microseconds(started));
        fs::remove_file(bare.path().join(name(ROUNDS + round)))?;
    }
    Ok((median(ours), median(theirs)))
}

fn session(charm_dir: &Path) {
    let mut session = start_session(charm_dir);
    session.event(traced);
    let report = session.finish(None);
    assert!(report.buffered, "{report:?}");
}

fn system_calls(directory: &Path, number: usize) -> io::Result<()> {
    let journal = directory.join("app-0-0123456789abcdef0123456789abcdef.journal");
    list(directory)?;
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
    let file = charm.path().join("0123456789abcdef0123456789abcdef.journal");
    fs::write(&file, "")?;
    let mut session = start_session(charm.path());
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
