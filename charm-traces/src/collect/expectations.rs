use charm_tracing::testing::Trace;

use crate::show::counted;

/// The reasons for which a collector of a test fails, as far as they are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Expectations {
    fails_on_error: bool,
    /// The names of spans that have not come yet.
    missing: Vec<String>,
    /// True if a name was expected at all.
    expects: bool,
    /// The first failed spans.
    failed: Vec<String>,
    failures: usize,
    /// The number of requests that could not be saved.
    unsaved: usize,
}

/// The number of failed spans that are named.
const NAMED: usize = 20;

impl Expectations {
    pub(super) fn new(fails_on_error: bool, names: &[String]) -> Self {
        Self { fails_on_error, missing: names.to_vec(), expects: !names.is_empty(), ..Self::default() }
    }

    /// Compares with spans that came.
    pub(super) fn add(&mut self, trace: &Trace) {
        self.missing.retain(|name| !trace.iter().any(|span| span.name == *name));
        if self.fails_on_error {
            for span in trace.iter().filter(|span| span.is_failed()) {
                self.failures += 1;
                if self.failed.len() < NAMED {
                    let text = span.error().unwrap_or("error").lines().next().unwrap_or_default().to_owned();
                    self.failed.push(format!("trace {}: {} failed: {text}", span.trace_id, span.name));
                }
            }
        }
    }

    /// Notes a request that could not be saved.
    pub(super) fn add_unsaved(&mut self) {
        self.unsaved += 1;
    }

    /// Returns true if no later span changes the outcome.
    pub(super) fn are_settled(&self) -> bool {
        self.expects && self.missing.is_empty() && !self.fails_on_error
    }

    /// Returns everything that is not as it should be.
    pub(super) fn faults(&self) -> Vec<String> {
        let missing = self.missing.iter().map(|name| format!("no span is named \"{name}\""));
        let more = self.failures - self.failed.len();
        let more = (more > 0).then(|| format!("and {more} more failed"));
        let unsaved = (self.unsaved > 0).then(|| format!("{} not saved", counted(self.unsaved, "request")));
        self.failed.iter().cloned().chain(more).chain(missing).chain(unsaved).collect()
    }
}
