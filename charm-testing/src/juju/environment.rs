//! The environment of a dispatch, built from nothing as Juju does it: what is not here is not there.
//!
//! Many variables are always set but may be empty. An empty one is not the same as an absent one to a charm that
//! forgets to look, so they are empty here too.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::deployment::Deployment;
use super::event::{About, Event, Step};
use super::relation::Relation;

/// The paths in the unit's directory that the environment names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a> {
    pub(super) charm: &'a Path,
    pub(super) tools: &'a Path,
    pub(super) socket: &'a str,
}

/// The `PATH` of an agent on a machine.
const AGENT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

/// Returns all variables that Juju sets for one dispatch.
///
/// # Panics
/// If the event is about a relation that is gone.
pub(super) fn variables(
    deployment: &Deployment,
    places: Places<'_>,
    context_id: &str,
    event: &Event,
) -> BTreeMap<String, OsString> {
    let mut all = Variables::default();
    all.add_common(deployment, places, context_id);
    all.add_versioned(deployment.version());
    all.set("JUJU_DISPATCH_PATH", &event.path);
    match &event.about {
        About::Hook { variables } => {
            all.set("JUJU_HOOK_NAME", event.name());
            for (key, value) in variables {
                all.set(key, value);
            }
            if event.name() == "meter-status-changed" {
                all.0.remove("JUJU_VERSION");
            }
        }
        About::Relation { relation, step, .. } => {
            assert!(relation.is_known(), "the relation {relation} of {} is gone", event.name());
            all.set("JUJU_HOOK_NAME", event.name());
            all.add_relation(relation, *step, &event.remote_unit().unwrap_or_default());
        }
        About::Storage(storage) => {
            all.set("JUJU_HOOK_NAME", event.name());
            all.set("JUJU_STORAGE_ID", storage.id());
            all.0.insert("JUJU_STORAGE_LOCATION".to_owned(), storage.location().into());
            all.set("JUJU_STORAGE_KIND", "filesystem");
        }
        About::Action { .. } => {
            let number = context_id.rsplit('-').next().unwrap_or_default();
            all.set("JUJU_HOOK_NAME", "");
            all.set("JUJU_ACTION_NAME", event.name());
            all.set("JUJU_ACTION_UUID", number);
            all.set("JUJU_ACTION_TAG", &format!("action-{number}"));
        }
    }
    all.0
}

/// Changes the variables as the test says.
pub(super) fn override_variables(all: &mut BTreeMap<String, OsString>, event: &Event) {
    for (key, value) in &event.overrides {
        match value {
            Some(value) => _ = all.insert(key.clone(), value.into()),
            None => _ = all.remove(key),
        }
    }
}

#[derive(Default)]
struct Variables(BTreeMap<String, OsString>);

impl Variables {
    fn set(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), value.into());
    }

    fn add_common(&mut self, deployment: &Deployment, places: Places<'_>, context_id: &str) {
        for key in ["CHARM_DIR", "JUJU_CHARM_DIR"] {
            self.0.insert(key.to_owned(), places.charm.into());
        }
        self.0.insert("JUJU_AGENT_SOCKET_ADDRESS".to_owned(), places.socket.into());
        let mut path = places.tools.as_os_str().to_owned();
        path.push(":");
        path.push(AGENT_PATH);
        self.0.insert("PATH".to_owned(), path);

        for (key, value) in [
            ("JUJU_CONTEXT_ID", context_id),
            ("JUJU_AGENT_SOCKET_NETWORK", "unix"),
            ("JUJU_UNIT_NAME", &deployment.unit),
            ("JUJU_MODEL_NAME", &deployment.model_name),
            ("JUJU_MODEL_UUID", &deployment.model_uuid),
            ("JUJU_VERSION", &deployment.juju_version),
            ("JUJU_API_ADDRESSES", "10.0.0.2:17070 127.0.0.1:17070"),
            ("JUJU_MACHINE_ID", "0"),
            ("LANG", "C.UTF-8"),
            ("TERM", "tmux-256color"),
            ("DEBIAN_FRONTEND", "noninteractive"),
            ("APT_LISTCHANGES_FRONTEND", "none"),
        ] {
            self.set(key, value);
        }
        for empty in [
            "JUJU_PRINCIPAL_UNIT",
            "JUJU_AVAILABILITY_ZONE",
            "CLOUD_API_VERSION",
            "JUJU_CHARM_HTTP_PROXY",
            "JUJU_CHARM_HTTPS_PROXY",
            "JUJU_CHARM_FTP_PROXY",
            "JUJU_CHARM_NO_PROXY",
        ] {
            self.set(empty, "");
        }
    }

    fn add_versioned(&mut self, version: (u32, u32)) {
        if version < (4, 0) {
            self.set("JUJU_SLA", "unsupported");
        }
        if version >= (4, 1) {
            for empty in ["HTTP", "GRPC", "CA_CERT"] {
                self.set(&format!("JUJU_CHARM_TRACE_CONFIG_{empty}"), "");
            }
        }
    }

    fn add_relation(&mut self, relation: &Relation, step: Step, remote_unit: &str) {
        self.set("JUJU_RELATION", relation.endpoint());
        self.set("JUJU_RELATION_ID", &relation.to_string());
        self.set("JUJU_REMOTE_APP", relation.remote_app());
        self.set("JUJU_REMOTE_UNIT", remote_unit);
        if step == Step::Departed {
            self.set("JUJU_DEPARTING_UNIT", remote_unit);
        }
    }
}
