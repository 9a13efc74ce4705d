//! Tools that several of the tests need: [`recording`] and [`futures`] for traced code in the test's own process,
//! [`picture`] for pictures of traces,
//! [`relation_tools`] counts what a charm asks of Juju, and [`impatient`] is for charms.

use std::sync::Arc;
use std::time::Duration;

use charm_tracing::juju::{AgentHookTools, Dispatch};

pub mod futures;
pub mod picture;
pub mod recording;
pub mod relation_tools;

/// The dispatch with hook tools each of which may take `TOOL_MILLISECONDS`, if that is set: for charms that meet one that
/// hangs.
#[must_use]
pub fn impatient(dispatch: &Dispatch) -> Dispatch {
    let dispatch = dispatch.clone();
    match dispatch.var("TOOL_MILLISECONDS").and_then(|text| text.parse().ok()).map(Duration::from_millis) {
        Some(patience) => {
            dispatch.with_hook_tools(Arc::new(AgentHookTools::from_env().with_timeout(patience)))
        }
        None => dispatch,
    }
}
