use std::collections::BTreeMap;

use serde::Deserialize;

use crate::juju::{Dispatch, HookToolCall, HookToolError};

/// The expected state of the model after Juju has done everything that its operator requested: all units and relations,
/// some of which do not exist yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct GoalState {
    /// The units of the own application, by name.
    pub units: BTreeMap<String, GoalStatus>,
    /// For each endpoint that will have a relation, the related applications and their units, by name.
    pub relations: BTreeMap<String, BTreeMap<String, GoalStatus>>,
}

/// The progress of a unit or a relation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct GoalStatus {
    /// For a unit the status of its workload, or `allocating` or `dying`; for an application the status of the relation,
    /// such as `joining` or `joined`.
    pub status: String,
    /// Since when, in UTC, such as `2026-03-01 12:00:00Z`.
    pub since: Option<String>,
}

/// The goal state of the model.
impl Dispatch {
    /// Reads which units and relations the model will have (`goal-state`), so that a charm can wait for all of them before
    /// it does something expensive.
    ///
    /// # Errors
    ///
    /// The tool fails, or prints something that is not a goal state.
    pub fn goal_state(&self) -> Result<GoalState, HookToolError> {
        self.read(&HookToolCall::new("goal-state").arg("--format=json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::juju::HookToolErrorKind;
    use crate::juju::tools::testing::{lines, unit};

    #[test]
    fn units_and_relations_are_read() {
        let (juju, dispatch) = unit();
        let _ = juju.add_relation("tracing", "tempo", &["tempo/0"]);
        let goal = dispatch.goal_state().expect("an answer");
        assert_eq!(goal.units.keys().collect::<Vec<_>>(), ["app/0"]);
        assert_eq!(goal.relations["tracing"]["tempo"].status, "joined");
        assert_eq!(goal.relations["tracing"]["tempo/0"].status, "active");
        assert!(goal.units["app/0"].since.is_some());
        assert_eq!(lines(&juju), ["goal-state|--format=json"]);
    }

    #[test]
    fn what_is_left_out_is_empty() {
        let (juju, dispatch) = unit();
        juju.answer_next("goal-state", r#"{"units": {"app/0": {"status": "allocating"}}, "new": []}"#);
        let goal = dispatch.goal_state().expect("readable");
        assert_eq!(goal.units["app/0"], GoalStatus { status: "allocating".into(), since: None });
        assert!(goal.relations.is_empty());
        juju.answer_next("goal-state", "3\n");
        juju.fail_next("goal-state", 1, "ERROR connection is shut down\n");
        let kinds = [(); 2].map(|()| dispatch.goal_state().expect_err("no goal state").kind());
        assert_eq!(kinds, [HookToolErrorKind::InvalidOutput, HookToolErrorKind::Failed]);
    }
}
