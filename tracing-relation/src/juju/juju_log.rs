use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, TryLockError};
use std::time::{Duration, Instant};

use super::{Dispatch, HookToolCall, HookToolError};

/// The longest argument that Linux accepts, in bytes (131072 with its final zero).
const MAX_ARGUMENT: usize = 131_071;

/// The time limit of all lines that are written without waiting. It is short, because a hook should not wait for its log.
const PATIENCE: Duration = Duration::from_secs(1);

/// The lines of this dispatch that are written without waiting, and the topics of all messages that are said once.
///
/// Nothing waits for a lock to write a line, because a child that was forked meanwhile may not have the thread that holds it.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The topics of the warnings to the operator, and of the lines of `RelationEndpoint::say_once`, that were written.
    topics: Mutex<HashSet<String>>,
    /// The time that the lines of tracing have taken, in nanoseconds.
    taken: AtomicU64,
    /// True if a line of the charm's logger took as long as it may, so Juju does not answer.
    logger_gave_up: AtomicBool,
}

/// Juju's log.
impl Dispatch {
    /// Writes a line into Juju's log (`juju-log`). Does nothing if the message is empty.
    ///
    /// A message is cut at the limit of an argument (128 KiB), and its NUL characters are removed.
    ///
    /// # Errors
    ///
    /// The tool fails.
    pub fn juju_log(&self, level: log::Level, message: &str) -> Result<(), HookToolError> {
        juju_log_call(level, message).map_or(Ok(()), |call| self.tools.run(&call).map(drop))
    }

    /// Writes a line into Juju's log and ignores failures, for example for a library. Does not wait for the tool if Juju's
    /// agent is called over its socket.
    ///
    /// All such lines of a dispatch together take at most one second. The lines after that are dropped.
    pub fn juju_log_without_waiting(&self, level: log::Level, message: &str) {
        let left = PATIENCE.saturating_sub(Duration::from_nanos(self.lines.taken.load(Ordering::Relaxed)));
        let Some(call) = juju_log_call(level, message).filter(|_| !left.is_zero()) else { return };
        let started = Instant::now();
        // The failure is not even logged, because the charm may send its log to Juju's log.
        let _ = self.tools.send(&call.at_most(left));
        self.spend(started);
    }

    /// Writes a line into Juju's log for the charm's logger, and ignores failures. Does not wait for the tool if Juju's agent
    /// is called over its socket.
    ///
    /// Unlike [`juju_log_without_waiting`](Self::juju_log_without_waiting) it has no time limit for all lines together,
    /// because they are the charm's own. Each line takes at most one second. After a line that took so long, Juju does not
    /// answer, and the later lines of the dispatch are dropped.
    pub fn juju_log_for_logger(&self, level: log::Level, message: &str) {
        if self.lines.logger_gave_up.load(Ordering::Relaxed) {
            return;
        }
        let Some(call) = juju_log_call(level, message) else { return };
        let started = Instant::now();
        // The failure is not logged, because the logger would write it in the same way.
        let _ = self.tools.send(&call.at_most(PATIENCE));
        if started.elapsed() >= PATIENCE {
            self.lines.logger_gave_up.store(true, Ordering::Relaxed);
        }
    }

    /// Waits for the lines that were written without waiting. Call it at the end of the dispatch.
    pub fn flush_log(&self) {
        let started = Instant::now();
        self.tools.flush();
        self.spend(started);
    }

    fn spend(&self, started: Instant) {
        // No dispatch takes the 584 years after which this would be wrong.
        let taken = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.lines.taken.fetch_add(taken, Ordering::Relaxed);
    }

    /// Returns true if the topic is new in this dispatch, so that a message about it is not a repetition. Also returns true
    /// while another thread has the topics, because a forked child would wait for it forever.
    pub(crate) fn is_news(&self, topic: &str) -> bool {
        match self.lines.topics.try_lock() {
            Ok(mut topics) => topics.insert(topic.to_owned()),
            Err(TryLockError::Poisoned(topics)) => topics.into_inner().insert(topic.to_owned()),
            Err(TryLockError::WouldBlock) => true,
        }
    }

    /// Warns the operator about a problem that only they can solve, once per dispatch and topic. Ignores failures.
    pub(crate) fn warn_operator(&self, topic: &str, message: &str) {
        log::debug!("{message}");
        if self.is_news(topic) {
            self.juju_log_without_waiting(log::Level::Warn, message);
        }
    }
}

fn juju_log_call(level: log::Level, message: &str) -> Option<HookToolCall> {
    let level = if level == log::Level::Warn { "WARNING" } else { level.as_str() };
    let message = message.replace('\0', "");
    let is_boundary = |end: &usize| message.is_char_boundary(*end);
    let end = (0..=message.len().min(MAX_ARGUMENT)).rev().find(is_boundary).unwrap_or_default();
    let message = &message[..end];
    let call = HookToolCall::new("juju-log").arg("--log-level").arg(level).arg("--");
    (!message.is_empty()).then(|| call.arg(message))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::thread;

    use super::*;
    use crate::juju::testing::Model;
    use crate::juju::{HookToolErrorKind, HookToolOutput, HookTools};

    #[test]
    fn log_messages_fit_into_an_argument() {
        let juju = Model::new("app/0");
        let dispatch =
            Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]).with_hook_tools(Arc::new(juju.clone()));
        let long = "\u{e9}".repeat(MAX_ARGUMENT);
        for message in ["--flag\0?", &long, "", "\0"] {
            dispatch.juju_log(log::Level::Warn, message).expect("logged");
        }
        let lines = juju.log();
        let levels: Vec<&str> = lines.iter().map(|line| line.level.as_str()).collect();
        assert_eq!((levels, lines[0].message.as_str()), (vec!["WARNING"; 2], "--flag?"));
        assert_eq!(lines[1].message.len(), MAX_ARGUMENT - 1, "cut between characters");
    }

    /// Hook tools that take their whole allowed time, or a part of it, and record how long that was.
    #[derive(Debug)]
    struct Slow {
        part: u32,
        allowed: Mutex<Vec<Duration>>,
    }

    impl HookTools for Slow {
        fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
            let allowed = call.time_allowed(Duration::from_hours(1));
            self.allowed.lock().expect("not poisoned").push(allowed);
            thread::sleep(allowed / self.part);
            Err(HookToolError::new(HookToolErrorKind::TimedOut, call.tool(), None))
        }
    }

    fn slow(part: u32) -> (Dispatch, Arc<Slow>) {
        let tools = Arc::new(Slow { part, allowed: Mutex::default() });
        let dispatch = Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]);
        (dispatch.with_hook_tools(Arc::<Slow>::clone(&tools)), tools)
    }

    #[test]
    fn lines_that_do_not_matter_to_the_hook_take_a_second_together() {
        let (dispatch, tools) = slow(2);
        for _ in 0..3 {
            dispatch.clone().juju_log_without_waiting(log::Level::Info, "a line");
        }
        let allowed = tools.allowed.lock().expect("not poisoned").clone();
        assert_eq!((allowed.len(), allowed[0]), (3, Duration::from_secs(1)));
        assert!(allowed[1] <= Duration::from_millis(500), "{allowed:?}");
        assert!(allowed[2] <= Duration::from_millis(250), "{allowed:?}");
    }

    #[test]
    fn a_log_that_hangs_is_given_up() {
        let (dispatch, tools) = slow(1);
        for topic in ["a topic", "a topic", "another"] {
            dispatch.warn_operator(topic, "a warning");
        }
        assert_eq!(*tools.allowed.lock().expect("not poisoned"), [Duration::from_secs(1)]);
    }

    #[test]
    fn a_logger_has_no_limit_for_all_lines_together() {
        let (dispatch, tools) = slow(3);
        for _ in 0..4 {
            dispatch.clone().juju_log_for_logger(log::Level::Info, "a line");
        }
        assert_eq!(*tools.allowed.lock().expect("not poisoned"), [Duration::from_secs(1); 4]);
    }

    #[test]
    fn a_logger_gives_up_when_juju_does_not_answer() {
        let (dispatch, tools) = slow(1);
        for _ in 0..3 {
            dispatch.juju_log_for_logger(log::Level::Info, "a line");
        }
        assert_eq!(*tools.allowed.lock().expect("not poisoned"), [Duration::from_secs(1)]);
    }

    #[test]
    fn a_forked_child_does_not_wait_for_a_thread_that_it_does_not_have() {
        let (dispatch, tools) = slow(2);
        let _held_by_the_missing_thread = dispatch.lines.topics.lock().expect("not poisoned");
        dispatch.warn_operator("a topic", "a warning");
        assert_eq!(tools.allowed.lock().expect("not poisoned").len(), 1);
    }

    #[test]
    fn a_warning_is_said_once() {
        let juju = Model::new("app/0");
        let dispatch =
            Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]).with_hook_tools(Arc::new(juju.clone()));
        for dispatch in [dispatch.clone(), dispatch] {
            dispatch.warn_operator("a topic", "a warning");
        }
        assert_eq!(juju.log().len(), 1);
    }
}
