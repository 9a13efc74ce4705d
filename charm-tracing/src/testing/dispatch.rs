use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;

use tracing_relation::juju::Dispatch;
use tracing_relation::juju::testing::{HookContext, Model, check_action_name};

use super::Trace;
use crate::run::{Outcome, ask_for_destination, play, record};
use crate::{Destination, Session, TracedCharm};

/// Plays a whole dispatch in this process: [`run`](crate::run) with a Juju in memory, whose trace is returned instead of delivered.
///
/// `name` is that of the hook, e.g. `update-status`, or of the action if the `context` is one. The `context` has what Juju says
/// about the event beside its name. If the charm fails, what it has written is dropped, as Juju does.
///
/// ```
/// # #[cfg(all(feature = "session", feature = "testing"))] {
/// use charm_tracing::juju::Dispatch;
/// use charm_tracing::juju::testing::{HookContext, Model};
/// use charm_tracing::testing;
/// # use charm_tracing::trace_charm;
///
/// struct MyCharm {
///     endpoint: Option<String>,
/// }
///
/// #[trace_charm(tracing_endpoint = "endpoint")]
/// impl MyCharm {
///     fn new(_: &Dispatch) -> Result<Self, String> {
///         Ok(Self { endpoint: None })
///     }
///     fn handle(&mut self, dispatch: &Dispatch) -> Result<(), String> {
///         let port: Option<u16> = dispatch.config_get_option("port").map_err(|error| error.to_string())?;
///         port.filter(|port| *port > 0).map(|_| ()).ok_or_else(|| "no port".to_owned())
///     }
/// }
///
/// let juju = Model::new("app/0");
/// juju.set_config("port", 0.into());
/// let dispatched = testing::dispatch(&juju, "config-changed", HookContext::new(), MyCharm::new, MyCharm::handle);
/// dispatched.trace.assert_tree(
///     "
///     app/0: config-changed event [error: no port]
///       method call: MyCharm.new
///       event: config_changed [error: no port]
///         method call: MyCharm.handle [error: no port]
///           config-get
///     ",
/// );
/// # }
/// ```
///
/// The trace is that of a real process. The dispatch writes no file, and the charm sees no variable of this process. Nothing is
/// remembered from an earlier dispatch, so the charm asks for its relations each time. The charm's metadata is read from the
/// working directory, which is that of the package in `cargo test`. Like a [`Recording`](super::Recording), the dispatch waits
/// for the recordings and sessions of other threads.
///
/// # Panics
///
/// Panics if the charm does. On a thread that holds a recording or has a session open, it panics as well. It also panics if the
/// name of an action ends in `-action` or `_action`, because that is the name of its event.
#[track_caller]
pub fn dispatch<C, E, F, N, H>(
    juju: &Model,
    name: &str,
    context: HookContext,
    new: impl FnOnce(&Dispatch) -> N,
    handle: impl FnOnce(&mut C, &Dispatch) -> H,
) -> Dispatched<C>
where
    N: Outcome<C, E>,
    H: Outcome<(), F>,
    C: TracedCharm,
    E: fmt::Debug,
    F: fmt::Debug,
{
    if context.action.is_some() {
        check_action_name(name);
    }
    let tools = Arc::new(juju.clone());
    let dispatch = Dispatch::from_vars(variables(juju, name, &context)).with_hook_tools(tools);
    juju.begin_hook(context);
    // Without a queue there is no file.
    let config = C::config().handler_is_traced().buffer_max_events(0);
    let mut session = Session::start(dispatch, config);
    let mut charm = None;
    let outcome = play(&mut session, &mut charm, new, handle);
    record(&session, &outcome);
    let destination = charm.as_ref().and_then(ask_for_destination).flatten();
    let request = session.into_request().unwrap_or_default();
    match outcome {
        Ok(Ok(())) => juju.commit_hook(),
        _ => juju.abort_hook(),
    }
    let result = outcome.unwrap_or_else(|panic| resume_unwind(panic));
    let trace = Trace::from_otlp(&request);
    let trace = trace.unwrap_or_else(|error| unreachable!("the request is our own: {error}"));
    Dispatched { trace, result, destination, charm }
}

/// The result of a dispatch that was played in this process.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dispatched<C> {
    /// The trace that would be delivered.
    pub trace: Trace,
    /// The text that [`run`](crate::run) prints behind `Error: ` if the charm fails.
    pub result: Result<(), String>,
    /// The destination that the charm names at the end.
    pub destination: Option<Destination>,
    /// The charm; `None` if it could not be constructed.
    pub charm: Option<C>,
}

/// Returns the variables that Juju would set.
fn variables(juju: &Model, name: &str, context: &HookContext) -> Vec<(&'static str, String)> {
    let kind = if context.action.is_some() { "actions" } else { "hooks" };
    let mut variables = vec![
        ("JUJU_DISPATCH_PATH", format!("{kind}/{name}")),
        ("JUJU_UNIT_NAME", juju.unit_name()),
        ("JUJU_MODEL_NAME", "testing".to_owned()),
        ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c".to_owned()),
    ];
    if context.action.is_some() {
        variables.push(("JUJU_ACTION_NAME", name.to_owned()));
    } else {
        variables.push(("JUJU_HOOK_NAME", name.to_owned()));
    }
    if let Some((endpoint, id)) = &context.relation {
        variables.push(("JUJU_RELATION", endpoint.clone()));
        variables.push(("JUJU_RELATION_ID", format!("{endpoint}:{id}")));
    }
    let remote = [
        ("JUJU_REMOTE_APP", &context.remote_app),
        ("JUJU_REMOTE_UNIT", &context.remote_unit),
        ("JUJU_DEPARTING_UNIT", &context.departing_unit),
    ];
    variables.extend(remote.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    variables
}

#[cfg(test)]
mod tests;
