//! 10,000 dispatches that alternate between outages of several kinds and recovery. The buffer, the time of a dispatch and
//! its memory stay as they are, and every trace is accounted for: delivered, kept, or counted as dropped or refused.
//!
//! It takes some ten minutes:
//!
//! ```text
//! cargo test -p tests --test faults --locked -- --ignored --nocapture soak
//! ```
//!
//! `SOAK_CYCLES` in the environment sets how many times the cycle of 100 dispatches is gone through: 100 unless it says
//! otherwise.
#![expect(clippy::print_stderr, reason = "the numbers are why it is run by hand")]

use std::collections::HashSet;
use std::env;
use std::path::PathBuf;
use std::time::Duration;

use charm_testing::collector::{Answer, Collector, Reply, port_closed_endpoint};
use charm_testing::queue;
use charm_testing::{Event, Juju, Outcome};

const CHARM: &str = env!("CARGO_BIN_EXE_session-charm");

/// Less than the longest outage, so that some are dropped.
const KEPT_AT_MOST: usize = 15;

/// The faults of the backend, each for so many dispatches. It recovers in between.
const OUTAGES: [(Outage, usize); 8] = [
    (Outage::None, 12),
    (Outage::Unknown, 20),
    (Outage::PortClosed, 20),
    (Outage::Answers(503), 10),
    (Outage::Pause, 10),
    (Outage::Answers(400), 5),
    (Outage::HangsUp, 10),
    (Outage::Hangs, 5),
];
/// Dispatches after each outage in which nothing is wrong; one more where an outage is shorter.
const RECOVERY: usize = 1;
const CYCLE: usize = 100;

#[derive(Debug, Clone, Copy)]
enum Outage {
    None,
    /// The charm has not been told where it is.
    Unknown,
    PortClosed,
    Answers(u16),
    /// It asks for one of an hour.
    Pause,
    HangsUp,
    Hangs,
}

/// The measurements of one dispatch.
#[derive(Debug, Clone, Copy)]
struct Sample {
    healthy: bool,
    wall: Duration,
    /// KiB at the peak.
    memory: u64,
    /// How many bytes wait.
    bytes: u64,
}

#[derive(Debug)]
struct Soak {
    juju: Juju,
    backend: Collector,
    delivered: HashSet<String>,
    dispatches: usize,
    dropped: usize,
    refused: usize,
    samples: Vec<Sample>,
}

#[test]
#[ignore = "takes some ten minutes"]
fn ten_thousand_dispatches_through_outages() {
    let cycles: usize = env::var("SOAK_CYCLES").map_or(100, |cycles| cycles.parse().unwrap());
    let mut soak = Soak::start();
    for cycle in 0..cycles {
        soak.cycle();
        soak.account();
        if cycle % 10 == 9 {
            soak.tell();
        }
    }
    // What a busy machine has left for later.
    for _ in 0..5 {
        if soak.waiting() > 0 {
            soak.dispatch(Outage::None);
        }
    }
    soak.count_delivered();
    soak.account();
    assert!(soak.dropped > 0 && soak.refused > 0, "the outages are long enough for both");
    assert_eq!(soak.waiting(), 0, "it ends with a recovery");
    soak.assert_flat();
}

impl Soak {
    fn start() -> Self {
        Self {
            juju: Juju::new(CHARM).unit("app/0"),
            backend: Collector::start(),
            delivered: HashSet::new(),
            dispatches: 0,
            dropped: 0,
            refused: 0,
            samples: Vec::new(),
        }
    }

    fn cycle(&mut self) {
        let before = self.dispatches;
        for (outage, dispatches) in OUTAGES {
            for _ in 0..dispatches {
                self.dispatch(outage);
            }
            for _ in 0..RECOVERY {
                // A backend that has asked for a pause is not there any more.
                if matches!(outage, Outage::Pause) {
                    self.count_delivered();
                    self.backend = Collector::start();
                }
                self.dispatch(Outage::None);
            }
        }
        assert_eq!(self.dispatches - before, CYCLE);
        self.count_delivered();
    }

    fn dispatch(&mut self, outage: Outage) {
        let mut endpoint = Some(self.backend.endpoint());
        let answer = match outage {
            Outage::None => Answer::Accept,
            Outage::Unknown => {
                endpoint = None;
                Answer::Accept
            }
            Outage::PortClosed => {
                endpoint = Some(port_closed_endpoint());
                Answer::Accept
            }
            Outage::Answers(status) => Answer::Status(status),
            Outage::Pause => Reply::new(429).header("retry-after", "3600").into(),
            Outage::HangsUp => Answer::CloseEarly,
            Outage::Hangs => Answer::Hang,
        };
        self.backend.answer(answer);
        let event = Event::hook("update-status")
            .env("TRACE_LOSSES", "1")
            .env("TRACE_BUFFER_EVENTS", &KEPT_AT_MOST.to_string());
        let event = endpoint.iter().fold(event, |event, endpoint| event.env("TRACE_ENDPOINT", endpoint));
        let outcome = self.juju.dispatch(event);
        assert!(outcome.success() && outcome.stderr.is_empty(), "{outage:?}: {outcome}");
        assert!(outcome.stdout.contains("lost false\n"), "{outage:?}: {outcome}");
        self.dispatches += 1;
        self.dropped += number(&outcome, "dropped ");
        self.refused += number(&outcome, "refused ");
        let memory = u64::try_from(number(&outcome, "peak memory ")).unwrap();
        let healthy = matches!(outage, Outage::None);
        self.samples.push(Sample { healthy, wall: outcome.duration, memory, bytes: self.bytes() });
    }

    /// How many bytes wait.
    fn bytes(&self) -> u64 {
        queue::traces(&self.buffer()).iter().map(|trace| trace.bytes).sum()
    }

    fn waiting(&self) -> usize {
        queue::waiting(&self.buffer())
    }

    fn buffer(&self) -> PathBuf {
        self.juju.charm_dir().join(".charm_tracing_buffer")
    }

    /// Takes what has arrived; nothing of it may have arrived before.
    fn count_delivered(&mut self) {
        let mut spans = HashSet::new();
        for span in self.backend.trace() {
            assert!(spans.insert(span.span_id), "a span has arrived twice");
        }
        for trace in self.backend.trace().iter().map(|span| span.trace_id.to_string()).collect::<HashSet<_>>()
        {
            assert!(self.delivered.insert(trace), "a trace has arrived in two cycles");
        }
        self.backend.clear();
    }

    /// Nothing is lost without being counted, and nothing is counted that is not.
    fn account(&self) {
        let known = self.delivered.len() + self.waiting() + self.dropped + self.refused;
        assert_eq!(known, self.dispatches, "{}", self.numbers());
    }

    fn tell(&self) {
        eprintln!("{}", self.numbers());
    }

    fn numbers(&self) -> String {
        let last = &self.samples[self.samples.len().saturating_sub(1000)..];
        format!(
            "{} dispatches: {} delivered, {} kept, {} dropped, {} refused; of the last {}: {:?}, {} KiB, {} bytes",
            self.dispatches,
            self.delivered.len(),
            self.waiting(),
            self.dropped,
            self.refused,
            last.len(),
            median(last, |sample| sample.wall),
            median(last, |sample| sample.memory),
            last.iter().map(|sample| sample.bytes).max().unwrap_or(0),
        )
    }

    /// The last thousand are as the first were, by their medians, and the directory never grows beyond what it may.
    fn assert_flat(&self) {
        let part = self.samples.len().min(1000);
        let (first, last) = (&self.samples[..part], &self.samples[self.samples.len() - part..]);
        // A busy machine is slower, but not three times as slow for half of a thousand dispatches.
        let wall = |samples: &[Sample]| median(samples, |sample| sample.wall);
        assert!(wall(last) < 3 * wall(first), "{:?}, {:?}", wall(first), wall(last));
        let memory = |samples: &[Sample]| median(samples, |sample| sample.memory);
        assert!(memory(last) < memory(first) * 5 / 4, "{}, {}", memory(first), memory(last));
        let largest = |samples: &[Sample]| samples.iter().map(|sample| sample.bytes).max().unwrap();
        assert!(largest(last) < largest(first) * 3 / 2, "{}, {}", largest(first), largest(last));
        eprintln!(
            "the first {part}: {:?}, {} KiB, {} bytes at most; the last: {:?}, {} KiB, {} bytes at most",
            wall(first),
            memory(first),
            largest(first),
            wall(last),
            memory(last),
            largest(last)
        );
    }
}

/// Returns the median of the dispatches in which nothing was wrong: the others wait for what is.
fn median<T: Ord + Copy>(samples: &[Sample], what: impl Fn(&Sample) -> T) -> T {
    let mut values: Vec<T> = samples.iter().filter(|sample| sample.healthy).map(what).collect();
    values.sort();
    values[values.len() / 2]
}

/// Returns the number that the charm prints in a line that begins so.
fn number(outcome: &Outcome, what: &str) -> usize {
    let line = outcome.stdout.lines().find_map(|line| line.strip_prefix(what));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("{what}is missing: {outcome}"))
}
