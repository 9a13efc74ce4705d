//! Records a piece of work in a session. A session is a global of the process, so the tests of one binary take turns.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use charm_tracing::juju::testing::Model;
use charm_tracing::juju::{Dispatch, HookTools};
use charm_tracing::{Config, DeliveryReport, Destination, Session};

use charm_testing::Trace;
use charm_testing::collector::{Collector, Request};

/// Waits until no other test has a session.
pub fn take_turn() -> MutexGuard<'static, ()> {
    static ONE_SESSION: Mutex<()> = Mutex::new(());
    ONE_SESSION.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The spans of a session, and what it said.
#[derive(Debug)]
pub struct Recorded {
    /// The spans that arrived at a collector, in the order in which they were sent.
    pub spans: Trace,
    /// The requests that arrived at the collector.
    pub requests: Vec<Arc<Request>>,
    /// The session's report of its delivery.
    pub report: DeliveryReport,
    /// The Juju in which it was.
    pub model: Arc<Model>,
}

/// Returns a dispatch of `start` for the unit app/0 of the model.
#[must_use]
pub fn start_dispatch(model: &Arc<Model>) -> Dispatch {
    Dispatch::from_vars([
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_DISPATCH_PATH", "hooks/start"),
        ("JUJU_MODEL_NAME", "testing"),
        ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
    ])
    .with_hook_tools(Arc::clone(model) as Arc<dyn HookTools>)
}

/// Does `work` while a session is open that handles `start`.
///
/// # Panics
///
/// If its trace did not arrive.
pub fn record(_turn: &MutexGuard<'static, ()>, config: Config, work: impl FnOnce(&mut Session)) -> Recorded {
    let collector = Collector::start();
    let model = Arc::new(Model::new("app/0"));
    let mut session = Session::start(start_dispatch(&model), config.buffer_max_events(0));
    work(&mut session);
    let report = session.finish(Some(Destination::new(collector.endpoint(), None)));
    assert_eq!(report.delivered, 1, "{report:?}");
    Recorded { spans: collector.trace(), requests: collector.requests(), report, model }
}

/// Runs `work` as the handling of `start`, and returns the spans that arrived at a collector.
///
/// # Panics
///
/// If they did not arrive, or are no tree.
pub fn spans_of(work: impl FnOnce()) -> Trace {
    let Recorded { spans, .. } = record(&take_turn(), Config::new(), |session| session.event(work));
    spans.check().expect("a whole trace");
    spans
}

/// The spans below `event: start`, one a line, with their status if they failed.
pub fn recorded(work: impl FnOnce()) -> String {
    let outline = spans_of(work).outline().status().to_string();
    outline
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .fold(String::new(), |text, line| text + line.trim_end() + "\n")
}
