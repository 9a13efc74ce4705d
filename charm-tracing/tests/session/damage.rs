//! The files of a directory of traces are damaged at random, thousands of times: the dispatch that finds them goes as ever,
//! and every trace whose file is untouched is delivered, once and whole.
//!
//! All in this process, by a `Session` for each damaged directory and a collector: a charm's process for each would take ten
//! times as long and say no more. What real processes make of damaged files is in the fault matrix.
//!
//! A thousand in each run of the tests, and 10,000 by
//!
//! ```text
//! cargo test -p charm-tracing --test session --locked -- --ignored damage
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use charm_testing::collector::Collector;
use charm_testing::queue;
use charm_tracing::juju::Dispatch;
use charm_tracing::{Config, DeliveryReport, Destination, Session, event};
use tracing_relation::juju::testing::{HookContext, Model};

use super::take_turn;

/// Traces in the directory.
const TRACES: usize = 5;
/// Spans of a trace.
const SPANS: usize = 5;

#[test]
fn whatever_is_damaged_the_intact_traces_are_delivered_once() {
    damage_directories(0..1000);
}

#[test]
#[ignore = "takes a minute or two"]
fn whatever_is_damaged_in_ten_thousand_directories() {
    damage_directories(1000..11_000);
}

fn damage_directories(seeds: Range<u64>) {
    let _turn = take_turn();
    // Whoever writes many files waits for the disk, if there is one.
    let memory = Some(Path::new("/dev/shm")).filter(|directory| directory.is_dir());
    let directory = memory.map_or_else(tempfile::tempdir, tempfile::tempdir_in).unwrap();
    let buffer = directory.path().join(".charm_tracing_buffer");
    for _ in 0..TRACES {
        assert!(dispatch(directory.path(), None).buffered);
    }
    let traces = queue::traces(&buffer);
    let all: BTreeSet<String> = traces.iter().map(|trace| trace.trace_id.clone()).collect();
    assert_eq!(all.len(), TRACES);
    let mut whole: BTreeMap<PathBuf, Vec<u8>> =
        traces.iter().map(|trace| (trace.path.clone(), fs::read(&trace.path).unwrap())).collect();
    // No trace depends on these two.
    whole.insert(buffer.join("state"), b"failures 3\n".to_vec());
    whole.insert(buffer.join("app-0.journal"), Vec::new());

    let collector = Collector::start();
    let mut survivors = 0;
    let directories = usize::try_from(seeds.end - seeds.start).unwrap();
    for seed in seeds {
        fs::remove_dir_all(&buffer).unwrap();
        fs::create_dir(&buffer).unwrap();
        let mut files = whole.clone();
        let mut random = Random(seed);
        let mut done = Vec::new();
        for _ in 0..=random.below(5) {
            let at = random.below(files.len());
            done.push(damage(files.values_mut().nth(at).unwrap(), &mut random));
        }
        for (path, bytes) in &files {
            fs::write(path, bytes).unwrap();
        }
        let intact = traces.iter().filter(|trace| files[&trace.path] == whole[&trace.path]);
        let intact: Vec<_> = intact.map(|trace| &trace.trace_id).collect();
        let report = dispatch(directory.path(), Some(&collector));
        let arrived = arrived(&collector);
        let story = || format!("seed {seed}: {done:?}: {report:?}");
        assert!(!report.lost && report.problem.is_none() && report.waiting == 0, "{}", story());
        for id in &intact {
            assert!(arrived.contains(*id), "{id} is intact and was not delivered: {}", story());
        }
        // Beside them there is the dispatch's own trace.
        assert_eq!(arrived.len(), intact.len() + 1, "{}", story());
        assert_eq!(arrived.difference(&all).count(), 1, "{}", story());
        survivors += intact.len();
        collector.clear();
    }
    // What the damage is like: neither does it miss the traces, nor does it hit them all.
    let most = TRACES * directories;
    assert!((most / 10..most * 9 / 10).contains(&survivors), "{survivors} of {most}");
}

/// A dispatch with some spans.
fn dispatch(charm_dir: &Path, collector: Option<&Collector>) -> DeliveryReport {
    let model = Model::new("app/0");
    model.begin_hook(HookContext::new());
    let vars = [
        ("JUJU_CHARM_DIR", charm_dir.to_str().unwrap()),
        ("JUJU_DISPATCH_PATH", "hooks/start"),
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_MODEL_NAME", "model"),
        ("JUJU_MODEL_UUID", "20e13b21-6a7b-4f39-8f5a-5f2f4b0d0c01"),
    ];
    let dispatch = Dispatch::from_vars(vars).with_hook_tools(Arc::new(model));
    let patience = Duration::from_secs(60);
    let config = Config::new().request_timeout(patience).delivery_timeout(patience);
    let mut session = Session::start(dispatch, config);
    session.event(|| (2..SPANS).for_each(|_| event("part", || ())));
    session.finish(collector.map(|collector| Destination::new(collector.endpoint(), None)))
}

/// The traces that have arrived, each whole and once.
fn arrived(collector: &Collector) -> BTreeSet<String> {
    let spans = collector.trace();
    spans.check().expect("whole traces");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for span in spans {
        *counts.entry(span.trace_id.to_string()).or_default() += 1;
    }
    assert!(counts.values().all(|count| *count == SPANS), "{counts:?}");
    counts.into_keys().collect()
}

/// Damages a file as disks, crashes and people do it, and says how.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) -> (&'static str, Range<usize>) {
    let length = bytes.len();
    let start = random.below(length.max(1));
    let stretch = start..(start + 1 + random.below(length / 4 + 1)).min(length).max(start);
    match random.below(6) {
        0 | 1 if length > 0 => {
            bytes[start] ^= 1 << random.below(8);
            ("flip", start..start + 1)
        }
        2 => {
            bytes[stretch.clone()].fill_with(|| random.byte());
            ("random", stretch)
        }
        3 => {
            bytes[stretch.clone()].fill(0);
            ("zero", stretch)
        }
        4 => {
            bytes.truncate(start);
            ("truncate", start..length)
        }
        _ => {
            bytes.extend((0..=random.below(300)).map(|_| random.byte()));
            ("append", length..bytes.len())
        }
    }
}

/// `SplitMix64`: the same numbers in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}
