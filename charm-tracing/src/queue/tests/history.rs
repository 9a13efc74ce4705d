//! Random histories of two processes on one disk. A history is the same for the same seed; `CHARM_TRACING_HISTORIES=1000` is
//! how many each test plays instead of some.

use std::collections::BTreeSet;

use rustix::io::Errno;

use super::super::disk::{Chance, Fault};
use super::super::file_system::Locking;
use super::*;

const MAX_DISPATCHES: u32 = 6;
const MAX_BYTES: u64 = 20_000;
const OPERATIONS: usize = 400;

fn seeds(usually: u64) -> impl Iterator<Item = u64> {
    let asked = std::env::var("CHARM_TRACING_HISTORIES").ok().map(|number| number.parse().expect("a number"));
    1..=asked.unwrap_or(usually)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Trace {
    number: u64,
    len: usize,
    idle: bool,
}

impl Trace {
    fn id(self) -> [u8; 16] {
        u128::from(self.number).to_be_bytes()
    }

    fn request(self) -> Vec<u8> {
        let mut request = self.number.to_be_bytes().repeat(self.len / 8 + 1);
        request.truncate(self.len);
        request
    }

    fn store(self, queue: &Queue, now: SystemTime, to_send: bool) -> Result<Stored, QueueError> {
        let request = self.request();
        store_new(queue, &NewTrace { trace_id: self.id(), idle: self.idle, request: &request }, now, to_send)
    }
}

#[derive(Debug, Clone, Copy)]
enum Operation {
    Store {
        trace: Trace,
        to_send: bool,
    },
    Trim,
    /// Removes the oldest trace.
    Acknowledge,
    /// Puts the first half of the oldest trace in its place.
    Replace,
    SetState(u32),
    TakeTurn,
    EndTurn,
    SetClock(u64),
    /// The process dies, and another one begins.
    Die,
    Switch,
}

fn operations(seed: u64) -> impl Iterator<Item = Operation> {
    let mut chance = Chance::new(seed);
    (1..=OPERATIONS as u64).map(move |number| match chance.below(20) {
        0..8 => {
            let len = match chance.below(30) {
                0 => 20_001,
                1..5 => 8000,
                _ => chance.below(3000) + 1,
            };
            let trace = Trace { number, len, idle: chance.below(3) == 0 };
            Operation::Store { trace, to_send: chance.below(3) == 0 }
        }
        8 => Operation::Trim,
        9..11 => Operation::Acknowledge,
        11 => Operation::Replace,
        12 => Operation::SetState(u32::try_from(chance.below(3)).unwrap()),
        13..15 => Operation::TakeTurn,
        15 => Operation::EndTurn,
        // In 1970, in 2023 or in 2065.
        16 => Operation::SetClock([0, 1_700_000_000, 3_000_000_000][chance.below(3)]),
        17 => Operation::Die,
        _ => Operation::Switch,
    })
}

/// The queue as the next process finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Content {
    /// Oldest first.
    waiting: Vec<Trace>,
    failures: u32,
}

impl Content {
    #[track_caller]
    fn of(disk: &Disk) -> Self {
        let queue = open(&disk.process());
        let mut damaged = 0;
        let waiting = queue.waiting().unwrap().into_iter().map(|name| {
            let request = queue.read(name, &mut damaged).unwrap().expect("a whole trace");
            let number = number_of(name);
            let trace = Trace { number, len: request.len(), idle: name.is_idle() };
            assert!(request == trace.request(), "the bytes of trace {number} changed");
            trace
        });
        Self { waiting: waiting.collect(), failures: queue.state().unwrap().backoff.failures }
    }

    fn exceeds_limits(&self) -> bool {
        let bytes: usize = self.waiting.iter().map(|trace| trace.len).sum();
        self.waiting.len() > MAX_DISPATCHES as usize || bytes as u64 > MAX_BYTES
    }

    /// Returns the content before the operation and after each of its steps.
    fn steps(&self, operation: Operation) -> Vec<Self> {
        let mut steps = vec![self.clone()];
        let mut now = self.clone();
        let trims = match operation {
            Operation::Store { trace, to_send } if trace.len as u64 <= MAX_BYTES => {
                now.waiting.push(trace);
                steps.push(now.clone());
                !to_send
            }
            Operation::Acknowledge if !now.waiting.is_empty() => {
                now.waiting.remove(0);
                steps.push(now.clone());
                false
            }
            Operation::Replace if !now.waiting.is_empty() => {
                let whole = now.waiting[0];
                let rest = Trace { len: whole.len.div_ceil(2), ..whole };
                now.waiting.retain(|trace| *trace != rest);
                now.waiting.insert(0, rest);
                // Parts that earlier failures have left have that stamp and id as well.
                let alike = now.waiting.partition_point(|trace| trace.number == whole.number);
                now.waiting[..alike].sort_by_key(|trace| crc32fast::hash(&trace.request()));
                steps.push(now.clone());
                now.waiting.retain(|trace| *trace != whole || whole == rest);
                steps.push(now.clone());
                false
            }
            Operation::SetState(failures) => {
                now.failures = failures;
                steps.push(now.clone());
                false
            }
            Operation::Trim => true,
            _ => false,
        };
        while trims && now.exceeds_limits() {
            let idle = now.waiting.iter().position(|trace| trace.idle);
            now.waiting.remove(idle.unwrap_or(0));
            steps.push(now.clone());
        }
        steps
    }
}

fn open(disk: &Disk) -> Queue {
    limited(disk, MAX_DISPATCHES, MAX_BYTES)
}

struct Process {
    disk: Disk,
    queue: Queue,
    turn: Option<Locking>,
}

impl Process {
    fn new(disk: &Disk) -> Self {
        let disk = disk.process();
        Self { queue: open(&disk), disk, turn: None }
    }
}

struct World {
    disk: Disk,
    processes: [Process; 2],
    current: usize,
    now: SystemTime,
}

impl World {
    fn new() -> Self {
        Self::on(&disk_with_queue())
    }

    fn on(disk: &Disk) -> Self {
        let processes = [Process::new(disk), Process::new(disk)];
        Self { disk: disk.clone(), processes, current: 0, now: now() }
    }

    /// Does an operation. Returns the numbers of the traces that it has dropped.
    #[track_caller]
    fn act(&mut self, operation: Operation) -> Result<Vec<u64>, QueueError> {
        let [first, second] = &mut self.processes;
        let (process, other) = if self.current == 0 { (first, second) } else { (second, first) };
        let Process { queue, turn, .. } = process;
        self.now += Duration::from_millis(300);
        let mut dropped = Dropped::default();
        match operation {
            Operation::Store { trace, to_send } => dropped = trace.store(queue, self.now, to_send)?.dropped,
            Operation::Trim => drop(queue.trim(&mut dropped)?),
            Operation::Acknowledge => {
                if let Some(name) = queue.waiting()?.into_iter().next() {
                    assert!(queue.remove(name)?);
                }
            }
            Operation::Replace => {
                if let Some(name) = queue.waiting()?.into_iter().next() {
                    let len = queue.size(name)?;
                    let rest = queue.read(name, &mut 0)?.unwrap();
                    queue.replace(name, &rest[..usize::try_from(len.div_ceil(2)).unwrap()])?;
                }
            }
            Operation::SetState(failures) => {
                queue.set_state(&State {
                    backoff: Backoff { failures, ..Backoff::default() },
                    ..State::default()
                })?;
            }
            Operation::TakeTurn if turn.is_none() => {
                *turn = Some(queue.lock_sending()?).filter(|turn| !matches!(turn, Locking::Held));
                assert_ne!(turn.is_some(), other.turn.is_some(), "one of the two has it");
            }
            Operation::TakeTurn => {}
            Operation::EndTurn => *turn = None,
            Operation::SetClock(seconds) => self.now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
            Operation::Die => {
                process.disk.die();
                *process = Process::new(&self.disk);
            }
            Operation::Switch => self.current = 1 - self.current,
        }
        Ok(dropped.names.into_iter().map(number_of).collect())
    }
}

fn number_of(name: TraceName) -> u64 {
    u64::try_from(u128::from_be_bytes(name.trace_id())).unwrap()
}

#[test]
fn what_was_stored_waits_once_and_in_order_until_it_is_acknowledged_or_dropped() {
    for seed in seeds(6) {
        let (mut world, mut dropped) = (World::new(), 0);
        let mut before = Content::of(&world.disk);
        for operation in operations(seed) {
            let steps = before.steps(operation);
            let done = world.act(operation);
            let after = Content::of(&world.disk);
            assert_eq!(Some(&after), steps.last(), "seed {seed}, {operation:?} with {before:?}");
            match (operation, done) {
                (Operation::Store { trace, .. }, Err(QueueError::TooLarge { .. }))
                    if trace.len as u64 > MAX_BYTES => {}
                (Operation::Store { .. } | Operation::Trim, Ok(named)) => {
                    let most = &steps[usize::from(matches!(operation, Operation::Store { .. }))];
                    let gone = most.waiting.iter().filter(|trace| !after.waiting.contains(trace));
                    let gone: BTreeSet<_> = gone.map(|trace| trace.number).collect();
                    dropped += named.len();
                    assert_eq!(named.into_iter().collect::<BTreeSet<_>>(), gone);
                }
                (_, done) => assert_eq!(done.unwrap(), [0; 0]),
            }
            before = after;
        }
        assert!(dropped > 20, "{dropped} were dropped");
    }
}

#[test]
fn death_at_any_moment_leaves_what_was_stored_once_and_nothing_that_was_acknowledged() {
    let mut deaths = 0;
    for seed in seeds(4) {
        let mut world = World::new();
        let mut before = Content::of(&world.disk);
        for operation in operations(seed) {
            world.disk.record_moments();
            world.act(operation).ok();
            let steps = before.steps(operation);
            for left in world.disk.take_moments() {
                let found = Content::of(&left);
                assert!(
                    steps.contains(&found),
                    "seed {seed}, {operation:?} was cut off and left {found:?} of {steps:?}"
                );
                let next = Operation::Store {
                    trace: Trace { number: u64::MAX, len: 9, idle: false },
                    to_send: false,
                };
                let expected = found.steps(next).pop().unwrap();
                World::on(&left).act(next).unwrap();
                assert_eq!(Content::of(&left), expected);
                left.age();
                open(&left).waiting().unwrap();
                assert_eq!(half_made(&left), 0);
                deaths += 1;
            }
            before = Content::of(&world.disk);
        }
    }
    assert!(deaths > 4 * OPERATIONS, "{deaths}");
}

#[test]
fn a_refused_or_torn_change_costs_no_other_trace_and_is_no_success() {
    let faults = [Fault::Refused(Errno::ACCESS), Fault::Torn(Errno::IO), Fault::Death];
    let mut failures = 0;
    for seed in seeds(6) {
        let (mut world, mut chance) = (World::new(), Chance::new(seed));
        let mut before = Content::of(&world.disk);
        for operation in operations(seed) {
            let fault = faults[chance.below(faults.len())];
            world.disk.fail_after(chance.below(6), fault);
            let done = world.act(operation);
            failures += usize::from(!world.disk.has_fault_to_come());
            world.disk.heal();
            if world.processes[world.current].disk.is_dead() {
                world.act(Operation::Die).unwrap();
            }
            let (steps, after) = (before.steps(operation), Content::of(&world.disk));
            let context = format!("seed {seed}, {operation:?} ({done:?}) left {after:?} of {steps:?}");
            // A trace that could not be removed stays, and the others are dropped as if it were gone.
            let is_left_too = |last: &Content| {
                !matches!(fault, Fault::Death)
                    && last.waiting.iter().all(|trace| after.waiting.contains(trace))
                    && after.waiting.iter().all(|trace| steps.iter().any(|step| step.waiting.contains(trace)))
            };
            assert!(steps.contains(&after) || steps.last().is_some_and(is_left_too), "{context}");
            if let Operation::Store { trace, .. } = operation {
                let stored = after.waiting.contains(&trace);
                match done {
                    Ok(dropped) => assert!(stored || dropped.contains(&trace.number), "{context}"),
                    Err(_) => assert!(!stored, "{context}"),
                }
            }
            before = after;
        }
    }
    assert!(failures > 100, "{failures}");
}

/// Interrupts a process at each of its calls by a whole operation of another one.
#[test]
fn processes_that_store_at_once_lose_nothing_of_one_another() {
    let [first, second] = [101, 102].map(|number| Trace { number, len: 500, idle: false });
    let by_others = [
        Operation::Store { trace: second, to_send: false },
        Operation::Store { trace: second, to_send: true },
        Operation::Acknowledge,
        Operation::Replace,
        Operation::Trim,
        Operation::SetState(3),
    ];
    let mut interruptions = 0;
    for operation in by_others {
        for calls in 0.. {
            let mut world = World::new();
            for number in 1..=6 {
                Trace { number, len: 500, idle: number == 4 }
                    .store(&world.processes[0].queue, now(), true)
                    .unwrap();
            }
            let mut other = World::on(&world.disk);
            world.disk.interrupt_after(calls, move || drop(other.act(operation).unwrap()));
            world.act(Operation::Store { trace: first, to_send: false }).unwrap();
            if world.disk.take_interruption() {
                break;
            }
            interruptions += 1;
            open(&world.disk).trim(&mut Dropped::default()).unwrap();
            let found = Content::of(&world.disk);
            let numbers: Vec<_> = found.waiting.iter().map(|trace| trace.number).collect();
            let context = format!("{operation:?} after {calls} calls left {numbers:?}");
            assert!(!found.exceeds_limits() && numbers.contains(&101), "{context}");
            if let Operation::Store { .. } = operation {
                assert!(numbers.contains(&102), "{context}");
            }
            // The idle one and the oldest make room, or the oldest alone was acknowledged.
            let all = [2, 3, 5, 6, 101, 102];
            assert!(numbers.is_sorted() || numbers.ends_with(&[102, 101]), "{context}");
            assert!(all[1..4].iter().all(|number| numbers.contains(number)), "{context}");
        }
    }
    assert!(interruptions > 20, "{interruptions}");
}
