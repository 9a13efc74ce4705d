//! Files: those of the charm are never touched, those of tracing are few and not inherited.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::mem;
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fmt};

use charm_tracing::juju::{Dispatch, LogLevel};

use crate::{children, queue, store_and_read, system};

/// An open descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    number: RawFd,
    file: String,
    closes_on_exec: bool,
}

impl fmt::Display for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, file, closes_on_exec } = self;
        write!(f, "{number} {file}{}", if *closes_on_exec { " close-on-exec" } else { "" })
    }
}

/// The descriptors beside standard input, output and error.
pub(crate) fn of_this_process() -> Vec<Descriptor> {
    let entries = fs::read_dir("/proc/self/fd").expect("Linux").map(|entry| entry.expect("an entry").path());
    // By now the one through which they were listed is closed.
    let entries: Vec<_> = entries.collect();
    let mut all: Vec<Descriptor> = entries
        .iter()
        .filter_map(|path| {
            let number = path.file_name()?.to_str()?.parse().ok().filter(|number| *number > 2)?;
            let file = fs::read_link(path).ok()?.display().to_string();
            Some(Descriptor { number, file, closes_on_exec: system::closes_on_exec(number).ok()? })
        })
        .collect();
    all.sort_by_key(|descriptor| descriptor.number);
    all
}

/// Returns true if a process is waited for by its descriptor.
pub(crate) fn has_pidfd() -> bool {
    of_this_process().iter().any(|descriptor| descriptor.file.contains("pidfd"))
}

/// The descriptors that whoever started the charm has left open.
static INHERITED: OnceLock<Vec<Descriptor>> = OnceLock::new();

/// Lists what is open before tracing begins.
pub(crate) fn begin() {
    INHERITED.get_or_init(of_this_process);
}

/// Lists the descriptors that were opened since the process began.
fn opened() -> Vec<Descriptor> {
    let inherited = INHERITED.get_or_init(Vec::new);
    of_this_process().into_iter().filter(|descriptor| !inherited.contains(descriptor)).collect()
}

/// The number of the connection to the agent, if there is one.
fn connection() -> Option<RawFd> {
    of_this_process()
        .iter()
        .find(|descriptor| descriptor.file.starts_with("socket:"))
        .map(|found| found.number)
}

/// Closes all files, also those of others, and writes `own-0` to `own-4`, which are open until the process ends.
pub(crate) fn close_all(dispatch: &Dispatch) {
    store_and_read(dispatch, "before");
    queue::steps(20);
    let connection = connection();
    // A line of the log is not waited for: its answer is still to come when the connection is closed.
    dispatch.juju_log_without_waiting(LogLevel::Info, "before");
    system::close_from(3);
    let mut files: Vec<File> = Vec::new();
    for number in 0..5 {
        let options = File::options().read(true).write(true).create_new(true).open(format!("own-{number}"));
        files.push(options.expect("the charm directory"));
        writeln!(files[number], "file {number}").expect("written");
    }
    if let Some(connection) = connection {
        assert!(files.iter().any(|file| file.as_raw_fd() == connection), "{files:?} have not its number");
    }
    for round in 0..3 {
        dispatch.juju_log_without_waiting(LogLevel::Info, "after");
        store_and_read(dispatch, &format!("after {round}"));
        queue::steps(20);
    }
    for (number, file) in files.iter_mut().enumerate() {
        writeln!(file, "still file {number}").expect("it is open");
    }
    mem::forget(files);
}

/// Puts a socket of its own in the connection's place. Returns a check that it was left alone, for the end of the process.
pub(crate) fn replace_connection(dispatch: &Dispatch) -> impl FnOnce() + use<> {
    store_and_read(dispatch, "before");
    let (own, mut other) = UnixStream::pair().expect("sockets");
    let number = connection().unwrap_or(own.as_raw_fd());
    dispatch.juju_log_without_waiting(LogLevel::Info, "before");
    if number != own.as_raw_fd() {
        system::replace(number, own.as_raw_fd());
    }
    for round in 0..3 {
        dispatch.juju_log_without_waiting(LogLevel::Info, "after");
        store_and_read(dispatch, &format!("after {round}"));
    }
    move || {
        let file = format!("/proc/self/fd/{}", own.as_raw_fd());
        let copy = format!("/proc/self/fd/{number}");
        assert_eq!(fs::read_link(copy).expect("it is open"), fs::read_link(file).expect("so is the other"));
        other.set_nonblocking(true).expect("a socket");
        let error = other.read(&mut [0; 100]).expect_err("nothing was written, nothing closed");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
}

/// Lists the descriptors that a program has which is executed here: first in a child, then in place of the charm.
pub(crate) fn execute(dispatch: &Dispatch) {
    store_and_read(dispatch, "before");
    let open = opened();
    let mut command = Command::new(env::current_exe().expect("Linux"));
    command.env("ACT", "print-descriptors");
    let output = command.output().expect("it can be started");
    let inherited = String::from_utf8_lossy(&output.stdout).into_owned();
    for Descriptor { file, .. } in &open {
        assert!(!inherited.contains(file), "{inherited}");
        println!("open: {file}");
    }
    panic!("cannot execute: {}", command.exec());
}

/// Asserts that the process is the charm's own, and prints its descriptors.
pub(crate) fn look_at_itself(dispatch: &Dispatch) {
    let look = || {
        assert_eq!(fs::read_dir("/proc/self/task").expect("Linux").count(), 1, "threads");
        assert_eq!(children::children(), "");
        assert!(system::has_no_child());
        opened()
    };
    look();
    store_and_read(dispatch, "before");
    dispatch.juju_log_without_waiting(LogLevel::Info, "a line");
    queue::steps(10_000);
    look().iter().for_each(|descriptor| println!("{descriptor}"));
}
