use super::{Dispatch, HookToolCall, HookToolError, PendingCall};

/// Linux takes no longer argument (131072 bytes with its final zero).
const MAX_ARGUMENT: usize = 131_071;

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
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::juju::testing::Model;

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
}
