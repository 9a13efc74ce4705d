//! Events that happen to the unit.

use std::time::Duration;

use serde_json::Value;
use tracing_relation::juju::testing::check_action_name;

use super::relation::Relation;
use super::secret::Secret;
use super::storage::Storage;

/// An event that Juju tells a charm: a hook or an action, with what the charm learns about it. [`Juju::dispatch`] runs it.
///
/// [`Juju::dispatch`]: crate::Juju::dispatch
#[derive(Debug, Clone)]
pub struct Event {
    /// The value of `JUJU_DISPATCH_PATH`.
    pub(super) path: String,
    pub(super) about: About,
    /// Variables that a test sets, or takes away.
    pub(super) overrides: Vec<(String, Option<String>)>,
    pub(super) limit: Duration,
}

/// The subject of an event.
#[derive(Debug, Clone)]
pub(super) enum About {
    /// A hook that is described by these variables alone.
    Hook {
        variables: Vec<(&'static str, String)>,
    },
    Relation {
        relation: Relation,
        step: Step,
        remote: Remote,
    },
    Storage(Storage),
    Action {
        parameters: Value,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Created,
    Joined,
    Changed,
    Departed,
    Broken,
}

/// The part of the remote side that a relation event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Remote {
    /// The first unit, if there is one.
    First,
    Unit(String),
    /// The application as a whole.
    Application,
}

/// The usual limit of a dispatch. A charm that hangs then fails its test, and the other tests run.
const LONGEST: Duration = Duration::from_secs(60);

impl Event {
    /// Returns `install`, the first event of a unit.
    #[must_use]
    pub fn install() -> Self {
        Self::hook("install")
    }

    /// Returns `start`, which follows the installation, and comes again after a reboot or in a new pod.
    #[must_use]
    pub fn start() -> Self {
        Self::hook("start")
    }

    /// Returns `stop`.
    #[must_use]
    pub fn stop() -> Self {
        Self::hook("stop")
    }

    /// Returns `remove`, the last event of a unit.
    #[must_use]
    pub fn remove() -> Self {
        Self::hook("remove")
    }

    /// Returns `config-changed`. Change the configuration with [`Juju::set_config`](crate::Juju::set_config).
    #[must_use]
    pub fn config_changed() -> Self {
        Self::hook("config-changed")
    }

    /// Returns `update-status`, which Juju repeats every five minutes.
    #[must_use]
    pub fn update_status() -> Self {
        Self::hook("update-status")
    }

    /// Returns `upgrade-charm`.
    #[must_use]
    pub fn upgrade_charm() -> Self {
        Self::hook("upgrade-charm")
    }

    /// Returns `leader-elected`. Make the unit the leader with [`Juju::set_leader`](crate::Juju::set_leader).
    #[must_use]
    pub fn leader_elected() -> Self {
        Self::hook("leader-elected")
    }

    /// Returns `leader-settings-changed`, which Juju 4 does not have any more.
    #[must_use]
    pub fn leader_settings_changed() -> Self {
        Self::hook("leader-settings-changed")
    }

    /// Returns `pre-series-upgrade` to a base such as `ubuntu@24.04`. Juju 4 does not have it any more.
    #[must_use]
    pub fn pre_series_upgrade(base: &str) -> Self {
        Self::with("pre-series-upgrade", [("JUJU_TARGET_BASE", base.to_owned())])
    }

    /// Returns `post-series-upgrade` to a base such as `ubuntu@24.04`. Juju 4 does not have it any more.
    #[must_use]
    pub fn post_series_upgrade(base: &str) -> Self {
        Self::with("post-series-upgrade", [("JUJU_TARGET_BASE", base.to_owned())])
    }

    /// Returns `collect-metrics`, in which nearly all hook tools are refused. Juju 4 does not have it any more.
    #[must_use]
    pub fn collect_metrics() -> Self {
        Self::hook("collect-metrics")
    }

    /// Returns `meter-status-changed`, in which nearly all hook tools are refused. Juju 4 does not have it any more.
    #[must_use]
    pub fn meter_status_changed(status: &str, info: &str) -> Self {
        let variables = [("JUJU_METER_STATUS", status.to_owned()), ("JUJU_METER_INFO", info.to_owned())];
        Self::with("meter-status-changed", variables)
    }

    /// Returns a hook by its name, for those without a function here. It has no variables of its own; see [`Event::env`].
    #[must_use]
    pub fn hook(name: &str) -> Self {
        Self::with(name, [])
    }

    /// Returns an action with these parameters, a JSON object. The name is the one in `charmcraft.yaml`, such as `backup`.
    ///
    /// # Panics
    /// If the name ends in `-action` or `_action`, because that is the name of the action's event.
    #[must_use]
    #[track_caller]
    pub fn action(name: &str, parameters: Value) -> Self {
        check_action_name(name);
        Self::new(format!("actions/{name}"), About::Action { parameters })
    }

    /// Returns `<endpoint>-relation-created`.
    #[must_use]
    pub fn relation_created(relation: &Relation) -> Self {
        Self::relation(relation, Step::Created, Remote::Application)
    }

    /// Returns `<endpoint>-relation-joined`, by the first remote unit.
    #[must_use]
    pub fn relation_joined(relation: &Relation) -> Self {
        Self::relation(relation, Step::Joined, Remote::First)
    }

    /// Returns `<endpoint>-relation-changed`, by the first remote unit.
    #[must_use]
    pub fn relation_changed(relation: &Relation) -> Self {
        Self::relation(relation, Step::Changed, Remote::First)
    }

    /// Returns `<endpoint>-relation-departed`, of the first remote unit.
    #[must_use]
    pub fn relation_departed(relation: &Relation) -> Self {
        Self::relation(relation, Step::Departed, Remote::First)
    }

    /// Returns `<endpoint>-relation-broken`. When the charm has handled it, the relation is gone.
    #[must_use]
    pub fn relation_broken(relation: &Relation) -> Self {
        Self::relation(relation, Step::Broken, Remote::Application)
    }

    /// Makes this unit the one that a relation event is about.
    ///
    /// # Panics
    /// If it is not a relation event that is about a unit.
    #[must_use]
    pub fn by_unit(self, unit: &str) -> Self {
        self.remote(Remote::Unit(unit.to_owned()))
    }

    /// Makes a relation event one about the remote application as a whole, as when only its databag has changed.
    ///
    /// # Panics
    /// If it is not a relation event that is about a unit.
    #[must_use]
    pub fn by_application(self) -> Self {
        self.remote(Remote::Application)
    }

    /// Returns `<storage>-storage-attached`.
    #[must_use]
    pub fn storage_attached(storage: &Storage) -> Self {
        Self::storage("attached", storage)
    }

    /// Returns `<storage>-storage-detaching`.
    #[must_use]
    pub fn storage_detaching(storage: &Storage) -> Self {
        Self::storage("detaching", storage)
    }

    /// Returns `secret-changed`: a secret of another application has a new revision.
    #[must_use]
    pub fn secret_changed(secret: &Secret) -> Self {
        Self::with("secret-changed", about(secret))
    }

    /// Returns `secret-rotate`: an own secret is due for a new content.
    #[must_use]
    pub fn secret_rotate(secret: &Secret) -> Self {
        Self::with("secret-rotate", about(secret))
    }

    /// Returns `secret-expired`, for a revision of an own secret.
    #[must_use]
    pub fn secret_expired(secret: &Secret, revision: u32) -> Self {
        Self::with("secret-expired", about(secret).into_iter().chain([secret_revision(revision)]))
    }

    /// Returns `secret-remove`: nobody reads this revision of an own secret any more.
    #[must_use]
    pub fn secret_remove(secret: &Secret, revision: u32) -> Self {
        Self::with("secret-remove", about(secret).into_iter().chain([secret_revision(revision)]))
    }

    /// Returns `<container>-pebble-ready`.
    #[must_use]
    pub fn pebble_ready(container: &str) -> Self {
        Self::pebble(container, "ready", [])
    }

    /// Returns `<container>-pebble-custom-notice`.
    #[must_use]
    pub fn pebble_custom_notice(container: &str, id: &str, key: &str) -> Self {
        let notice = [("JUJU_NOTICE_ID", id), ("JUJU_NOTICE_TYPE", "custom"), ("JUJU_NOTICE_KEY", key)];
        Self::pebble(container, "custom-notice", notice)
    }

    /// Returns `<container>-pebble-check-failed`.
    #[must_use]
    pub fn pebble_check_failed(container: &str, check: &str) -> Self {
        Self::pebble(container, "check-failed", [("JUJU_PEBBLE_CHECK_NAME", check)])
    }

    /// Returns `<container>-pebble-check-recovered`.
    #[must_use]
    pub fn pebble_check_recovered(container: &str, check: &str) -> Self {
        Self::pebble(container, "check-recovered", [("JUJU_PEBBLE_CHECK_NAME", check)])
    }

    /// Sets a variable on top of what Juju sets, or instead.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.overrides.push((key.to_owned(), Some(value.to_owned())));
        self
    }

    /// Takes a variable away.
    #[must_use]
    pub fn env_remove(mut self, key: &str) -> Self {
        self.overrides.push((key.to_owned(), None));
        self
    }

    /// Kills the charm and its children if it runs for longer than this. Unless said otherwise that is a minute.
    #[must_use]
    pub fn killed_after(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Returns the name after `hooks/` or `actions/`.
    pub(super) fn name(&self) -> &str {
        self.path.split_once('/').map_or(self.path.as_str(), |(_, name)| name)
    }

    /// Returns the unit that the event of a relation is about, if it is about one.
    pub(super) fn remote_unit(&self) -> Option<String> {
        match &self.about {
            About::Relation { relation, remote: Remote::First, .. } => {
                relation.remote_units().into_iter().next()
            }
            About::Relation { remote: Remote::Unit(unit), .. } => Some(unit.clone()),
            _ => None,
        }
    }

    fn new(path: String, about: About) -> Self {
        Self { path, about, overrides: Vec::new(), limit: LONGEST }
    }

    fn with(name: &str, variables: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self::new(format!("hooks/{name}"), About::Hook { variables: variables.into_iter().collect() })
    }

    fn relation(relation: &Relation, step: Step, remote: Remote) -> Self {
        let verb = match step {
            Step::Created => "created",
            Step::Joined => "joined",
            Step::Changed => "changed",
            Step::Departed => "departed",
            Step::Broken => "broken",
        };
        let path = format!("hooks/{}-relation-{verb}", relation.endpoint());
        Self::new(path, About::Relation { relation: relation.clone(), step, remote })
    }

    fn remote(mut self, who: Remote) -> Self {
        match &mut self.about {
            About::Relation { step: Step::Joined | Step::Changed | Step::Departed, remote, .. } => {
                *remote = who;
            }
            other => panic!("{other:?} is not about a unit"),
        }
        self
    }

    fn storage(verb: &str, storage: &Storage) -> Self {
        let path = format!("hooks/{}-storage-{verb}", storage.name());
        Self::new(path, About::Storage(storage.clone()))
    }

    fn pebble<const N: usize>(container: &str, what: &str, variables: [(&'static str, &str); N]) -> Self {
        let workload = [("JUJU_WORKLOAD_NAME", container)];
        let all = workload.into_iter().chain(variables).map(|(key, value)| (key, value.to_owned()));
        Self::with(&format!("{container}-pebble-{what}"), all)
    }
}

fn about(secret: &Secret) -> [(&'static str, String); 2] {
    [("JUJU_SECRET_ID", secret.uri().to_owned()), ("JUJU_SECRET_LABEL", secret.label().unwrap_or_default())]
}

fn secret_revision(revision: u32) -> (&'static str, String) {
    ("JUJU_SECRET_REVISION", revision.to_string())
}
