//! A row of the tables: what goes wrong, and what is claimed about it.

use std::collections::BTreeSet;
use std::fmt::Debug;

use charm_testing::queue;
use charm_testing::{Juju, Outcome};

use crate::trial::{Trial, session_charm};
use crate::waits::{NOTHING, Wait};

type Step = Box<dyn Fn(&mut Trial) + Send + Sync>;

/// One fault. Unless it claims something else, the hook succeeds, waits for nothing, and no trace is lost or sent twice.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    charm: Box<dyn Fn() -> Juju + Send + Sync>,
    endpoint: &'static str,
    strike: Step,
    mend: Step,
    ends: &'static str,
    waits: Vec<Wait>,
    knows_backend: bool,
    traced: bool,
    lost: usize,
    twice: usize,
    peers: [&'static str; 2],
    cannot_run: Option<String>,
}

/// Why there is no line.
#[derive(Debug)]
pub(crate) enum NoLine {
    /// The machine does not permit the fault.
    NotRun(String),
    /// Wrong seconds. A busy machine makes a hook slower and never quicker, so it is worth another attempt.
    TooSlow(String),
}

/// How often a hook may be too slow.
const ATTEMPTS: usize = 5;

const NOT_MEASURED: &str = "–";

/// More of a message is not shown.
const LONGEST_MESSAGE: usize = 150;

impl Fault {
    /// `strike` brings it about and runs the hooks that meet it.
    pub(crate) fn new(name: &'static str, strike: impl Fn(&mut Trial) + Send + Sync + 'static) -> Self {
        Self {
            name,
            charm: Box::new(session_charm),
            endpoint: "tracing",
            strike: Box::new(strike),
            mend: Box::new(|_| {}),
            ends: "0",
            waits: vec![NOTHING],
            knows_backend: true,
            traced: true,
            lost: 0,
            twice: 0,
            peers: [NOT_MEASURED; 2],
            cannot_run: None,
        }
    }

    /// It happens to this charm instead of the one with a `Session`.
    pub(crate) fn of(mut self, charm: impl Fn() -> Juju + Send + Sync + 'static) -> Self {
        self.charm = Box::new(charm);
        self
    }

    /// The charm learns of its backend over this endpoint instead of `tracing`.
    pub(crate) fn over(mut self, endpoint: &'static str) -> Self {
        self.endpoint = endpoint;
        self
    }

    /// How it is mended. Then the unit has one hook.
    pub(crate) fn mended(mut self, mend: impl Fn(&mut Trial) + Send + Sync + 'static) -> Self {
        self.mend = Box::new(mend);
        self
    }

    /// How each hook ends that meets it: an exit code, or `signal <number>`.
    pub(crate) fn ends(mut self, how: &'static str) -> Self {
        self.ends = how;
        self
    }

    /// Says how long the hooks wait that meet it, one after the other; those that follow, as long as the last.
    pub(crate) fn waits(mut self, waits: &[Wait]) -> Self {
        self.waits = waits.to_vec();
        self
    }

    /// The charm knows of no backend when it happens.
    pub(crate) fn offline(mut self) -> Self {
        self.knows_backend = false;
        self
    }

    /// There are no traces of these hooks.
    pub(crate) fn untraced(mut self) -> Self {
        self.traced = false;
        self
    }

    /// So many traces are lost.
    pub(crate) fn loses(mut self, traces: usize) -> Self {
        self.lost = traces;
        self
    }

    /// So many traces are sent twice.
    pub(crate) fn repeats(mut self, traces: usize) -> Self {
        self.twice = traces;
        self
    }

    /// Says what was measured of the Python libraries `charm_tracing` and `ops[tracing]`.
    pub(crate) fn peers(mut self, charm_tracing: &'static str, ops_tracing: &'static str) -> Self {
        self.peers = [charm_tracing, ops_tracing];
        self
    }

    /// Where this is an error the fault cannot be brought about.
    pub(crate) fn needs(mut self, condition: Result<(), String>) -> Self {
        self.cannot_run = condition.err();
        self
    }

    /// Brings it about, checks what it claims, and says what came of it in a line of the document.
    pub(crate) fn line(&self) -> Result<String, NoLine> {
        if let Some(why) = &self.cannot_run {
            return Err(NoLine::NotRun(why.clone()));
        }
        for _ in 1..ATTEMPTS {
            match self.attempt() {
                Err(NoLine::TooSlow(_)) => {}
                other => return other,
            }
        }
        self.attempt()
    }

    fn attempt(&self) -> Result<String, NoLine> {
        let mut trial = Trial::start((self.charm)(), self.endpoint);
        trial.knows_backend = self.knows_backend;
        (self.strike)(&mut trial);
        for outcome in trial.outcomes() {
            assert_eq!(ending(outcome), self.ends, "{}: {outcome}", self.name);
            assert!(!outcome.success() || outcome.stderr.is_empty(), "{}: {outcome}", self.name);
        }
        let waits = self.waited(&trial)?;
        let delivered = trial.delivered();
        (self.mend)(&mut trial);
        // Now they can be counted wherever they are.
        let kept = trial.waiting();
        trial.recover();
        assert_eq!(queue::journals(&trial.buffer).len(), 0, "{}: {}", self.name, trial.story());
        let traces = trial.traces(self.traced, delivered);
        assert_eq!((traces.lost, traces.twice), (self.lost, self.twice), "{}: {}", self.name, trial.story());
        assert_eq!(trial.waiting(), 0, "{}: nothing waits any more: {}", self.name, trial.story());
        let at_once = match trial.remark.as_str() {
            "" => delivered.to_string(),
            remark => format!("{delivered} ({remark})"),
        };
        let [charm_tracing, ops_tracing] = self.peers;
        let cells = [
            self.name,
            self.ends,
            &waits,
            &messages(&trial),
            &traces.all.to_string(),
            &at_once,
            &kept.to_string(),
            &traces.afterwards.to_string(),
            &traces.lost.to_string(),
            &traces.twice.to_string(),
            charm_tracing,
            ops_tracing,
        ];
        Ok(format!("| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | ")))
    }

    /// How long the hooks have waited, if that is what was claimed.
    fn waited(&self, trial: &Trial) -> Result<String, NoLine> {
        let last = self.waits.last().unwrap();
        let claimed = self.waits.iter().chain(std::iter::repeat(last));
        for (outcome, wait) in trial.outcomes().iter().zip(claimed) {
            if !wait.is_that_of(outcome.duration, trial.usual()) {
                let claimed = wait.text;
                return Err(NoLine::TooSlow(format!(
                    "{}: {:?} is not {claimed} s more than {:?}: {outcome}",
                    self.name,
                    outcome.duration,
                    trial.usual()
                )));
            }
        }
        Ok(self.waits.iter().map(|wait| wait.text).collect::<Vec<_>>().join(", then "))
    }
}

/// Returns the lines above DEBUG in Juju's log.
fn messages(trial: &Trial) -> String {
    let said: Vec<Vec<String>> = trial
        .outcomes()
        .iter()
        .map(|outcome| outcome.notices().iter().map(|message| trial.anonymous(message)).collect())
        .collect();
    for notices in &said {
        assert!(notices.len() <= 1, "at most one line of each hook: {notices:?}");
    }
    let different: BTreeSet<&String> = said.iter().flatten().collect();
    let shown = different.into_iter().map(|message| {
        let hooks = said.iter().flatten().filter(|other| *other == message).count();
        let text = message.replace('\n', " ");
        let cut: String = text.chars().take(LONGEST_MESSAGE).collect();
        let shortened = if cut.len() < text.len() { "…" } else { "" };
        let all = if hooks == said.len() { String::new() } else { format!(" ({hooks} of {})", said.len()) };
        format!("`{cut}{shortened}`{all}")
    });
    let shown: Vec<_> = shown.collect();
    if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
}

fn ending(outcome: &Outcome) -> String {
    match (outcome.code(), outcome.signal()) {
        (Some(code), _) => code.to_string(),
        (None, signal) => format!("signal {}", signal.unwrap_or(0)),
    }
}
