//! Events that happen to the unit.

use std::time::Duration;

use serde_json::Value;

/// Something that Juju tells a charm: a hook or an action, with what the charm learns about it.
#[derive(Debug, Clone)]
pub struct Event {
    /// `JUJU_DISPATCH_PATH`.
    pub(super) path: String,
    pub(super) about: About,
    /// Variables that a test sets, or takes away.
    pub(super) overrides: Vec<(String, Option<String>)>,
    pub(super) limit: Duration,
}

/// The subject of an event.
#[derive(Debug, Clone)]
pub(super) enum About {
    /// Nothing but what these variables say.
    Hook {
        variables: Vec<(&'static str, String)>,
    },
    Relation {
        id: u32,
        step: Step,
        remote: Remote,
    },
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

/// Who on the other side of the relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Remote {
    /// The first unit, if there is one.
    First,
    Unit(String),
    /// The application as a whole.
    Application,
}

/// Longer than anything that works; a charm that hangs fails its test instead of stopping the run.
const LONGEST: Duration = Duration::from_mins(1);

impl Event {
    /// A hook without variables of its own, such as `install`, `update-status`, or any other by its name.
    #[must_use]
    pub fn hook(name: &str) -> Self {
        Self::with(name, [])
    }

    /// `<endpoint>-relation-created`, for a relation that was added to the
    /// [`SimulatedJuju`](super::SimulatedJuju::add_relation).
    #[must_use]
    pub fn relation_created(endpoint: &str, id: u32) -> Self {
        Self::relation(endpoint, id, Step::Created, Remote::Application)
    }

    /// `<endpoint>-relation-joined`, by the first remote unit.
    #[must_use]
    pub fn relation_joined(endpoint: &str, id: u32) -> Self {
        Self::relation(endpoint, id, Step::Joined, Remote::First)
    }

    /// `<endpoint>-relation-changed`, by the first remote unit.
    #[must_use]
    pub fn relation_changed(endpoint: &str, id: u32) -> Self {
        Self::relation(endpoint, id, Step::Changed, Remote::First)
    }

    /// `<endpoint>-relation-departed`, of the first remote unit.
    #[must_use]
    pub fn relation_departed(endpoint: &str, id: u32) -> Self {
        Self::relation(endpoint, id, Step::Departed, Remote::First)
    }

    /// `<endpoint>-relation-broken`. When the charm has handled it, the relation is gone.
    #[must_use]
    pub fn relation_broken(endpoint: &str, id: u32) -> Self {
        Self::relation(endpoint, id, Step::Broken, Remote::Application)
    }

    /// Makes this unit the one that a relation event is about.
    ///
    /// # Panics
    /// If it is not a relation event that is about a unit.
    #[must_use]
    pub fn remote_unit(self, unit: &str) -> Self {
        self.remote(Remote::Unit(unit.to_owned()))
    }

    /// Makes a relation event one about the remote application as a whole, as when only its databag has changed.
    ///
    /// # Panics
    /// If it is not a relation event that is about a unit.
    #[must_use]
    pub fn remote_application(self) -> Self {
        self.remote(Remote::Application)
    }

    /// An action with these parameters, a JSON object.
    #[must_use]
    pub fn action(name: &str, parameters: Value) -> Self {
        Self::new(format!("actions/{name}"), About::Action { parameters })
    }

    /// `<storage>-storage-attached` for an id such as `data/0`, at this path.
    #[must_use]
    pub fn storage_attached(id: &str, location: &str) -> Self {
        Self::storage("attached", id, location)
    }

    /// `<storage>-storage-detaching` for an id such as `data/0`, at this path.
    #[must_use]
    pub fn storage_detaching(id: &str, location: &str) -> Self {
        Self::storage("detaching", id, location)
    }

    /// `secret-changed` for an id such as `secret:9m4e2mr0ui3e8a215n4g`; the label may be empty.
    #[must_use]
    pub fn secret_changed(id: &str, label: &str) -> Self {
        Self::with("secret-changed", secret(id, label))
    }

    /// `secret-rotate`.
    #[must_use]
    pub fn secret_rotate(id: &str, label: &str) -> Self {
        Self::with("secret-rotate", secret(id, label))
    }

    /// `secret-expired`, of one revision.
    #[must_use]
    pub fn secret_expired(id: &str, label: &str, revision: u32) -> Self {
        Self::with("secret-expired", secret(id, label).into_iter().chain([secret_revision(revision)]))
    }

    /// `secret-remove`, of one revision.
    #[must_use]
    pub fn secret_remove(id: &str, label: &str, revision: u32) -> Self {
        Self::with("secret-remove", secret(id, label).into_iter().chain([secret_revision(revision)]))
    }

    /// `<container>-pebble-ready`.
    #[must_use]
    pub fn pebble_ready(container: &str) -> Self {
        Self::pebble(container, "ready", [])
    }

    /// `<container>-pebble-custom-notice`.
    #[must_use]
    pub fn pebble_custom_notice(container: &str, id: &str, key: &str) -> Self {
        let notice = [("JUJU_NOTICE_ID", id), ("JUJU_NOTICE_TYPE", "custom"), ("JUJU_NOTICE_KEY", key)];
        Self::pebble(container, "custom-notice", notice)
    }

    /// `<container>-pebble-check-failed`.
    #[must_use]
    pub fn pebble_check_failed(container: &str, check: &str) -> Self {
        Self::pebble(container, "check-failed", [("JUJU_PEBBLE_CHECK_NAME", check)])
    }

    /// `<container>-pebble-check-recovered`.
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
    pub fn without(mut self, key: &str) -> Self {
        self.overrides.push((key.to_owned(), None));
        self
    }

    /// Kills the charm and its children if it runs for longer than this. Unless said otherwise that is a minute.
    #[must_use]
    pub fn killed_after(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The name after `hooks/` or `actions/`.
    pub(super) fn name(&self) -> &str {
        self.path.split_once('/').map_or(self.path.as_str(), |(_, name)| name)
    }

    fn new(path: String, about: About) -> Self {
        Self { path, about, overrides: Vec::new(), limit: LONGEST }
    }

    fn with(name: &str, variables: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self::new(format!("hooks/{name}"), About::Hook { variables: variables.into_iter().collect() })
    }

    fn relation(endpoint: &str, id: u32, step: Step, remote: Remote) -> Self {
        let verb = match step {
            Step::Created => "created",
            Step::Joined => "joined",
            Step::Changed => "changed",
            Step::Departed => "departed",
            Step::Broken => "broken",
        };
        Self::new(format!("hooks/{endpoint}-relation-{verb}"), About::Relation { id, step, remote })
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

    fn storage(verb: &str, id: &str, location: &str) -> Self {
        let name = id.split('/').next().unwrap_or(id);
        let variables = [
            ("JUJU_STORAGE_ID", id.to_owned()),
            ("JUJU_STORAGE_LOCATION", location.to_owned()),
            ("JUJU_STORAGE_KIND", "filesystem".to_owned()),
        ];
        Self::with(&format!("{name}-storage-{verb}"), variables)
    }

    fn pebble<const N: usize>(container: &str, what: &str, variables: [(&'static str, &str); N]) -> Self {
        let workload = [("JUJU_WORKLOAD_NAME", container)];
        let all = workload.into_iter().chain(variables).map(|(key, value)| (key, value.to_owned()));
        Self::with(&format!("{container}-pebble-{what}"), all)
    }
}

fn secret(id: &str, label: &str) -> [(&'static str, String); 2] {
    [("JUJU_SECRET_ID", id.to_owned()), ("JUJU_SECRET_LABEL", label.to_owned())]
}

fn secret_revision(revision: u32) -> (&'static str, String) {
    ("JUJU_SECRET_REVISION", revision.to_string())
}
