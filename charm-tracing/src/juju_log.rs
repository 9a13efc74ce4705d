use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use tracing_relation::juju::{Dispatch, HookToolError, HookToolErrorKind, PendingCall};

/// `juju-log` beside the charm's work. The agent runs one tool at a time, but two that were started together may arrive in
/// either order, so a line is only sent when the one before it has arrived.
///
/// There is no thread to see that it has: whoever comes by calls [`go_on`](Self::go_on). Clones are the same log.
#[derive(Clone, Debug)]
pub(crate) struct JujuLog(Arc<Mutex<Lines>>);

#[derive(Debug)]
struct Lines {
    dispatch: Dispatch,
    running: Option<PendingCall>,
    waiting: VecDeque<(log::Level, String)>,
    /// A tool that could not be started, or that hangs, will do so the next time, too.
    gone: bool,
}

/// How long a line may take before the dispatch stops waiting for it.
const PATIENCE: Duration = Duration::from_secs(1);

impl JujuLog {
    pub(crate) fn new(dispatch: Dispatch) -> Self {
        let lines = Lines { dispatch, running: None, waiting: VecDeque::new(), gone: false };
        Self(Arc::new(Mutex::new(lines)))
    }

    /// Sends a line as soon as those before it have arrived. Whether it arrives is nobody's concern: a hook does not fail for
    /// its log.
    pub(crate) fn say(&self, level: log::Level, text: String) {
        let mut lines = self.lines();
        lines.waiting.push_back((level, text));
        lines.go_on();
    }

    /// Sends the next line if the one before it has arrived. Does not wait, not even for another thread that does.
    pub(crate) fn go_on(&self) {
        match self.0.try_lock() {
            Ok(mut lines) => lines.go_on(),
            Err(TryLockError::Poisoned(lines)) => lines.into_inner().go_on(),
            Err(TryLockError::WouldBlock) => {}
        }
    }

    /// Waits until all lines have arrived. A tool that hangs costs [`PATIENCE`] once.
    pub(crate) fn settle(&self) {
        let mut lines = self.lines();
        while let Some(running) = lines.running.take() {
            lines.ended(running.wait(PATIENCE));
            lines.go_on();
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn go_on(&mut self) {
        if let Some(mut running) = self.running.take() {
            if !running.is_over() {
                self.running = Some(running);
                return;
            }
            self.ended(running.wait(Duration::ZERO));
        }
        if self.gone {
            self.waiting.clear();
        }
        if let Some((level, text)) = self.waiting.pop_front() {
            match self.dispatch.juju_log(level, &text) {
                Ok(running) => self.running = Some(running),
                Err(error) => {
                    log::debug!("cannot reach juju-log: {error}");
                    self.gone = true;
                }
            }
        }
    }

    fn ended(&mut self, result: Result<(), HookToolError>) {
        if let Err(error) = result {
            log::debug!("a line did not get into Juju's log: {error}");
            self.gone |= error.kind() == HookToolErrorKind::TimedOut;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use tracing_relation::juju::{HookToolCall, HookToolOutput, HookTools, StartedTool};

    use super::*;

    /// Tools that end when the test says so, or when they are waited for if they do not hang.
    #[derive(Debug, Default)]
    struct Tools {
        started: Mutex<Vec<String>>,
        waited: Mutex<Vec<Duration>>,
        over: AtomicBool,
        hang: AtomicBool,
        missing: AtomicBool,
        /// Told when a tool is waited for, which it is until the other end is dropped.
        slow: Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>>,
    }

    struct Tool(Arc<Tools>);

    impl StartedTool for Tool {
        fn is_over(&mut self) -> bool {
            self.0.over.swap(false, Ordering::SeqCst)
        }

        fn wait(self: Box<Self>, at_most: Duration) -> Result<(), HookToolError> {
            self.0.waited.lock().unwrap().push(at_most);
            if let Some((begun, end)) = self.0.slow.lock().unwrap().take() {
                begun.send(()).unwrap();
                let _ = end.recv();
            }
            if self.0.hang.load(Ordering::SeqCst) { Err(failed(HookToolErrorKind::TimedOut)) } else { Ok(()) }
        }
    }

    #[derive(Debug)]
    struct Shared(Arc<Tools>);

    impl HookTools for Shared {
        fn run(&self, _: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
            unreachable!("lines are only started")
        }

        fn start(&self, call: &HookToolCall) -> Result<PendingCall, HookToolError> {
            if self.0.missing.load(Ordering::SeqCst) {
                return Err(failed(HookToolErrorKind::NotInHookContext));
            }
            self.0.started.lock().unwrap().push(call.args().last().unwrap().clone());
            Ok(PendingCall::watched(Tool(Arc::clone(&self.0))))
        }
    }

    fn failed(kind: HookToolErrorKind) -> HookToolError {
        HookToolError::new(kind, "juju-log", None)
    }

    fn log() -> (JujuLog, Arc<Tools>) {
        let tools = Arc::<Tools>::default();
        let dispatch = Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]);
        (JujuLog::new(dispatch.with_hook_tools(Arc::new(Shared(Arc::clone(&tools))))), tools)
    }

    fn say(log: &JujuLog, lines: &[&str]) {
        for line in lines {
            log.say(log::Level::Debug, (*line).to_owned());
        }
    }

    impl Tools {
        fn started(&self) -> Vec<String> {
            self.started.lock().unwrap().clone()
        }

        fn end(&self) {
            self.over.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_line_waits_for_the_one_before_it_and_holds_nobody_up() {
        let (log, tools) = log();
        say(&log, &["a", "b", "c"]);
        log.go_on();
        assert_eq!(tools.started(), ["a"]);
        tools.end();
        log.go_on();
        log.go_on();
        assert_eq!(tools.started(), ["a", "b"]);
        tools.end();
        say(&log, &["d"]);
        assert_eq!(tools.started(), ["a", "b", "c"]);
        assert_eq!(*tools.waited.lock().unwrap(), [Duration::ZERO; 2], "only for what is over");
    }

    #[test]
    fn all_lines_have_arrived_in_the_end() {
        let (log, tools) = log();
        say(&log, &["a", "b", "c"]);
        log.clone().settle();
        assert_eq!(tools.started(), ["a", "b", "c"]);
        assert_eq!(*tools.waited.lock().unwrap(), [PATIENCE; 3]);
        log.settle();
        assert_eq!(tools.waited.lock().unwrap().len(), 3, "nothing is left");
    }

    #[test]
    fn a_tool_that_hangs_is_waited_for_once() {
        let (log, tools) = log();
        tools.hang.store(true, Ordering::SeqCst);
        say(&log, &["a", "b", "c"]);
        log.settle();
        say(&log, &["d"]);
        log.settle();
        assert_eq!((tools.started(), tools.waited.lock().unwrap().len()), (vec!["a".to_owned()], 1));
    }

    #[test]
    fn a_tool_that_is_not_there_is_looked_for_once() {
        let (log, tools) = log();
        tools.missing.store(true, Ordering::SeqCst);
        say(&log, &["a"]);
        tools.missing.store(false, Ordering::SeqCst);
        say(&log, &["b"]);
        log.settle();
        assert_eq!(tools.started(), [""; 0]);
    }

    #[test]
    fn a_hook_tool_of_another_thread_does_not_wait_with_the_log() {
        let (log, tools) = log();
        let (begun, waits) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        *tools.slow.lock().unwrap() = Some((begun, ended));
        say(&log, &["a"]);
        let waiting = log.clone();
        let thread = thread::spawn(move || waiting.settle());
        waits.recv().unwrap();
        log.go_on();
        drop(end);
        thread.join().unwrap();
        assert_eq!(tools.started(), ["a"]);
    }
}
