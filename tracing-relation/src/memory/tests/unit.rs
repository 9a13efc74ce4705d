use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::ReceiverProtocol::{self, OtlpHttp};
use crate::juju::Dispatch;
use crate::juju::testing::{HookContext, Model};
use crate::{TracingEndpointRequirer, charm_tracing_config};

/// The hooks of the second endpoint begin as those of the first do.
const METADATA: &str = "\
name: app
requires:
  tracing: {interface: tracing, limit: 1}
  tracing-relation: {interface: tracing, limit: 1}
  receive-ca: {interface: certificate_transfer}
";

pub(super) const A_URL: &str = "http://tempo:4318";

/// A unit with a charm directory, and the Juju around it.
pub(super) struct Unit {
    pub(super) juju: Model,
    directory: TempDir,
    pub(super) now: SystemTime,
}

impl Unit {
    pub(super) fn new(leader: bool) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("metadata.yaml"), METADATA).expect("written");
        let juju = Model::new("app/0");
        juju.set_leader(leader);
        Self { juju, directory, now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_763_750_000) }
    }

    /// A leader or follower whose backend is ready, and who has seen all events up to now.
    pub(super) fn ready(leader: bool) -> (Self, u32) {
        let unit = Self::new(leader);
        let id = unit.relate(A_URL);
        for event in ["created", "joined", "changed"] {
            unit.use_it(&unit.relation_hook(event, id), &[OtlpHttp]);
        }
        (unit, id)
    }

    pub(super) fn relate(&self, url: &str) -> u32 {
        let id = self.juju.add_relation("tracing", "tempo", &["tempo/0"]);
        self.publish(id, url);
        id
    }

    pub(super) fn publish(&self, id: u32, url: &str) {
        let receivers = match url {
            "" => String::new(),
            url => format!(r#"[{{"protocol": {{"name": "otlp_http", "type": "http"}}, "url": "{url}"}}]"#),
        };
        self.juju.set_remote_app_data(id, "receivers", &receivers);
    }

    pub(super) fn file(&self) -> PathBuf {
        self.directory.path().join(".relations")
    }

    pub(super) fn hook(&self, name: &str) -> Dispatch {
        self.begin(&[("JUJU_DISPATCH_PATH", &format!("hooks/{name}"))])
    }

    pub(super) fn relation_hook(&self, event: &str, id: u32) -> Dispatch {
        self.begin(&[
            ("JUJU_DISPATCH_PATH", &format!("hooks/tracing-relation-{event}")),
            ("JUJU_RELATION", "tracing"),
            ("JUJU_RELATION_ID", &format!("tracing:{id}")),
            ("JUJU_REMOTE_APP", "tempo"),
        ])
    }

    pub(super) fn begin(&self, vars: &[(&str, &str)]) -> Dispatch {
        let dispatch = self.without_memory(vars);
        self.juju.begin_hook(HookContext::from_dispatch(&dispatch));
        self.juju.clear_calls();
        dispatch.with_relation_memory_at(self.file(), self.now)
    }

    pub(super) fn without_memory(&self, vars: &[(&str, &str)]) -> Dispatch {
        let directory = self.directory.path().display().to_string();
        let own = [
            ("JUJU_UNIT_NAME", "app/0"),
            ("JUJU_MODEL_UUID", "20e13b21-6a7b-4f39-8f5a-5f2f4b0d0c01"),
            ("JUJU_CHARM_DIR", directory.as_str()),
        ];
        Dispatch::from_vars(vars.iter().copied().chain(own)).with_hook_tools(Arc::new(self.juju.clone()))
    }

    /// A whole dispatch of a charm: where it would push its traces, and the hook tools it ran.
    pub(super) fn use_it(
        &self,
        dispatch: &Dispatch,
        protocols: &[ReceiverProtocol],
    ) -> (Option<String>, Vec<String>) {
        let endpoint = endpoint(dispatch, protocols);
        dispatch.remember_relations();
        self.juju.commit_hook();
        (endpoint, self.tools())
    }

    fn tools(&self) -> Vec<String> {
        self.juju.calls().into_iter().map(|call| call[0].clone()).collect()
    }

    pub(super) fn status(&self) -> (Option<String>, Vec<String>) {
        self.use_it(&self.hook("update-status"), &[OtlpHttp])
    }
}

/// Where a charm would push its traces that asks for these protocols.
pub(super) fn endpoint(dispatch: &Dispatch, protocols: &[ReceiverProtocol]) -> Option<String> {
    let requirer =
        TracingEndpointRequirer::new(dispatch, "tracing", protocols).expect("it is in the metadata");
    charm_tracing_config(&requirer, None).expect("no tool fails").endpoint
}
