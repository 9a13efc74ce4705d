//! A buffer file is damaged at random, thousands of times: the dispatch that finds it goes as ever, and every trace whose bytes
//! are untouched is delivered, once and whole.
//!
//! All in this process, by a `Session` for each damaged file and a collector: a charm's process for each would take ten
//! times as long and say no more. What real processes make of damaged files is in the fault matrix.
//!
//! A thousand in each run of the tests, and 10,000 by
//!
//! ```text
//! cargo test -p tests --test corruption --locked -- --ignored
//! ```
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use charm_tracing::juju::Dispatch;
use charm_tracing::{Config, DeliveryReport, Destination, Session, event};
use tests::collector::{Collector, hex};
use tests::tree;
use tracing_relation::juju::testing::{HookContext, Model};

/// Traces in the file.
const TRACES: usize = 5;
/// Spans of a trace.
const SPANS: usize = 5;

/// Where things are in a buffer file, as its module says.
const FIRST_RECORD: usize = 256;
const RECORD_HEADER: usize = 56;
const PAYLOAD_LENGTH: Range<usize> = 8..12;
const TRACE_ID: Range<usize> = 32..48;

#[test]
fn whatever_is_damaged_the_intact_traces_are_delivered_once() {
    damage_files(0..1000);
}

#[test]
#[ignore = "takes a minute or two"]
fn whatever_is_damaged_in_ten_thousand_files() {
    damage_files(1000..11_000);
}

fn damage_files(seeds: Range<u64>) {
    // Whoever mends a file waits for the disk, if there is one.
    let memory = Some(Path::new("/dev/shm")).filter(|directory| directory.is_dir());
    let directory = memory.map_or_else(tempfile::tempdir, tempfile::tempdir_in).unwrap();
    let buffer = directory.path().join(".charm_tracing_buffer");
    for _ in 0..TRACES {
        assert!(dispatch(directory.path(), None).buffered);
    }
    let whole = fs::read(&buffer).unwrap();
    let all: BTreeSet<String> = records(&whole).into_keys().collect();
    assert_eq!(all.len(), TRACES);

    let collector = Collector::start();
    let mut survivors = 0;
    let files = usize::try_from(seeds.end - seeds.start).unwrap();
    for seed in seeds {
        let mut damaged = Damaged { bytes: whole.clone(), intact: records(&whole), done: Vec::new() };
        let mut random = Random(seed);
        for _ in 0..=random.below(3) {
            damaged.damage(&mut random);
        }
        fs::write(&buffer, &damaged.bytes).unwrap();
        let report = dispatch(directory.path(), Some(&collector));
        let arrived = arrived(&collector);
        let story = || format!("seed {seed}: {:?}: {report:?}", damaged.done);
        assert!(!report.lost && report.problem.is_none() && report.waiting == 0, "{}", story());
        for id in damaged.intact.keys() {
            assert!(arrived.contains(id), "{id} is intact and was not delivered: {}", story());
        }
        assert_eq!(arrived.difference(&all).count(), 1, "the dispatch's own trace: {}", story());
        survivors += damaged.intact.len();
        collector.clear();
    }
    // What the damage is like: neither does it miss the traces, nor does it hit them all.
    let most = TRACES * files;
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
    let patience = Duration::from_mins(1);
    let config = Config::new().request_timeout(patience).delivery_timeout(patience);
    let mut session = Session::start(dispatch, config);
    session.event(|| (2..SPANS).for_each(|_| event("part", || ())));
    session.finish(collector.map(|collector| Destination::new(collector.endpoint(), None)))
}

/// The traces that have arrived, each whole and once.
fn arrived(collector: &Collector) -> BTreeSet<String> {
    let spans = collector.spans();
    tree::check(&spans).expect("whole traces");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for span in spans {
        *counts.entry(hex(&span.span.trace_id)).or_default() += 1;
    }
    assert!(counts.values().all(|count| *count == SPANS), "{counts:?}");
    counts.into_keys().collect()
}

/// Where each trace's record is.
fn records(file: &[u8]) -> BTreeMap<String, Range<usize>> {
    let mut records = BTreeMap::new();
    let mut at = FIRST_RECORD;
    while at < file.len() {
        let record = &file[at..];
        let payload = u32::from_le_bytes(record[PAYLOAD_LENGTH].try_into().unwrap());
        let end = at + RECORD_HEADER + usize::try_from(payload).unwrap();
        records.insert(hex(&record[TRACE_ID]), at..end);
        at = end;
    }
    records
}

/// A file in the making, and where the records are in it that nothing has touched.
struct Damaged {
    bytes: Vec<u8>,
    intact: BTreeMap<String, Range<usize>>,
    /// What was done to it, for a failed assertion.
    done: Vec<(&'static str, Range<usize>)>,
}

impl Damaged {
    /// As disks and crashes do it: what is where does not move.
    fn damage(&mut self, random: &mut Random) {
        let length = self.bytes.len();
        let start = random.below(length);
        let stretch = start..(start + 1 + random.below(length / 4 + 1)).min(length);
        let (what, range) = match random.below(6) {
            0 | 1 => {
                self.bytes[start] ^= 1 << random.below(8);
                ("flip", start..start + 1)
            }
            2 => {
                self.bytes[stretch.clone()].fill_with(|| random.byte());
                ("random", stretch)
            }
            3 => {
                self.bytes[stretch.clone()].fill(0);
                ("zero", stretch)
            }
            4 => {
                self.bytes.truncate(start.max(1));
                ("truncate", start.max(1)..length)
            }
            _ => {
                self.bytes.extend(stretch.map(|_| random.byte()));
                ("append", length..self.bytes.len())
            }
        };
        self.intact.retain(|_, record| !overlap(record, &range));
        self.done.push((what, range));
    }
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
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
