//! The items that the program `charm-traces` needs to read the files of the queue and to send them. They are no part of the API,
//! and only builds with the feature `testing` have them, so no charm does.

use std::fmt;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::TraceId;
pub use tracing_relation::with_causes;

pub use crate::delivery::{Sent, send_by_hand};
use crate::otlp::journal_format;
use crate::queue::{State, TraceName, millis, python_requests};
pub use crate::testing::{in_one_line, in_words};

/// The name of a waiting trace's file.
#[derive(Clone, Copy, Debug)]
pub struct WaitingName(TraceName);

impl WaitingName {
    /// Makes the name for a request that is stored now.
    #[must_use]
    pub fn new(now: SystemTime, trace_id: TraceId, request: &[u8]) -> Self {
        Self(TraceName::new(millis(now), trace_id.to_bytes(), false, crc32fast::hash(request)))
    }

    /// Parses the name of a file; `None` if it is not that of a waiting trace.
    #[must_use]
    pub fn parse(name: &[u8]) -> Option<Self> {
        TraceName::parse(name).map(Self)
    }

    /// Returns true if only the handler ran in the dispatch.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.is_idle()
    }

    /// Returns true if the checksum in the name is that of these bytes.
    #[must_use]
    pub fn is_name_of(&self, request: &[u8]) -> bool {
        self.0.has_crc32(crc32fast::hash(request))
    }
}

/// Writes the name of the file.
impl fmt::Display for WaitingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Makes an OTLP request from a journal; `None` if it has no span, or is not valid.
#[must_use]
pub fn interrupted(journal: &[u8]) -> Option<Vec<u8>> {
    journal_format::interrupted(journal).map(|left| left.request)
}

/// Returns the OTLP requests in the Python library's buffer, one for each dispatch.
#[must_use]
pub fn requests_of_python(buffer: &[u8]) -> Vec<&[u8]> {
    python_requests(buffer).map(|request| request.bytes).collect()
}

/// The contents of the file `state` of a queue, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueState {
    /// The number of dispatches in a row in which the backend took nothing.
    pub failures: u32,
    /// The end of the pause that the backend asked for, if there is one.
    pub paused_until: Option<SystemTime>,
    /// The number of waiting traces that were sent and not taken.
    pub not_taken: usize,
    /// The losses that no trace has reported yet, by the attributes that will report them. None of them is 0.
    pub losses: Vec<(String, u64)>,
}

impl QueueState {
    /// Reads the file. Lines that are not understood are skipped.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let State { backoff, losses, .. } = State::parse(text);
        let until = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(backoff.not_before));
        Self {
            failures: backoff.failures,
            paused_until: until.filter(|until| *until > SystemTime::UNIX_EPOCH),
            not_taken: backoff.kept.len(),
            losses: losses.attributes().into_iter().filter(|(_, count)| *count > 0).collect(),
        }
    }
}
