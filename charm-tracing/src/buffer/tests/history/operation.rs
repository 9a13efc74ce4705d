use super::super::super::disk::Chance;
use super::super::super::record::{Priority, Progress, RECORD_HEADER};
use super::{MAX_BYTES, OPERATIONS};

/// What one of two processes does with the buffer that they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Operation {
    Append(Trace),
    AppendToSend(Trace),
    Trim,
    /// Reads the oldest record, and keeps it in mind.
    Oldest,
    /// Notes that so many of eight parts were taken of the one that it has in mind.
    Progress(u16),
    /// Acknowledges the one that it has in mind.
    Acknowledge,
    Claim,
    Release,
    SetBackoff(u32),
    /// The process ends, whatever it was doing, and another begins in its place.
    Replace,
    /// The other process goes on.
    Switch,
}

impl Operation {
    pub(in super::super) fn is_append(&self) -> bool {
        matches!(self, Self::Append(_) | Self::AppendToSend(_))
    }
}

/// A trace, of which no two have the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Trace {
    pub(in super::super) number: u64,
    pub(in super::super) priority: Priority,
    /// Of the payload, in bytes.
    pub(in super::super) len: usize,
    pub(in super::super) progress: Progress,
}

/// So many of eight parts.
pub(in super::super) fn eighths(done: u16) -> Progress {
    Progress { done, parts: 8 }
}

/// What belongs together. Before and after it, no process is in the middle of anything.
pub(in super::super) type Episode = Vec<Operation>;

/// A history.
pub(in super::super) fn episodes(seed: u64) -> Vec<Episode> {
    let mut author = Author { chance: Chance::of(seed), traces: 0, outage: true };
    let mut episodes: Vec<Episode> = Vec::new();
    while episodes.iter().map(Vec::len).sum::<usize>() < OPERATIONS {
        episodes.push(author.episode());
    }
    episodes
}

struct Author {
    chance: Chance,
    traces: u64,
    /// Little is sent, so the buffer is full.
    outage: bool,
}

impl Author {
    fn episode(&mut self) -> Episode {
        use Operation::{Acknowledge, Append, Claim, Oldest, Release, Replace, SetBackoff, Switch};

        if self.chance.percent(5) {
            self.outage = !self.outage;
        }
        let mut episode = match self.chance.below(22) {
            0..=6 => vec![Append(self.trace())],
            7..=12 => self.dispatch(),
            // Two at once.
            13 | 14 => {
                let (mut first, second) = (self.dispatch(), self.dispatch());
                let behind = first.split_off(1 + self.chance.below(first.len() - 1));
                [first, vec![Switch], second, vec![Switch], behind].concat()
            }
            // Another process appends while this one is sending.
            15 => vec![Oldest, Switch, Append(self.trace()), Append(self.trace()), Switch, Acknowledge],
            16 => vec![SetBackoff(u32::try_from(self.chance.below(9)).unwrap())],
            17 => vec![Claim, Release],
            // Killed while it was sending.
            18 => {
                let mut killed = self.dispatch();
                killed.truncate(1 + self.chance.below(killed.len()));
                [killed, vec![Replace]].concat()
            }
            // The backend takes them in parts.
            19 | 20 => {
                let progress = [self.part(), self.part()];
                let mut episode = vec![Oldest, progress[0], Oldest, progress[1]];
                if !self.outage {
                    episode.extend([Oldest, Acknowledge]);
                }
                episode
            }
            _ => vec![Oldest, Acknowledge],
        };
        if self.chance.percent(50) {
            episode.push(Replace);
        }
        episode
    }

    /// A dispatch that knows of a backend.
    fn dispatch(&mut self) -> Episode {
        use Operation::{Acknowledge, AppendToSend, Claim, Oldest, Release, SetBackoff, Trim};

        let mut dispatch = vec![AppendToSend(self.trace()), Claim];
        let sent = self.chance.below(if self.outage { 2 } else { 4 });
        for _ in 0..sent {
            dispatch.extend([Oldest, Acknowledge]);
        }
        if self.outage {
            dispatch.extend([Oldest, SetBackoff(1)]);
        }
        dispatch.extend([Release, Trim]);
        dispatch
    }

    fn part(&mut self) -> Operation {
        Operation::Progress(u16::try_from(self.chance.below(8)).unwrap())
    }

    fn trace(&mut self) -> Trace {
        self.traces += 1;
        let largest = usize::try_from(MAX_BYTES).unwrap() - RECORD_HEADER;
        let len = match self.chance.below(20) {
            0 => 0,
            1..=9 => self.chance.below(300),
            10..=16 => self.chance.below(3_000),
            17 | 18 => self.chance.below(largest + 1),
            // One byte more can never fit.
            _ => largest + self.chance.below(2),
        };
        let priority = if self.chance.percent(40) { Priority::Boring } else { Priority::Interesting };
        Trace { number: self.traces, priority, len, progress: Progress::default() }
    }
}
