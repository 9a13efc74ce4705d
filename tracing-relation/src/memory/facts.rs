use std::collections::BTreeMap;

use crate::juju::{Databag, RelationContext};

/// What was read of the relations of some endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// When the oldest of it was read, in seconds since 1970; 0 while nothing was.
    pub(super) learned: u64,
    /// The unit is not its application's leader.
    pub(super) follows: bool,
    /// By name.
    pub(super) endpoints: BTreeMap<String, BTreeMap<u32, RelationFacts>>,
    /// The applications at the other end, by the full id of the relation: `tracing:3`. They never change.
    pub(super) apps: BTreeMap<String, String>,
}

/// What was read of one relation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RelationFacts {
    /// The units at the other end.
    pub(super) units: Option<Vec<String>>,
    /// By the application or unit that they belong to.
    pub(super) databags: BTreeMap<String, Databag>,
}

/// For how long facts hold, in seconds.
const A_DAY: u64 = 24 * 60 * 60;

impl Facts {
    /// What can change is forgotten.
    pub(super) fn forget(&mut self) {
        *self = Self { apps: std::mem::take(&mut self.apps), ..Self::default() };
    }

    /// Whether an event says that any of it may have changed.
    pub(super) fn are_outdated_by(&self, event: &str, relation: Option<&RelationContext>) -> bool {
        if matches!(event, "start" | "install" | "upgrade_charm" | "leader_elected") {
            return true;
        }
        let of_relation = relation.map(|relation| relation.endpoint.replace('-', "_"));
        self.endpoints.keys().map(|endpoint| endpoint.replace('-', "_")).any(|endpoint| {
            let named = event.strip_prefix(&endpoint).is_some_and(|rest| rest.starts_with("_relation_"));
            named || of_relation.as_ref() == Some(&endpoint)
        })
    }

    /// Whether it was read within the last day, and not later than now.
    pub(super) fn are_fresh(&self, now: u64) -> bool {
        (self.learned..self.learned.saturating_add(A_DAY)).contains(&now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::juju::Dispatch;

    fn known() -> Facts {
        let endpoints = ["charm-tracing", "receive_ca"].map(|name| (name.to_owned(), BTreeMap::new()));
        Facts { learned: 1000, endpoints: endpoints.into(), ..Facts::default() }
    }

    fn is_outdated_by(path: &str, relation: &str) -> bool {
        let vars = [("JUJU_DISPATCH_PATH", path), ("JUJU_RELATION_ID", relation)];
        let dispatch = Dispatch::from_vars(vars);
        known().are_outdated_by(dispatch.event(), dispatch.relation().expect("valid").as_ref())
    }

    #[test]
    fn every_event_of_its_endpoints_outdates_it() {
        for event in ["created", "joined", "changed", "departed", "broken"] {
            let hook = format!("hooks/charm-tracing-relation-{event}");
            assert!(is_outdated_by(&hook, "charm-tracing:3"), "{event}");
            assert!(is_outdated_by(&hook, ""), "{event}, told by its name alone");
            assert!(is_outdated_by(&format!("hooks/receive_ca-relation-{event}"), "receive_ca:4"), "{event}");
            assert!(!is_outdated_by(&format!("hooks/database-relation-{event}"), "database:5"), "{event}");
        }
        assert!(is_outdated_by("", "charm-tracing:3"), "a command of juju exec, told by its relation alone");
    }

    #[test]
    fn what_happens_to_the_unit_itself_outdates_it() {
        for hook in ["install", "start", "upgrade-charm", "leader-elected"] {
            assert!(is_outdated_by(&format!("hooks/{hook}"), ""), "{hook}");
        }
        for hook in
            ["update-status", "config-changed", "stop", "web-pebble-ready", "charm-tracing-pebble-ready"]
        {
            assert!(!is_outdated_by(&format!("hooks/{hook}"), ""), "{hook}");
        }
    }

    #[test]
    fn it_holds_for_a_day_and_not_for_a_clock_that_went_back() {
        for (now, fresh) in [(999, false), (1000, true), (87_399, true), (87_400, false), (u64::MAX, false)] {
            assert_eq!(known().are_fresh(now), fresh, "{now}");
        }
    }

    #[test]
    fn the_names_of_applications_outlast_everything() {
        let apps = BTreeMap::from([("charm-tracing:3".to_owned(), "tempo".to_owned())]);
        let mut facts = Facts { apps: apps.clone(), follows: true, ..known() };
        facts.forget();
        assert_eq!(facts, Facts { apps, ..Facts::default() });
    }
}
