use log::LevelFilter;

/// Hides log lines below WARN from the charm's logger while a trace is delivered, until this is dropped.
///
/// A charm may forward each log line to Juju's log. The HTTP client's DEBUG lines would then be a dozen calls of a hook
/// tool. The crate `log` has one level for the whole process, so this applies to the charm's other threads as well.
#[derive(Debug)]
pub(crate) struct WarningsOnly {
    before: LevelFilter,
}

impl WarningsOnly {
    pub(crate) fn begin() -> Self {
        let before = log::max_level();
        log::set_max_level(before.min(LevelFilter::Warn));
        Self { before }
    }
}

impl Drop for WarningsOnly {
    fn drop(&mut self) {
        // Not if other code has set another level meanwhile.
        if log::max_level() == self.before.min(LevelFilter::Warn) {
            log::set_max_level(self.before);
        }
    }
}
