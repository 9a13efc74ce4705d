use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::juju::Dispatch;

/// The facts that were read about the relations of some endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// The time at which the oldest fact was read, in seconds since 1970; `None` if there is none.
    pub(super) learned: Option<u64>,
    /// True if the unit is known not to be its application's leader.
    pub(super) follows: bool,
    /// The applications at the other end, by the id of the relation. They never change.
    pub(super) apps: BTreeMap<u32, String>,
    /// The relations that an event has ended. Juju lists them until the hook of that event has succeeded, or was skipped.
    pub(super) ended: BTreeSet<u32>,
    /// The output of hook tools about the relations of each endpoint, by their command lines.
    pub(super) endpoints: BTreeMap<String, BTreeMap<String, String>>,
}

/// The facts that an event may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outdated {
    Nothing,
    Relation { endpoint: String, id: u32, happened: Happened },
    Everything,
}

/// The change of a relation in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happened {
    /// The relation exists, and something about it has changed.
    News,
    /// The relation ends with this hook.
    End,
    /// The dispatch is not an event, but a command with a relation (`juju exec --relation`).
    Nothing,
}

/// The time for which facts are valid, in seconds.
const A_DAY: u64 = 24 * 60 * 60;

/// The number of ended relations, and of names of applications, that are kept. The lowest ids are dropped first, because
/// ids only grow.
const RELATIONS: usize = 100;

impl Outdated {
    pub(super) fn by(dispatch: &Dispatch) -> Self {
        let event = dispatch.event();
        if matches!(event, "start" | "install" | "upgrade_charm" | "leader_elected") {
            return Self::Everything;
        }
        let of_relation = event.contains("_relation_");
        match dispatch.relation() {
            Ok(None) if !of_relation => Self::Nothing,
            Ok(Some(relation)) => {
                let happened = match of_relation {
                    true if event.ends_with("_relation_broken") => Happened::End,
                    true => Happened::News,
                    false => Happened::Nothing,
                };
                Self::Relation { endpoint: relation.endpoint, id: relation.id, happened }
            }
            // The event does not say which relation it is about.
            Ok(None) | Err(_) => Self::Everything,
        }
    }
}

impl Facts {
    /// Drops all facts that can change.
    pub(super) fn forget(&mut self) {
        (self.learned, self.follows) = (None, false);
        self.endpoints.clear();
    }

    /// Drops the facts that may have changed.
    pub(super) fn forget_outdated(&mut self, outdated: &Outdated) {
        match outdated {
            Outdated::Nothing => {}
            Outdated::Everything => self.forget(),
            Outdated::Relation { endpoint, id, happened } => {
                match happened {
                    Happened::End => {
                        self.apps.remove(id);
                        self.ended.insert(*id);
                    }
                    // A suspended relation ends, but may start again.
                    Happened::News => _ = self.ended.remove(id),
                    Happened::Nothing => {}
                }
                while self.ended.len() > RELATIONS {
                    self.ended.pop_first();
                }
                if self.endpoints.remove(endpoint).is_some() {
                    self.follows = false;
                }
                if self.endpoints.is_empty() {
                    self.forget();
                }
            }
        }
    }

    pub(super) fn name_app(&mut self, id: u32, app: &str) {
        self.apps.insert(id, app.to_owned());
        while self.apps.len() > RELATIONS {
            self.apps.pop_first();
        }
    }

    /// Returns true if the facts were read within the last 24 hours, and not after `now`.
    pub(super) fn are_fresh(&self, now: u64) -> bool {
        self.learned.is_some_and(|learned| (learned..learned.saturating_add(A_DAY)).contains(&now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Facts {
        let endpoints = ["charm-tracing", "receive_ca"].map(|name| (name.to_owned(), BTreeMap::new()));
        let apps = BTreeMap::from([(3, "tempo".to_owned())]);
        Facts {
            learned: Some(1000),
            follows: true,
            endpoints: endpoints.into(),
            apps,
            ended: BTreeSet::from([1]),
        }
    }

    /// Returns the facts that are left after a dispatch.
    fn after(path: &str, relation: &str) -> Facts {
        let dispatch = Dispatch::from_vars([("JUJU_DISPATCH_PATH", path), ("JUJU_RELATION_ID", relation)]);
        let mut facts = known();
        facts.forget_outdated(&Outdated::by(&dispatch));
        facts
    }

    #[test]
    fn every_event_of_an_endpoint_outdates_what_is_known_of_it() {
        for event in ["created", "joined", "changed", "departed", "broken"] {
            let facts = after(&format!("hooks/charm-tracing-relation-{event}"), "charm-tracing:3");
            assert_eq!(facts.endpoints.keys().collect::<Vec<_>>(), ["receive_ca"], "{event}");
            assert!(!facts.follows, "{event}");
            let facts = after(&format!("hooks/receive_ca-relation-{event}"), "receive_ca:4");
            assert_eq!(facts.endpoints.keys().collect::<Vec<_>>(), ["charm-tracing"], "{event}");
        }
        assert!(
            !after("", "charm-tracing:3").endpoints.contains_key("charm-tracing"),
            "a command of juju exec"
        );
    }

    #[test]
    fn an_event_of_another_endpoint_outdates_nothing() {
        for event in ["created", "joined", "changed", "departed"] {
            assert_eq!(after(&format!("hooks/database-relation-{event}"), "database:5"), known(), "{event}");
        }
        for hook in
            ["update-status", "config-changed", "stop", "web-pebble-ready", "charm-tracing-pebble-ready"]
        {
            assert_eq!(after(&format!("hooks/{hook}"), ""), known(), "{hook}");
        }
    }

    #[test]
    fn an_event_that_does_not_say_which_relation_outdates_everything() {
        for (hook, relation) in [("database-relation-changed", ""), ("tracing-relation-broken", "tracing:x")]
        {
            let facts = after(&format!("hooks/{hook}"), relation);
            assert_eq!((facts.endpoints.len(), facts.follows, facts.learned), (0, false, None), "{hook}");
        }
    }

    #[test]
    fn what_happens_to_the_unit_itself_outdates_everything_but_names_and_ends() {
        for hook in ["install", "start", "upgrade-charm", "leader-elected"] {
            let left = Facts { learned: None, follows: false, endpoints: BTreeMap::new(), ..known() };
            assert_eq!(after(&format!("hooks/{hook}"), ""), left, "{hook}");
        }
    }

    #[test]
    fn an_end_is_kept_until_the_relation_is_heard_of_again() {
        let facts = after("hooks/charm-tracing-relation-broken", "charm-tracing:3");
        assert_eq!((facts.ended, facts.apps.len()), (BTreeSet::from([1, 3]), 0));
        assert_eq!(after("hooks/charm-tracing-relation-created", "charm-tracing:1").ended, BTreeSet::new());
        assert_eq!(after("", "charm-tracing:1").ended, BTreeSet::from([1]), "juju exec tells nothing");
        let mut facts = known();
        for id in 0..1000 {
            let endpoint = "database".to_owned();
            facts.forget_outdated(&Outdated::Relation { endpoint, id, happened: Happened::End });
        }
        assert_eq!((facts.ended.len(), facts.ended.last()), (RELATIONS, Some(&999)));
    }

    #[test]
    fn it_holds_for_a_day_and_not_for_a_clock_that_went_back() {
        for (now, fresh) in [(999, false), (1000, true), (87_399, true), (87_400, false), (u64::MAX, false)] {
            assert_eq!(known().are_fresh(now), fresh, "{now}");
        }
    }
}
