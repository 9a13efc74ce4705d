//! What a session says in Juju's log, it says beside the charm's work: in order, complete in the end, and at nobody's cost.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use charm_tracing::juju::{
    Dispatch, HookToolCall, HookToolError, HookToolOutput, HookTools, PendingCall, StartedTool,
};
use charm_tracing::{Config, Session};

/// A process has one session at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn the_charm_does_not_wait_for_its_log() {
    let (_turn, juju) = (turn(), Juju::default());
    let mut session = juju.session();
    let dispatch = session.dispatch().clone();
    session.event(|| {
        juju.note("handled");
        run(&dispatch, "is-leader");
        juju.end_of_line();
        run(&dispatch, "config-get");
        juju.end_of_line();
    });
    juju.note("over");
    let _ = session.finish(None);
    assert_eq!(
        juju.notes(),
        [
            "+ Starting root trace",
            "handled",
            "is-leader",
            "- Starting root trace",
            "+ Emitting Juju event start.",
            "config-get",
            "- Emitting Juju event start.",
            "over",
        ]
    );
}

#[test]
fn a_charm_without_hook_tools_waits_for_its_log_in_the_end() {
    let (_turn, juju) = (turn(), Juju::default());
    let mut session = juju.session();
    session.event(|| juju.note("handled"));
    let _ = session.finish(None);
    let said = [
        "+ Starting root trace",
        "handled",
        "- Starting root trace",
        "+ Emitting Juju event start.",
        "- Emitting Juju event start.",
    ];
    assert_eq!(juju.notes(), said);

    let juju = Juju::default();
    let mut session = juju.session();
    session.event(|| juju.note("handled"));
    drop(session);
    assert_eq!(juju.notes(), said, "whoever forgets to finish");

    let juju = Juju::default();
    let panicking = catch_unwind(AssertUnwindSafe(|| {
        let mut session = juju.session();
        session.event(|| {
            juju.note("handled");
            panic!("the workload is gone");
        });
    }));
    assert!(panicking.is_err());
    assert_eq!(juju.notes(), said, "whoever panics");
}

fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(dispatch: &Dispatch, tool: &str) {
    dispatch.hook_tools().run(&HookToolCall::new(tool)).unwrap();
}

/// Notes which hook tools run, and of `juju-log` when it starts (`+`) and when it is known to have ended (`-`): when the
/// test says so, or when it is waited for.
#[derive(Clone, Debug, Default)]
struct Juju(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    notes: Vec<String>,
    line_is_over: bool,
}

struct Line {
    juju: Juju,
    text: String,
}

impl Juju {
    fn session(&self) -> Session {
        let vars = [
            ("JUJU_DISPATCH_PATH", "hooks/start"),
            ("JUJU_UNIT_NAME", "app/0"),
            ("JUJU_MODEL_NAME", "model"),
            ("JUJU_MODEL_UUID", "20e13b21-6a7b-4f39-8f5a-5f2f4b0d0c01"),
        ];
        let dispatch = Dispatch::from_vars(vars).with_hook_tools(Arc::new(self.clone()));
        Session::start(dispatch, Config::new().buffer_max_events(0))
    }

    fn note(&self, note: &str) {
        self.0.lock().unwrap().notes.push(note.to_owned());
    }

    fn notes(&self) -> Vec<String> {
        self.0.lock().unwrap().notes.clone()
    }

    fn end_of_line(&self) {
        self.0.lock().unwrap().line_is_over = true;
    }
}

impl HookTools for Juju {
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        self.note(call.tool());
        Ok(HookToolOutput::default())
    }

    fn start(&self, call: &HookToolCall) -> Result<PendingCall, HookToolError> {
        let text = call.args().last().unwrap().split(" with id=").next().unwrap().to_owned();
        self.note(&format!("+ {text}"));
        Ok(PendingCall::watched(Line { juju: self.clone(), text }))
    }
}

impl StartedTool for Line {
    fn is_over(&mut self) -> bool {
        std::mem::take(&mut self.juju.0.lock().unwrap().line_is_over)
    }

    fn wait(self: Box<Self>, _: Duration) -> Result<(), HookToolError> {
        self.juju.note(&format!("- {}", self.text));
        Ok(())
    }
}
