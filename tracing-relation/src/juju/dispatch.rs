use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use super::juju_log::Lines;
use super::reads::Reads;
use super::{AgentHookTools, HookTools, Metadata, MetadataError};
use crate::memory::RelationMemory;

/// One run of a charm: the event and its details from the environment, and the hook tools to ask Juju for more.
///
/// Clones are cheap and share the data that was read: answers of hook tools, and the charm's metadata.
///
/// ```
/// use tracing_relation::juju::Dispatch;
///
/// let dispatch = Dispatch::from_vars([
///     ("JUJU_DISPATCH_PATH", "hooks/update-status"),
///     ("JUJU_UNIT_NAME", "app/0"),
///     ("JUJU_REMOTE_APP", ""),
/// ]);
/// assert_eq!(dispatch.event(), "update_status");
/// assert_eq!(dispatch.application()?, "app");
/// assert_eq!(dispatch.var("JUJU_REMOTE_APP"), None);
/// # Ok::<(), tracing_relation::juju::EnvironmentError>(())
/// ```
#[derive(Clone)]
pub struct Dispatch {
    pub(super) vars: Arc<HashMap<String, OsString>>,
    event: Arc<str>,
    metadata: Arc<OnceLock<Result<Metadata, MetadataError>>>,
    pub(super) tools: Arc<dyn HookTools>,
    pub(super) reads: Arc<Mutex<Reads>>,
    pub(super) lines: Arc<Lines>,
    /// The time limit of each tool that has a method here, if it is less than the limit of `tools`.
    pub(super) patience: Option<Duration>,
    memory: Arc<RelationMemory>,
    /// The endpoint for whose answers the memory is used; `None` for a dispatch whose tools are always asked.
    pub(super) remembers: Option<Arc<str>>,
}

impl Dispatch {
    /// Returns the dispatch that this process was started for, with its [hook tools](AgentHookTools).
    ///
    /// Never fails: a missing variable is an error of the method that needs it.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_vars(env::vars_os())
    }

    /// Returns a dispatch with these variables instead of the process's own, for tests and for programs that Juju does not
    /// start.
    pub fn from_vars<K: Into<OsString>, V: Into<OsString>>(vars: impl IntoIterator<Item = (K, V)>) -> Self {
        let vars = vars.into_iter().map(|(name, value)| (name.into(), value.into()));
        let named = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
        // An empty variable counts as absent, because Juju leaves variables empty that do not apply.
        let vars = vars.filter_map(named).filter(|(_, value)| !value.is_empty()).collect();
        let dispatch = Self {
            vars: Arc::new(vars),
            event: "".into(),
            metadata: Arc::default(),
            tools: Arc::new(AgentHookTools::from_env()),
            reads: Arc::default(),
            lines: Arc::default(),
            patience: None,
            memory: Arc::default(),
            remembers: None,
        };
        Self { event: dispatch.event_name().into(), ..dispatch }
    }

    /// Replaces the hook tools, and forgets the answers of the earlier ones.
    #[must_use]
    pub fn with_hook_tools(self, tools: Arc<dyn HookTools>) -> Self {
        Self { tools, reads: Arc::default(), ..self }
    }

    /// Limits the time of each hook tool that has a method here, for a caller that prefers no answer to a long wait. The
    /// shortest limit counts: of several calls of this method, and of the hook tools' own.
    #[must_use]
    pub fn with_patience(self, at_most: Duration) -> Self {
        Self { patience: Some(self.patience.map_or(at_most, |other| other.min(at_most))), ..self }
    }

    /// Stores in a file what the requirers of this crate read about relations, so that later dispatches need no hook tools
    /// for it until an event says that it changed.
    ///
    /// Call this in every dispatch of the charm, also if it uses no relation, and before anything that may fail, because it
    /// drops at once what the current event has made outdated. `charm_tracing::Session` does so. A later
    /// [`with_hook_tools`](Self::with_hook_tools) does not change the memory. At the end of the dispatch, call
    /// [`remember_relations`](Self::remember_relations).
    ///
    /// The stored data is valid for 24 hours at most. A file that cannot be used counts as missing. The file is created
    /// with mode 0600, in a directory that must exist. If the file is outdated, but can be neither changed nor removed, a
    /// WARNING in Juju's log says so.
    #[must_use]
    pub fn with_relation_memory(self, file: impl Into<PathBuf>) -> Self {
        self.with_relation_memory_at(file.into(), SystemTime::now())
    }

    pub(crate) fn with_relation_memory_at(self, file: PathBuf, now: SystemTime) -> Self {
        let memory = RelationMemory::open(file, &self, now).unwrap_or_default();
        Self { memory: Arc::new(memory), ..self }
    }

    /// Writes new facts about relations into the file of [`with_relation_memory`](Self::with_relation_memory). Does nothing
    /// if there is no memory, or nothing new.
    pub fn remember_relations(&self) {
        self.memory.save();
    }

    /// Drops the content of the file of [`with_relation_memory`](Self::with_relation_memory). Call it if the content is
    /// wrong: for example, a backend cannot be reached at the stored endpoint.
    pub fn forget_relations(&self) {
        self.memory.forget(self);
    }

    /// Uses the memory for what the tools answer about the relations of this endpoint.
    pub(crate) fn remembering(self, endpoint: &str) -> Self {
        Self { remembers: Some(endpoint.into()), ..self }
    }

    pub(crate) fn relation_memory(&self) -> &Arc<RelationMemory> {
        &self.memory
    }

    /// Returns the hook tools, for calls that have no method here.
    #[must_use]
    pub fn hook_tools(&self) -> &Arc<dyn HookTools> {
        &self.tools
    }

    /// Returns the name of the event, with underscores: `update_status`, `tracing_relation_changed`, and for actions
    /// `backup_action`. It is empty if there is no event, as in `juju exec`.
    ///
    /// It comes from `JUJU_DISPATCH_PATH`, else from `JUJU_HOOK_NAME` or `JUJU_ACTION_NAME`.
    #[must_use]
    pub fn event(&self) -> &str {
        &self.event
    }

    /// Returns the charm's directory: `JUJU_CHARM_DIR`, else `CHARM_DIR`, else the working directory, which Juju sets to
    /// it.
    #[must_use]
    pub fn charm_dir(&self) -> &Path {
        let dir = self.raw("JUJU_CHARM_DIR").or_else(|| self.raw("CHARM_DIR"));
        dir.map_or(Path::new("."), Path::new)
    }

    /// Returns the charm's metadata from [`charm_dir`](Self::charm_dir). Reads the file only once.
    ///
    /// # Errors
    ///
    /// The errors are those of [`Metadata::load`].
    pub fn metadata(&self) -> Result<&Metadata, MetadataError> {
        self.metadata.get_or_init(|| Metadata::load(self.charm_dir())).as_ref().map_err(Clone::clone)
    }

    fn event_name(&self) -> String {
        if let Some(path) = self.var("JUJU_DISPATCH_PATH") {
            let (kind, name) = path.rsplit_once('/').unwrap_or(("hooks", path));
            let suffix = if kind.rsplit('/').next() == Some("actions") { "_action" } else { "" };
            name.replace('-', "_") + suffix
        } else if let Some(hook) = self.var("JUJU_HOOK_NAME") {
            hook.replace('-', "_")
        } else {
            self.var("JUJU_ACTION_NAME")
                .map(|action| action.replace('-', "_") + "_action")
                .unwrap_or_default()
        }
    }
}

/// Shows only what identifies the dispatch, because the environment may hold an agent's token.
impl fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch")
            .field("event", &self.event)
            .field("unit", &self.var("JUJU_UNIT_NAME"))
            .field("charm_dir", &self.charm_dir())
            .field("tools", &self.tools)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dispatch<const N: usize>(vars: [(&str, &str); N]) -> Dispatch {
        Dispatch::from_vars(vars)
    }

    #[test]
    fn events_are_named_as_ops_names_them() {
        let cases = [
            ("hooks/update-status", "update_status"),
            ("hooks/tracing-relation-changed", "tracing_relation_changed"),
            ("hooks/web-pebble-ready", "web_pebble_ready"),
            ("actions/back-up", "back_up_action"),
            ("install", "install"),
            ("/var/lib/juju/agents/unit-app-0/charm/hooks/start", "start"),
            ("src/actions/back-up", "back_up_action"),
        ];
        for (path, event) in cases {
            assert_eq!(dispatch([("JUJU_DISPATCH_PATH", path)]).event(), event);
        }
    }

    #[test]
    fn the_event_without_a_dispatch_path_is_the_hooks_or_the_actions() {
        let hook = dispatch([("JUJU_DISPATCH_PATH", ""), ("JUJU_HOOK_NAME", "config-changed")]);
        assert_eq!(hook.event(), "config_changed");
        let action = dispatch([("JUJU_HOOK_NAME", ""), ("JUJU_ACTION_NAME", "back-up")]);
        assert_eq!(action.event(), "back_up_action");
        assert_eq!(dispatch([]).event(), "");
    }

    #[test]
    fn a_dispatch_may_be_shared_by_threads() {
        fn shared<T: Send + Sync + Clone>(_: &T) {}
        shared(&dispatch([]));
    }

    #[test]
    fn charm_dir_falls_back() {
        let cases: [(&[(&str, &str)], &str); 3] = [
            (&[("JUJU_CHARM_DIR", "/a"), ("CHARM_DIR", "/b")], "/a"),
            (&[("JUJU_CHARM_DIR", ""), ("CHARM_DIR", "/b")], "/b"),
            (&[], "."),
        ];
        for (vars, expected) in cases {
            assert_eq!(Dispatch::from_vars(vars.iter().copied()).charm_dir(), Path::new(expected));
        }
    }

    #[test]
    fn metadata_is_read_once_for_all_clones() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("metadata.yaml");
        std::fs::write(&file, "name: first").expect("written");
        let dispatch = Dispatch::from_vars([("JUJU_CHARM_DIR", directory.path())]);
        let clone = dispatch.clone();
        assert_eq!(dispatch.metadata().expect("valid").name, "first");
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(clone.metadata().expect("still known").name, "first");
    }

    #[test]
    fn debug_shows_no_variable_that_may_be_a_secret() {
        let dispatch = dispatch([("JUJU_AGENT_TOKEN", "hunter2"), ("JUJU_UNIT_NAME", "app/0")]);
        let shown = format!("{dispatch:?}");
        assert!(!shown.contains("hunter2") && shown.contains("app/0"), "{shown}");
    }
}
