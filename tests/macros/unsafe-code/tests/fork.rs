//! A process that forks without executing another program while it is traced, as daemons do.
//! This file has one test: a fork copies one thread only, and would leave the locks of other tests held.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::id;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use charm_testing::collector::Collector;
use charm_testing::queue;
use charm_tracing::juju::{Dispatch, HookToolCall, HookToolError, HookToolOutput, HookTools};
use charm_tracing::{Config, Destination, Session, TracingLayer, current_span, trace_fn};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tracing::{info, info_span};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

#[expect(unsafe_code, reason = "so is forking")]
mod process {
    unsafe extern "C" {
        fn fork() -> i32;
        fn _exit(code: i32) -> !;
        fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
        fn kill(pid: i32, signal: i32) -> i32;
    }

    /// Returns the process id of the child; `None` in the child.
    pub(super) fn child() -> Option<i32> {
        Some(unsafe { fork() }).filter(|pid| *pid != 0)
    }

    pub(super) fn exit() -> ! {
        unsafe { _exit(0) }
    }

    pub(super) fn has_ended(pid: i32) -> bool {
        const WNOHANG: i32 = 1;
        unsafe { waitpid(pid, std::ptr::null_mut(), WNOHANG) == pid }
    }

    pub(super) fn end(pid: i32) {
        unsafe { kill(pid, 9) };
    }
}

#[trace_fn]
fn call() {}

fn calls(count: usize) {
    for _ in 0..count {
        call();
    }
}

/// Appends the process and the number of spans to a file, which all processes share.
#[derive(Debug)]
struct ToFile(PathBuf);

impl SpanExporter for ToFile {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let write = |mut file: File| -> io::Result<()> { writeln!(file, "{} {}", id(), batch.len()) };
        let written = File::options().append(true).create(true).open(&self.0).and_then(write);
        written.map_err(|error| OTelSdkError::InternalFailure(error.to_string()))
    }
}

/// A child that waited for 10 ms in each call would take half a minute.
const CALLS_OF_CHILD: usize = 3000;
const LONGEST: Duration = Duration::from_secs(20);

/// Waits until the children have ended. Returns the number of those that hang, and ends them.
fn hanging(mut children: Vec<i32>) -> usize {
    let started = Instant::now();
    while !children.is_empty() && started.elapsed() < LONGEST {
        children.retain(|child| !process::has_ended(*child));
        thread::sleep(Duration::from_millis(5));
    }
    children.iter().for_each(|child| process::end(*child));
    children.len()
}

/// Hook tools that do nothing, in no time.
#[derive(Debug)]
struct NoTools;

impl HookTools for NoTools {
    fn run(&self, _: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        Ok(HookToolOutput::default())
    }
}

/// Forks in a dispatch that is not traced, but has the layer for `tracing`, while other threads have spans and log.
fn fork_untraced() {
    let dispatch = Dispatch::from_vars([("CHARM_TRACING_ENABLED", "0")]).with_hook_tools(Arc::new(NoTools));
    let mut session = Some(Session::start(dispatch, Config::new()));
    let (span, is_over) = (info_span!("not recorded"), AtomicBool::new(false));
    let hanging = thread::scope(|scope| {
        for logs in [false, true] {
            let (span, is_over) = (&span, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    span.in_scope(|| ());
                    logs.then(|| info!("a line"));
                }
            });
        }
        let mut children = Vec::new();
        for _ in 0..200 {
            children.push(process::child().unwrap_or_else(|| {
                (0..10).for_each(|_| span.in_scope(|| info!("a line")));
                session.take().map(|session| session.finish(None));
                process::exit()
            }));
        }
        let hanging = hanging(children);
        is_over.store(true, Ordering::Relaxed);
        hanging
    });
    assert_eq!(hanging, 0, "children of an untraced dispatch hang");
}

/// Another thread is in the middle of a call in some of these moments, and is not there in the child.
#[test]
fn a_process_that_is_forked_off_finishes_at_once_and_stores_sends_and_exports_nothing() {
    registry().with(TracingLayer::new()).init();
    fork_untraced();
    let directory = tempfile::tempdir().expect("a directory");
    let collector = Collector::start();
    let dispatch = Dispatch::from_vars([
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_DISPATCH_PATH", "hooks/start"),
        ("JUJU_MODEL_NAME", "testing"),
        ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
        ("JUJU_CHARM_DIR", directory.path().to_str().expect("a path")),
    ]);
    let destination = || Some(Destination::new(collector.endpoint(), None));
    let exported = directory.path().join("exported");
    let file = exported.clone();
    let config = Config::new().span_exporter(move || ToFile(file.clone()));
    let mut session = Some(Session::start(dispatch, config));
    let span = info_span!("span of tracing");
    let is_over = AtomicBool::new(false);
    let hanging = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                calls(1);
                thread::sleep(Duration::from_micros(50));
            }
        });
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                span.in_scope(|| drop(current_span()));
            }
        });
        let mut children = Vec::new();
        for _ in 0..40 {
            let fork = || {
                calls(100);
                process::child()
            };
            let child = session.as_mut().expect("the parent's").event(fork);
            children.push(child.unwrap_or_else(|| {
                calls(CALLS_OF_CHILD);
                (0..CALLS_OF_CHILD).for_each(|_| span.in_scope(|| ()));
                session.take().map(|session| session.finish(destination()));
                process::exit()
            }));
        }
        let hanging = hanging(children);
        is_over.store(true, Ordering::Relaxed);
        hanging
    });
    assert_eq!(hanging, 0, "children hang");
    let buffer = directory.path().join(".charm_tracing_buffer");
    assert_eq!((queue::waiting(&buffer), queue::journals(&buffer).len()), (0, 1), "the parent's alone");
    assert_eq!(collector.requests().len(), 0);
    assert!(!exported.exists());

    drop(span);
    let report = session.take().expect("the parent's").finish(destination());
    assert_eq!((report.delivered, report.waiting), (1, 0), "{report:?}");
    assert_eq!(collector.requests().len(), 1);
    let by_parent = format!("{} {}\n", id(), collector.trace().len());
    assert_eq!(fs::read_to_string(exported).expect("the exported spans"), by_parent);
    collector.trace().check().expect("a whole trace");
    let made_here = collector.trace().len() - 1;
    assert!((40 * 100..40 * 100 + CALLS_OF_CHILD * 40).contains(&made_here), "{made_here}");
    assert_eq!(fs::read_dir(buffer).expect("the directory").count(), 1, "`sending` is left");
}
