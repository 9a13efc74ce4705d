use charm_tracing::__charm_traces::in_one_line;

use crate::output::{BAD, GOOD, WARNING, painted};

/// A fact about the way of the traces, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) fact: String,
    pub(super) advice: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// This is as it should be.
    Good,
    /// This may be the reason, or is not known.
    Notice,
    /// Traces do not arrive, or were lost, because of this.
    Bad,
}

impl Finding {
    pub(super) fn good(fact: impl Into<String>) -> Self {
        Self { severity: Severity::Good, fact: fact.into(), advice: None }
    }

    pub(super) fn notice(fact: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { severity: Severity::Notice, fact: fact.into(), advice: Some(advice.into()) }
    }

    pub(super) fn bad(fact: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { severity: Severity::Bad, fact: fact.into(), advice: Some(advice.into()) }
    }

    /// Writes the finding, and the advice in a line of its own.
    pub(super) fn text(&self) -> String {
        let (style, mark) = match self.severity {
            Severity::Good => (GOOD, "ok  "),
            Severity::Notice => (WARNING, "note"),
            Severity::Bad => (BAD, "bad "),
        };
        let fact = in_one_line(&self.fact);
        let advice = self.advice.as_ref().map(|advice| format!("\n      -> {advice}")).unwrap_or_default();
        format!("{}  {fact}{advice}\n", painted(style, mark))
    }
}
