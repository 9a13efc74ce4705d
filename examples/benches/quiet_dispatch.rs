//! The dispatch of the benchmarks that measure a session in their own process.

use std::sync::Arc;

use charm_tracing::juju::Dispatch;
use charm_tracing::juju::testing::Model;

/// A dispatch that asks nobody anything, with these variables more.
pub(crate) fn dispatch<'a>(more: impl IntoIterator<Item = (&'a str, &'a str)>) -> Dispatch {
    let vars = [
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_DISPATCH_PATH", "hooks/start"),
        ("JUJU_MODEL_NAME", "testing"),
        ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
    ];
    Dispatch::from_vars(vars.into_iter().chain(more)).with_hook_tools(Arc::new(Model::new("app/0")))
}
