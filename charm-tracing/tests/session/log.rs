//! A session writes into Juju's log without waiting, in order, and waits for what it has written in the end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use charm_tracing::juju::{Dispatch, HookToolCall, HookToolError, HookToolOutput, HookTools};
use charm_tracing::{Config, Session};

use super::take_turn;

#[test]
fn lines_of_the_log_are_in_order_and_not_waited_for() {
    let (_turn, juju) = (take_turn(), Juju::default());
    let mut session = juju.session();
    let dispatch = session.dispatch().clone();
    session.event(|| {
        run(&dispatch, "is-leader");
        juju.note("handled");
    });
    let _ = session.finish(None);
    assert_eq!(
        juju.notes(),
        ["+ Starting root trace", "+ Emitting Juju event start.", "is-leader", "handled", "settled"]
    );
}

#[test]
fn whoever_ends_a_session_waits_for_its_log() {
    let _turn = take_turn();
    let said = ["+ Starting root trace", "+ Emitting Juju event start.", "handled", "settled"];

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

fn run(dispatch: &Dispatch, tool: &str) {
    dispatch.hook_tools().run(&HookToolCall::new(tool)).unwrap();
}

/// Notes which hook tools are run, and sent without waiting (`+`), and when the latter are waited for.
#[derive(Clone, Debug, Default)]
struct Juju(Arc<Mutex<Vec<String>>>);

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
        self.0.lock().unwrap().push(note.to_owned());
    }

    fn notes(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl HookTools for Juju {
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        self.note(call.tool());
        Ok(HookToolOutput::default())
    }

    fn send(&self, call: &HookToolCall) -> Result<(), HookToolError> {
        let text = call.args().last().unwrap().split(" with id=").next().unwrap();
        self.note(&format!("+ {text}"));
        Ok(())
    }

    /// Nothing is left to be waited for the second time.
    fn flush(&self) {
        if self.notes().last().is_some_and(|last| last != "settled") {
            self.note("settled");
        }
    }
}
