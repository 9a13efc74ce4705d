//! Records the spans of traced code in memory and shows them as a tree, for its tests.
//!
//! ```
//! # #[cfg(feature = "testing")] {
//! use charm_tracing::testing::Recording;
//! use charm_tracing::trace_fn;
//!
//! #[trace_fn]
//! fn port(text: &str) -> Result<u16, std::num::ParseIntError> {
//!     text.trim().parse()
//! }
//!
//! #[trace_fn]
//! fn ports(texts: &[&str]) -> usize {
//!     texts.iter().filter(|text| port(text).is_ok()).count()
//! }
//!
//! let recording = Recording::start();
//! assert_eq!(ports(&["4317", "http"]), 1);
//! assert_eq!(
//!     recording.tree(),
//!     "\
//! function call: ports
//!   function call: port
//!   function call: port [error: invalid digit found in string]
//! "
//! );
//! # }
//! ```
//!
//! Tests run in parallel on threads of one process, but there is one recorder in the process. So recordings, sessions and
//! scopes of [`switch_off`](crate::switch_off) take turns: a thread that starts one waits until those of other threads are
//! over. A thread that records already gets a panic that says so, because it would wait for itself. A thread that has waited a
//! minute for the same other thread gets one as well.
//!
//! To record a whole test suite, start one recording for the life of the process: `std::mem::forget(Recording::start())` at the
//! beginning of the program. Such a process cannot open a session.

use std::collections::{HashMap, HashSet};

use opentelemetry::global::GlobalTracerProvider;
use opentelemetry::trace::{SpanId, Status};

use crate::recorder::globals;
use crate::recorder::turn::{Turn, Use};
use crate::recorder::{self, Details, Record, new_trace, open_trace};
use crate::span::{self, OpenSpan};

/// A recording in memory of every span of the process, for as long as it lives. It buffers and sends nothing, and needs no
/// dispatch.
#[derive(Debug)]
#[must_use = "nothing is recorded any more when this is dropped"]
pub struct Recording {
    previous_provider: Option<GlobalTracerProvider>,
    // The root ends after all other spans.
    _root: OpenSpan,
    _turn: Turn,
}

impl Recording {
    /// Starts to record. Waits first while another thread of this process holds a recording or has a
    /// [`Session`](crate::Session) open.
    ///
    /// # Panics
    ///
    /// Panics if this thread holds a recording or has a session open, because its spans and those of this recording would be
    /// the same. Panics if another thread has had one for a minute, because that thread may be waiting for this one.
    pub fn start() -> Self {
        let turn = Turn::take(Use::Recording);
        let turn = turn.unwrap_or_else(|refused| panic!("cannot record spans: {refused}"));
        let root = Box::new(Details::named("recording", Vec::new()));
        let opened = span::own_work(|| open_trace(u64::MAX, &new_trace(), root, None));
        let (root, _) = opened.expect("nothing is open out of turn");
        let previous = recorder::install();
        span::install_hook();
        Self { previous_provider: Some(previous), _root: OpenSpan::new(root), _turn: turn }
    }

    /// Returns the spans that have ended so far, one a line, each below its parent and in the order in which they began. A
    /// failed span has `[error: <description>]` behind its name. A span whose parent has not ended is not indented.
    #[must_use]
    pub fn tree(&self) -> String {
        span::own_work(|| globals::with(|trace| tree(trace.spans.ended())).unwrap_or_default())
    }

    /// Returns the number of spans that have ended so far.
    #[must_use]
    pub fn count(&self) -> usize {
        globals::with(|trace| trace.spans.ended_count()).unwrap_or(0)
    }

    /// Forgets the spans that have ended so far.
    pub fn clear(&self) {
        span::own_work(|| globals::with(|trace| trace.spans.forget()));
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(previous) = self.previous_provider.take() {
            recorder::uninstall(previous);
        }
        globals::close();
    }
}

fn tree<'a>(spans: impl Iterator<Item = &'a Record> + Clone) -> String {
    let ended: HashSet<SpanId> = spans.clone().map(|span| span.span_id).collect();
    let mut children: HashMap<Option<SpanId>, Vec<&Record>> = HashMap::new();
    for span in spans {
        let parent = Some(span.parent).filter(|parent| ended.contains(parent));
        children.entry(parent).or_default().push(span);
    }
    for siblings in children.values_mut() {
        siblings.sort_by_key(|span| span.start);
    }
    // A stack of the spans to write, the next one last. There is no recursion, because spans may nest deeper than the thread's
    // stack allows.
    let mut waiting: Vec<(usize, &Record)> = Vec::new();
    let mut text = String::new();
    let mut push_children = |waiting: &mut Vec<_>, parent, depth| {
        for child in children.remove(&parent).unwrap_or_default().into_iter().rev() {
            waiting.push((depth, child));
        }
    };
    push_children(&mut waiting, None, 0);
    while let Some((depth, span)) = waiting.pop() {
        let failed = match span.details.as_ref().map(|details| &details.status) {
            Some(Status::Error { description }) => format!(" [error: {description}]"),
            _ => String::new(),
        };
        text.extend(["  ".repeat(depth), span.name().to_owned(), failed, "\n".to_owned()]);
        push_children(&mut waiting, Some(span.span_id), depth + 1);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::Recording;

    #[test]
    fn recordings_take_turns_and_see_only_their_own_spans() {
        let record = || {
            let recording = Recording::start();
            crate::event("one", || crate::event("two", || ()));
            let _ = crate::try_event("three", || Err::<(), _>("no such unit"));
            assert_eq!(recording.count(), 3);
            let tree = recording.tree();
            recording.clear();
            assert_eq!(recording.tree(), "");
            tree
        };
        let other = thread::spawn(record);
        let expected = "event: one\n  event: two\nevent: three [error: no such unit]\n";
        assert_eq!(record(), expected);
        assert_eq!(other.join().unwrap(), expected);
    }
}
