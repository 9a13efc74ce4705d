//! What a piece of work records. A session is a global of the process, so the tests of one file take turns.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use charm_tracing::juju::Dispatch;
use charm_tracing::juju::testing::Model;
use charm_tracing::{Config, Destination, Session};

use crate::collector::{CollectedSpan, Collector};
use crate::tree::{self, Outline};

/// Waits until no other test has a session.
pub fn take_turn() -> MutexGuard<'static, ()> {
    static ONE_SESSION: Mutex<()> = Mutex::new(());
    ONE_SESSION.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` as the handling of `start`, and returns the spans that arrived at a collector.
///
/// # Panics
///
/// If they did not arrive, or are no tree.
pub fn spans_of(work: impl FnOnce()) -> Vec<CollectedSpan> {
    let _turn = take_turn();
    let collector = Collector::start();
    let dispatch = Dispatch::from_vars([
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_DISPATCH_PATH", "hooks/start"),
        ("JUJU_MODEL_NAME", "testing"),
        ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
    ])
    .with_hook_tools(Arc::new(Model::new("app/0")));
    let mut session = Session::start(dispatch, Config::new().buffer_max_events(0));
    session.event(work);
    let report = session.finish(Some(Destination::new(collector.endpoint(), None)));
    assert_eq!(report.delivered, 1, "{report:?}");
    let spans = collector.spans();
    tree::check(&spans).expect("a whole trace");
    spans
}

/// The spans below `event: start`, one a line, with their status if they failed.
pub fn recorded(work: impl FnOnce()) -> String {
    let outline = Outline::new().status().of(&spans_of(work));
    outline
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .fold(String::new(), |text, line| text + line.trim_end() + "\n")
}
