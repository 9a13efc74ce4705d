//! The file `state`: facts for the next dispatches, beside the traces.

use std::collections::BTreeSet;
use std::fmt;

use super::name::TraceName;
use crate::otlp;

/// The contents of `state`, which a dispatch leaves for the next ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) backoff: Backoff,
    pub(crate) losses: Losses,
    /// True if a trace of more than [`SMALL`](super::waiting::SMALL) bytes may wait.
    pub(crate) large: bool,
}

/// The results of the last attempts to send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Backoff {
    /// The fingerprint of the endpoint.
    pub(crate) destination: u32,
    /// The number of dispatches in a row in which nothing was taken.
    pub(crate) failures: u32,
    /// The end of the pause that the backend asked for, in milliseconds since 1970.
    pub(crate) not_before: u64,
    /// Waiting traces that were sent and not taken.
    pub(crate) kept: BTreeSet<TraceName>,
}

/// The losses that no stored or sent trace has reported yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    /// Traces that were dropped because of the limits.
    pub(crate) dropped_traces: u64,
    /// Traces that the backend refused for good.
    pub(crate) refused_traces: u64,
    /// Traces that could be neither stored nor sent, or were damaged on the disk.
    pub(crate) lost_traces: u64,
    /// Spans that the backend rejected in traces that it took.
    pub(crate) rejected_spans: u64,
}

impl Losses {
    /// Returns the counts with their names, in `state` and in the attributes of a root.
    fn counts(&mut self) -> [(&'static str, &mut u64); 4] {
        [
            ("dropped_traces", &mut self.dropped_traces),
            ("refused_traces", &mut self.refused_traces),
            ("lost_traces", &mut self.lost_traces),
            ("rejected_spans", &mut self.rejected_spans),
        ]
    }

    fn count(&mut self, name: &str) -> Option<&mut u64> {
        self.counts().into_iter().find(|(known, _)| *known == name).map(|(_, count)| count)
    }

    /// Returns the attributes of a root span that report these losses.
    pub(crate) fn attributes(mut self) -> [(String, u64); 4] {
        self.counts().map(|(name, count)| (format!("{ATTRIBUTE}{name}"), *count))
    }

    /// Reads the losses that a trace reports.
    pub(crate) fn reported_by(request: &[u8]) -> Self {
        let mut losses = Self::default();
        otlp::attributes::integers(request, &mut |key, value| {
            let name = std::str::from_utf8(key).ok().and_then(|key| key.strip_prefix(ATTRIBUTE));
            if let Some(count) = name.and_then(|name| losses.count(name)) {
                *count = count.saturating_add(u64::try_from(value).unwrap_or(0));
            }
        });
        losses
    }

    pub(crate) fn plus(self, more: Self) -> Self {
        self.with(more, u64::saturating_add)
    }

    pub(crate) fn minus(self, reported: Self) -> Self {
        self.with(reported, u64::saturating_sub)
    }

    fn with(mut self, mut other: Self, combine: fn(u64, u64) -> u64) -> Self {
        for ((_, count), (_, other)) in self.counts().into_iter().zip(other.counts()) {
            *count = combine(*count, *other);
        }
        self
    }
}

/// The beginning of the attributes that report losses.
const ATTRIBUTE: &str = "charm_tracing.";

impl State {
    /// Reads lines of a key and a value. Skips other lines, so a damaged file loses only its own facts.
    pub(crate) fn parse(text: &str) -> Self {
        let mut state = Self::default();
        let State { backoff, losses, large } = &mut state;
        for (key, value) in text.lines().filter_map(|line| line.split_once(' ')) {
            let number = || value.parse().unwrap_or_default();
            match key {
                "destination" => backoff.destination = u32::from_str_radix(value, 16).unwrap_or_default(),
                "failures" => backoff.failures = u32::try_from(number()).unwrap_or(u32::MAX),
                "not_before" => backoff.not_before = number(),
                "large" => *large = value == "true",
                "kept" => backoff.kept.extend(TraceName::parse(value.as_bytes())),
                key => _ = losses.count(key).map(|count| *count = number()),
            }
        }
        state
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Backoff { destination, failures, not_before, kept } = &self.backoff;
        writeln!(f, "destination {destination:08x}\nfailures {failures}\nnot_before {not_before}")?;
        let mut losses = self.losses;
        for (name, count) in losses.counts() {
            writeln!(f, "{name} {count}")?;
        }
        writeln!(f, "large {}", self.large)?;
        kept.iter().try_for_each(|name| writeln!(f, "kept {name}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_read_as_it_is_written(
            destination: u32, failures: u32, not_before: u64, losses: [u64; 4], ids: Vec<([u8; 16], bool)>, large: bool,
        ) {
            let kept = ids.iter().map(|(id, idle)| TraceName::new(7, *id, *idle, failures)).collect();
            let [dropped_traces, refused_traces, lost_traces, rejected_spans] = losses;
            let state = State {
                backoff: Backoff { destination, failures, not_before, kept },
                losses: Losses { dropped_traces, refused_traces, lost_traces, rejected_spans },
                large,
            };
            prop_assert_eq!(State::parse(&state.to_string()), state);
        }

        #[test]
        fn any_text_is_some_state(text in "(kept |failures |lost_traces |[0-9]|\\PC|\n)*") {
            let state = State::parse(&text);
            prop_assert_eq!(State::parse(&state.to_string()), state);
        }
    }
}
