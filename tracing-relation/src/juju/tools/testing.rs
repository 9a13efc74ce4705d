//! Helpers for the tests in this folder: a dispatch with an in-memory Juju.

use std::sync::Arc;

use crate::juju::Dispatch;
use crate::juju::testing::{HookContext, Model};

/// Returns the unit `app/0` of a new model, outside of a hook.
pub(super) fn unit() -> (Model, Dispatch) {
    let juju = Model::new("app/0");
    let dispatch = Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]);
    (juju.clone(), dispatch.with_hook_tools(Arc::new(juju)))
}

/// Returns the unit in an action with these parameters.
pub(super) fn action(parameters: serde_json::Value) -> (Model, Dispatch) {
    let (juju, dispatch) = unit();
    juju.begin_hook(HookContext::action(parameters));
    (juju, dispatch)
}

/// Returns the command lines so far, each with its words separated by `|`, and clears them.
pub(super) fn lines(juju: &Model) -> Vec<String> {
    let calls = juju.calls();
    juju.clear_calls();
    calls.iter().map(|call| call.join("|")).collect()
}
