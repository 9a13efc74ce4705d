use log::LevelFilter;

/// Keeps what is below WARN from the charm's logger while a trace is delivered, until it is dropped.
///
/// A charm may make each line that it logs one of Juju's log. What the HTTP client says at DEBUG would be a dozen calls of a
/// hook tool then. The crate `log` has one level for the whole process, so other threads of the charm are held to it for that
/// time, too.
#[derive(Debug)]
pub(crate) struct Hushed {
    before: LevelFilter,
}

impl Hushed {
    pub(crate) fn begin() -> Self {
        let before = log::max_level();
        log::set_max_level(before.min(LevelFilter::Warn));
        Self { before }
    }
}

impl Drop for Hushed {
    fn drop(&mut self) {
        // Unless somebody has set another one meanwhile.
        if log::max_level() == self.before.min(LevelFilter::Warn) {
            log::set_max_level(self.before);
        }
    }
}
