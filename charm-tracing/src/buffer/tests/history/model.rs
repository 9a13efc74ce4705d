use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::super::super::record::{Priority, Progress, RECORD_HEADER};
use super::super::now;
use super::operation::{Operation, Trace, eighths};
use super::{MAX_AGE, MAX_BYTES, MAX_DISPATCHES};

/// For how long a process may send.
pub(in super::super) const LEASE: Duration = Duration::from_secs(3);

/// How long an operation takes.
const STEP: Duration = Duration::from_millis(700);

/// What is in the buffer and in the minds of the two processes, if all promises are kept.
#[derive(Debug, Clone)]
pub(in super::super) struct Model {
    waiting: Vec<Trace>,
    /// When those were stored that were, by their numbers.
    stored_at: BTreeMap<u64, SystemTime>,
    processes: [Process; 2],
    current: usize,
    /// Number and end of the lease that is held.
    lease: Option<(u64, SystemTime)>,
    leases: u64,
    /// How many there may still be.
    evictions: usize,
    now: SystemTime,
}

#[derive(Debug, Clone, Copy, Default)]
struct Process {
    /// Size of the record that may exceed the limits.
    beyond: u64,
    /// The number of the trace that it has in mind.
    held: Option<u64>,
    lease: Option<u64>,
}

/// What an operation says it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Report {
    Appended { evicted: usize, kept: bool },
    TooLarge,
    Trimmed(usize),
    Oldest(Option<(u64, Progress)>),
    Progressed(bool),
    Acknowledged(bool),
    Claimed(bool),
    Done,
    Failed,
}

impl Report {
    /// Whether the two say the same of what is in the buffer. How many made room is said only once, and who has the lease is
    /// only a hint: both may be lost with a change that was refused.
    pub(in super::super) fn agrees_with(self, other: Self) -> bool {
        match (self, other) {
            (Self::Appended { kept: ours, .. }, Self::Appended { kept: theirs, .. }) => ours == theirs,
            (Self::Trimmed(_), Self::Trimmed(_)) | (Self::Claimed(_), Self::Claimed(_)) => true,
            _ => self == other,
        }
    }
}

impl Model {
    pub(in super::super) fn new() -> Self {
        Self {
            waiting: Vec::new(),
            stored_at: BTreeMap::new(),
            processes: Default::default(),
            current: 0,
            lease: None,
            leases: 0,
            evictions: usize::MAX,
            now: now(),
        }
    }

    /// The same when this waits.
    pub(in super::super) fn with(waiting: Vec<Trace>) -> Self {
        Self { waiting, ..Self::new() }
    }

    /// The time of the operation that comes.
    pub(in super::super) fn now(&self) -> SystemTime {
        self.now
    }

    /// What waits, oldest first.
    pub(in super::super) fn waiting(&self) -> &[Trace] {
        &self.waiting
    }

    /// What the next process finds: it knows of nothing that is about to be sent.
    pub(in super::super) fn found_by_the_next(&self) -> Vec<Trace> {
        let mut model = self.clone();
        model.processes = Default::default();
        model.make_room();
        model.waiting
    }

    /// The same if an operation was begun that drops what is too old before it does anything else: for each number of drops.
    pub(in super::super) fn found_by_the_next_in(&self, operation: Operation) -> Vec<Vec<Trace>> {
        let found = |evictions| {
            let mut model = Self { evictions, now: self.now + STEP, ..self.clone() };
            if let Operation::AppendToSend(trace) = operation {
                model.process().beyond = size(&trace);
            }
            model.make_room();
            model.expire();
            Self { evictions: usize::MAX, ..model }.found_by_the_next()
        };
        let most = if operation.is_append() { self.waiting.len() } else { 0 };
        (0..=most).map(found).collect()
    }

    pub(in super::super) fn apply(&mut self, operation: Operation) -> Report {
        self.now += STEP;
        match operation {
            Operation::Append(trace) => self.append(trace),
            Operation::AppendToSend(trace) => {
                self.process().beyond = size(&trace);
                self.append(trace)
            }
            Operation::Trim => {
                self.process().beyond = 0;
                Report::Trimmed(self.make_room())
            }
            Operation::Oldest => {
                self.make_room();
                let oldest = self.waiting.first().copied();
                self.process().held = oldest.map(|trace| trace.number);
                Report::Oldest(oldest.map(|trace| (trace.number, trace.progress)))
            }
            Operation::Progress(done) => {
                let Some(held) = self.process().held else { return Report::Done };
                self.make_room();
                let held = self.waiting.iter_mut().find(|trace| trace.number == held);
                Report::Progressed(held.map(|trace| trace.progress = eighths(done)).is_some())
            }
            Operation::Acknowledge => {
                let Some(held) = self.process().held.take() else { return Report::Done };
                self.make_room();
                let before = self.waiting.len();
                self.waiting.retain(|trace| trace.number != held);
                Report::Acknowledged(self.waiting.len() < before)
            }
            Operation::Claim => {
                self.make_room();
                if self.lease.is_some_and(|(_, until)| until > self.now) {
                    return Report::Claimed(false);
                }
                self.leases += 1;
                self.lease = Some((self.leases, self.now + LEASE));
                self.process().lease = Some(self.leases);
                Report::Claimed(true)
            }
            Operation::Release => {
                let Some(released) = self.process().lease.take() else { return Report::Done };
                self.make_room();
                self.lease = self.lease.filter(|(held, _)| *held != released);
                Report::Done
            }
            Operation::SetBackoff(_) => {
                self.make_room();
                Report::Done
            }
            Operation::Replace => {
                *self.process() = Process::default();
                Report::Done
            }
            Operation::Switch => {
                self.current = 1 - self.current;
                Report::Done
            }
        }
    }

    /// What may be there if one change of the operation was refused, although it succeeded: the room that it was to make for
    /// others may be made by the next.
    pub(in super::super) fn after_success_of(&self, operation: Operation) -> Vec<Self> {
        self.with_room_made_in_part(|model| _ = model.apply(operation))
    }

    /// What may be there if it failed: as if it had not been, or, if that is not promised, as if it had.
    pub(in super::super) fn after_failure_of(&self, operation: Operation) -> Vec<Self> {
        let mut possible = self.with_room_made_in_part(|model| {
            match operation {
                Operation::AppendToSend(trace) => model.process().beyond = size(&trace),
                Operation::Trim => model.process().beyond = 0,
                Operation::Oldest | Operation::Acknowledge => model.process().held = None,
                Operation::Release => model.process().lease = None,
                _ => {}
            }
            model.now += STEP;
            model.make_room();
            if operation.is_append() {
                model.expire();
            }
        });
        if matches!(operation, Operation::Acknowledge | Operation::Progress(_)) {
            let mut done = self.clone();
            done.apply(operation);
            possible.push(done);
        }
        possible
    }

    /// One for each number of evictions, up to all of them.
    fn with_room_made_in_part(&self, mut operation: impl FnMut(&mut Self)) -> Vec<Self> {
        let after = |evictions| {
            let mut model = Self { evictions, ..self.clone() };
            operation(&mut model);
            Self { evictions: usize::MAX, ..model }
        };
        (0..=self.waiting.len() + 1).map(after).collect()
    }

    fn process(&mut self) -> &mut Process {
        &mut self.processes[self.current]
    }

    fn append(&mut self, trace: Trace) -> Report {
        if size(&trace) > MAX_BYTES {
            return Report::TooLarge;
        }
        // First for what was there: another process may have stored more, to be sent.
        let mut evicted = self.make_room() + self.expire();
        self.waiting.push(trace);
        self.stored_at.insert(trace.number, self.now);
        evicted += self.make_room();
        Report::Appended { evicted, kept: self.waiting.iter().any(|kept| kept.number == trace.number) }
    }

    /// How many were too old.
    fn expire(&mut self) -> usize {
        let before = self.waiting.len();
        while self.evictions > 0
            && let Some(oldest) = self.waiting.first()
            && self.stored_at.get(&oldest.number).is_some_and(|then| *then < self.now - MAX_AGE)
        {
            self.evictions -= 1;
            self.waiting.remove(0);
        }
        before - self.waiting.len()
    }

    /// How many that cost.
    fn make_room(&mut self) -> usize {
        let beyond = self.process().beyond;
        let max_records = MAX_DISPATCHES as usize + usize::from(beyond > 0);
        let before = self.waiting.len();
        while self.evictions > 0
            && (self.waiting.len() > max_records
                || self.waiting.iter().map(size).sum::<u64>() > MAX_BYTES + beyond)
        {
            self.evictions -= 1;
            let boring = self.waiting.iter().position(|trace| trace.priority == Priority::Boring);
            self.waiting.remove(boring.unwrap_or(0));
        }
        before - self.waiting.len()
    }
}

fn size(trace: &Trace) -> u64 {
    (RECORD_HEADER + trace.len) as u64
}
