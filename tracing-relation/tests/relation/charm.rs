//! A charm's directory, and the Juju in memory that dispatches it.

use std::sync::Arc;

use tempfile::TempDir;
use tracing_relation::juju::Dispatch;
use tracing_relation::juju::testing::{HookContext, Model};

pub(crate) const LIMIT_1: &str =
    "name: my-charm\nrequires: {charm-tracing: {interface: tracing, limit: 1}}\n";

/// A backend, which has the other side of the same endpoint.
pub(crate) const PROVIDER: &str = "name: tempo\nprovides: {charm-tracing: {interface: tracing}}\n";

pub(crate) struct Charm {
    pub(crate) juju: Model,
    directory: TempDir,
    /// The endpoint that is tested, and the application at its other end.
    endpoint: &'static str,
    remote_app: &'static str,
}

impl Charm {
    /// A charm with `metadata`, the unit `app/0` of which is the leader, or not. Its endpoint `charm-tracing` is tested.
    pub(crate) fn new(metadata: &str, leader: bool) -> Self {
        Self::with_endpoint("charm-tracing", "tempo", metadata, leader)
    }

    /// Makes a charm with another endpoint, which `remote_app` is related to.
    pub(crate) fn with_endpoint(
        endpoint: &'static str,
        remote_app: &'static str,
        metadata: &str,
        leader: bool,
    ) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let charm = Self { juju: Model::new("app/0"), directory, endpoint, remote_app };
        charm.describe(metadata);
        charm.juju.set_leader(leader);
        charm
    }

    /// Replaces the metadata.
    pub(crate) fn describe(&self, metadata: &str) {
        std::fs::write(self.directory.path().join("metadata.yaml"), metadata).expect("written");
    }

    /// Relates the charm to a backend, which publishes `receivers`, if any.
    pub(crate) fn relate(&self, receivers: Option<&str>) -> u32 {
        let id = self.relate_to(&["tempo/0"]);
        if let Some(receivers) = receivers {
            self.juju.set_remote_app_data(id, "receivers", receivers);
        }
        id
    }

    /// Relates the charm to an application with these units, which has published nothing yet.
    pub(crate) fn relate_to(&self, units: &[&str]) -> u32 {
        self.juju.add_relation(self.endpoint, self.remote_app, units)
    }

    /// Begins a hook that is about nothing in particular.
    pub(crate) fn hook(&self, name: &str) -> Dispatch {
        self.begin(vec![("JUJU_DISPATCH_PATH", format!("hooks/{name}"))])
    }

    /// Begins a hook of a relation: `event` is `changed`, `broken`, and so on.
    pub(crate) fn relation_hook(&self, event: &str, id: u32) -> Dispatch {
        self.begin(vec![
            ("JUJU_DISPATCH_PATH", format!("hooks/{}-relation-{event}", self.endpoint)),
            ("JUJU_RELATION", self.endpoint.to_owned()),
            ("JUJU_RELATION_ID", format!("{}:{id}", self.endpoint)),
            ("JUJU_REMOTE_APP", self.remote_app.to_owned()),
            ("JUJU_REMOTE_UNIT", String::new()),
        ])
    }

    /// The hook tools that were run since the last hook began.
    pub(crate) fn tools(&self) -> Vec<String> {
        self.juju.calls().into_iter().map(|call| call[0].clone()).collect()
    }

    fn begin(&self, mut vars: Vec<(&str, String)>) -> Dispatch {
        vars.push(("JUJU_UNIT_NAME", self.juju.unit_name()));
        vars.push(("JUJU_CHARM_DIR", self.directory.path().display().to_string()));
        let dispatch = Dispatch::from_vars(vars).with_hook_tools(Arc::new(self.juju.clone()));
        self.juju.begin_hook(HookContext::from_dispatch(&dispatch));
        self.juju.clear_calls();
        dispatch
    }
}
