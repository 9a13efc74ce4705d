use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Dispatch, HookToolCall, HookToolError, PendingCall};

/// Linux takes no longer argument (131072 bytes with its final zero).
const MAX_ARGUMENT: usize = 131_071;

/// How long a warning may take before it is given up: a hook does not wait for its log.
const PATIENCE: Duration = Duration::from_secs(1);

/// What this dispatch has said that is to be said once.
#[derive(Debug, Default)]
pub(super) struct Said(Mutex<HashSet<String>>);

/// The log.
impl Dispatch {
    /// Starts `juju-log`, which runs beside the charm's own work. Nothing is logged if the message is empty.
    ///
    /// What is too long for an argument (128 KiB) is cut, and NUL characters are left out.
    ///
    /// # Errors
    ///
    /// The tool cannot be started.
    pub fn juju_log(&self, level: log::Level, message: &str) -> Result<PendingCall, HookToolError> {
        let level = match level {
            log::Level::Error => "ERROR",
            log::Level::Warn => "WARNING",
            log::Level::Info => "INFO",
            log::Level::Debug => "DEBUG",
            log::Level::Trace => "TRACE",
        };
        let message = message.replace('\0', "");
        let message = &message[..message.floor_char_boundary(MAX_ARGUMENT)];
        if message.is_empty() {
            return Ok(PendingCall::finished(Ok(())));
        }
        self.tools.start(&HookToolCall::new("juju-log").arg("--log-level").arg(level).arg("--").arg(message))
    }

    /// Whether this is asked for the first time in this dispatch: then it may be said.
    pub(crate) fn is_news(&self, topic: &str) -> bool {
        let mut said = self.said.0.lock().unwrap_or_else(PoisonError::into_inner);
        !said.contains(topic) && said.insert(topic.to_owned())
    }

    /// Warns the operator about something that only they can mend: once per dispatch and topic. Whether that arrived is
    /// nobody's concern.
    pub(crate) fn warn_operator(&self, topic: &str, message: &str) {
        log::debug!("{message}");
        if self.is_news(topic)
            && let Err(error) =
                self.juju_log(log::Level::Warn, message).and_then(|pending| pending.wait(PATIENCE))
        {
            log::debug!("a warning did not get into Juju's log: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
            let pending = dispatch.juju_log(log::Level::Warn, message).expect("it starts");
            pending.wait(Duration::from_secs(1)).expect("logged");
        }
        let lines = juju.log();
        let levels: Vec<&str> = lines.iter().map(|line| line.level.as_str()).collect();
        assert_eq!((levels, lines[0].message.as_str()), (vec!["WARNING"; 2], "--flag?"));
        assert_eq!(lines[1].message.len(), MAX_ARGUMENT - 1, "cut between characters");
    }

    /// Tools that tell for how long they are waited for.
    #[derive(Debug, Default)]
    struct Hanging(Arc<Mutex<Vec<Duration>>>);

    impl HookTools for Hanging {
        fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
            Err(HookToolError::new(HookToolErrorKind::TimedOut, call.tool(), None))
        }

        fn start(&self, call: &HookToolCall) -> Result<PendingCall, HookToolError> {
            let (waited, hangs) = (Arc::clone(&self.0), self.run(call).map(drop));
            Ok(PendingCall::new(move |at_most| {
                waited.lock().expect("not poisoned").push(at_most);
                hangs
            }))
        }
    }

    #[test]
    fn a_warning_is_waited_for_once_and_for_a_second_at_most() {
        let tools = Hanging::default();
        let waited = Arc::clone(&tools.0);
        let dispatch = Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]).with_hook_tools(Arc::new(tools));
        for dispatch in [dispatch.clone(), dispatch] {
            dispatch.warn_operator("a topic", "a warning");
        }
        assert_eq!(*waited.lock().expect("not poisoned"), [Duration::from_secs(1)]);
    }
}
