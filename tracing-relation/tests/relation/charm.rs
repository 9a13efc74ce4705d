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
}

impl Charm {
    /// A charm with `metadata`, the unit `app/0` of which is the leader, or not.
    pub(crate) fn new(metadata: &str, leader: bool) -> Self {
        let charm = Self { juju: Model::new("app/0"), directory: tempfile::tempdir().expect("a directory") };
        std::fs::write(charm.directory.path().join("metadata.yaml"), metadata).expect("written");
        charm.juju.set_leader(leader);
        charm
    }

    /// Relates the charm to `tempo`, which publishes `receivers`, if any.
    pub(crate) fn relate(&self, receivers: Option<&str>) -> u32 {
        let id = self.juju.add_relation("charm-tracing", "tempo", &["tempo/0"]);
        if let Some(receivers) = receivers {
            self.juju.set_remote_app_data(id, "receivers", receivers);
        }
        id
    }

    /// Begins a hook that is about nothing in particular.
    pub(crate) fn hook(&self, name: &str) -> Dispatch {
        self.begin(vec![("JUJU_DISPATCH_PATH", format!("hooks/{name}"))])
    }

    /// Begins a hook of a relation: `event` is `changed`, `broken`, and so on.
    pub(crate) fn relation_hook(&self, event: &str, id: u32) -> Dispatch {
        self.begin(vec![
            ("JUJU_DISPATCH_PATH", format!("hooks/charm-tracing-relation-{event}")),
            ("JUJU_RELATION", "charm-tracing".to_owned()),
            ("JUJU_RELATION_ID", format!("charm-tracing:{id}")),
            ("JUJU_REMOTE_APP", "tempo".to_owned()),
            ("JUJU_REMOTE_UNIT", String::new()),
        ])
    }

    fn begin(&self, mut vars: Vec<(&str, String)>) -> Dispatch {
        vars.push(("JUJU_UNIT_NAME", self.juju.unit_name()));
        vars.push(("JUJU_CHARM_DIR", self.directory.path().display().to_string()));
        let dispatch = Dispatch::from_vars(vars).with_hook_tools(Arc::new(self.juju.clone()));
        self.juju.begin_hook(HookContext::from_dispatch(&dispatch));
        dispatch
    }
}
