//! The charm that is killed, as a process, and what arrives of it.

use std::collections::HashMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use charm_testing::collector::Collector;
use charm_testing::queue;
use charm_testing::{Span, Trace};
use tempfile::TempDir;

/// The directory of a unit. Its dispatches have no hook tools: Juju's log is not what this is about.
pub(crate) struct Unit(TempDir);

impl Unit {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn dispatch(&self, work: &str, time: Duration) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_killed-charm"));
        command.current_dir(self.0.path()).env_clear();
        command.env("JUJU_CHARM_DIR", self.0.path()).env("JUJU_UNIT_NAME", "app/0");
        command.env("JUJU_DISPATCH_PATH", "hooks/start").env("JUJU_MODEL_NAME", "testing");
        command.env("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c");
        command.env("WORK", work).env("WORK_MILLISECONDS", time.as_millis().to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// A dispatch that does nothing, with a backend. Its own trace is the last that arrives.
    pub(crate) fn recover(&self, collector: &Collector) -> Vec<DispatchTrace> {
        let endpoint = collector.endpoint();
        let status = self.dispatch("", Duration::ZERO).env("TRACE_ENDPOINT", endpoint).status().unwrap();
        assert!(status.success(), "{status}");
        traces(collector)
    }

    /// The times before and after each `step` that has ended, in nanoseconds since 1970.
    pub(crate) fn steps(&self) -> Vec<[u64; 2]> {
        let bytes = fs::read(self.path("ended")).unwrap_or_default();
        let time = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
        bytes.chunks_exact(16).map(|bytes| [time(&bytes[..8]), time(&bytes[8..])]).collect()
    }

    /// How many dispatches run, or were killed, and wrote a journal.
    pub(crate) fn journals(&self) -> usize {
        queue::journals(&self.buffer()).len()
    }

    pub(crate) fn buffer(&self) -> PathBuf {
        self.path(".charm_tracing_buffer")
    }
}

/// Waits for what happens soon, on a busy machine too.
pub(crate) fn wait_until(is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(20), "it does not happen");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until the time is up and kills the process then. False if it had ended.
pub(crate) fn kill_after(child: &mut Child, time: Duration) -> bool {
    thread::sleep(time);
    child.kill().unwrap();
    was_killed(child.wait().unwrap())
}

pub(crate) fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(9)
}

/// The spans of one dispatch.
#[derive(Debug)]
pub(crate) struct DispatchTrace(pub(crate) Trace);

/// All that arrived, after a check that these are whole traces in which no span is twice; in the order of their arrival.
pub(crate) fn traces(collector: &Collector) -> Vec<DispatchTrace> {
    let spans = collector.trace();
    spans.check().expect("whole traces");
    let mut places = HashMap::new();
    let mut traces: Vec<DispatchTrace> = Vec::new();
    for span in spans {
        let place = *places.entry(span.trace_id).or_insert_with(|| {
            traces.push(DispatchTrace(Trace::default()));
            traces.len() - 1
        });
        traces[place].0.extend([span]);
    }
    traces
}

impl DispatchTrace {
    pub(crate) fn root(&self) -> &Span {
        let mut roots = self.0.iter().filter(|span| span.parent_span_id.is_none());
        let root = roots.next().expect("a root");
        assert!(roots.next().is_none(), "one root");
        root
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.0.iter().filter(|span| span.name == name && !is_interrupted(span)).count()
    }

    pub(crate) fn was_interrupted(&self) -> bool {
        is_interrupted(self.root())
    }

    /// The names of the spans that had not ended.
    pub(crate) fn open(&self) -> Vec<&str> {
        self.0.iter().filter(|span| is_interrupted(span)).map(|span| span.name.as_str()).collect()
    }
}

fn is_interrupted(span: &Span) -> bool {
    span.error() == Some("interrupted")
}
