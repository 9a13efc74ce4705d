use serde_json::{Map, Value};

use crate::juju::Dispatch;

/// The data that Juju has about the hook of a tool call, as far as it changes the results of tools.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct HookContext {
    /// The endpoint and id of the relation, in the hooks of a relation. Tools use it if `-r` is left out, and `juju-log`
    /// puts it before the message.
    pub relation: Option<(String, u32)>,
    /// The remote application, in the hooks of a relation.
    pub remote_app: Option<String>,
    /// The remote unit, in the hooks of a relation that are about a unit.
    pub remote_unit: Option<String>,
    /// The unit that departs, in `relation-departed`. It is not listed any more.
    pub departing_unit: Option<String>,
    /// True if this hook ends the relation, which then has no units.
    pub broken: bool,
    /// The id of the storage instance, in its hooks. `storage-get` uses it if `-s` is left out.
    pub storage: Option<String>,
    /// The parameters, in an action. In other hooks the `action-*` tools are unknown.
    pub action: Option<Value>,
    /// True if nearly every tool is refused, as in `collect-metrics`.
    pub restricted: bool,
}

/// Checks the name of an action that a test gives.
///
/// # Panics
///
/// If it ends in `-action` or `_action`, because that is the name of the action's event.
#[doc(hidden)]
#[track_caller]
pub fn check_action_name(name: &str) {
    if let Some(action) = name.strip_suffix("-action").or_else(|| name.strip_suffix("_action")) {
        panic!("{name} is the name of an event; that of its action is {action}");
    }
}

impl HookContext {
    /// Returns a hook without a subject, such as `update-status`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a hook of a relation.
    #[must_use]
    pub fn relation(endpoint: &str, id: u32, remote_app: &str, remote_unit: Option<&str>) -> Self {
        Self {
            relation: Some((endpoint.to_owned(), id)),
            remote_app: Some(remote_app.to_owned()),
            remote_unit: remote_unit.map(ToOwned::to_owned),
            ..Self::default()
        }
    }

    /// Returns `relation-departed` of a remote unit.
    #[must_use]
    pub fn relation_departed(endpoint: &str, id: u32, remote_app: &str, unit: &str) -> Self {
        Self { departing_unit: Some(unit.to_owned()), ..Self::relation(endpoint, id, remote_app, Some(unit)) }
    }

    /// Returns `relation-broken`.
    #[must_use]
    pub fn relation_broken(endpoint: &str, id: u32, remote_app: &str) -> Self {
        Self { broken: true, ..Self::relation(endpoint, id, remote_app, None) }
    }

    /// Returns a hook of a storage instance, such as `data/0`.
    #[must_use]
    pub fn storage(id: &str) -> Self {
        Self { storage: Some(id.to_owned()), ..Self::default() }
    }

    /// Returns an action with these parameters (a JSON object).
    #[must_use]
    pub fn action(parameters: Value) -> Self {
        Self { action: Some(parameters), ..Self::default() }
    }

    /// Returns a hook in which nearly every tool is refused: `collect-metrics` and `meter-status-changed`.
    #[must_use]
    pub fn restricted() -> Self {
        Self { restricted: true, ..Self::default() }
    }

    /// Returns the hook of a dispatch. Malformed variables count as absent, and an action has no parameters.
    #[must_use]
    pub fn from_dispatch(dispatch: &Dispatch) -> Self {
        let relation = dispatch.relation().ok().flatten();
        let action = dispatch.action().ok().flatten();
        Self {
            relation: relation.as_ref().map(|relation| (relation.endpoint.clone(), relation.id)),
            remote_unit: relation.as_ref().and_then(|relation| relation.remote_unit.clone()),
            departing_unit: relation.as_ref().and_then(|relation| relation.departing_unit.clone()),
            broken: relation.is_some() && dispatch.event().ends_with("_relation_broken"),
            remote_app: relation.and_then(|relation| relation.remote_app),
            storage: dispatch.storage().ok().flatten().map(|storage| storage.id),
            action: action.map(|_| Value::Object(Map::new())),
            restricted: ["collect_metrics", "meter_status_changed"].contains(&dispatch.event()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_follow_the_environment() {
        let joined = [
            ("JUJU_DISPATCH_PATH", "hooks/tracing-relation-joined"),
            ("JUJU_RELATION_ID", "tracing:3"),
            ("JUJU_REMOTE_UNIT", "tempo/0"),
        ];
        assert_eq!(
            HookContext::from_dispatch(&Dispatch::from_vars(joined)),
            HookContext::relation("tracing", 3, "tempo", Some("tempo/0")),
        );
        let departed = [
            ("JUJU_DISPATCH_PATH", "hooks/tracing-relation-departed"),
            ("JUJU_RELATION_ID", "tracing:3"),
            ("JUJU_REMOTE_UNIT", "tempo/0"),
            ("JUJU_DEPARTING_UNIT", "tempo/0"),
        ];
        assert_eq!(
            HookContext::from_dispatch(&Dispatch::from_vars(departed)),
            HookContext::relation_departed("tracing", 3, "tempo", "tempo/0"),
        );
        let broken = [
            ("JUJU_DISPATCH_PATH", "hooks/tracing-relation-broken"),
            ("JUJU_RELATION_ID", "tracing:3"),
            ("JUJU_REMOTE_APP", "tempo"),
        ];
        assert_eq!(
            HookContext::from_dispatch(&Dispatch::from_vars(broken)),
            HookContext::relation_broken("tracing", 3, "tempo"),
        );
        let action = Dispatch::from_vars([("JUJU_ACTION_NAME", "backup")]);
        assert_eq!(HookContext::from_dispatch(&action), HookContext::action(serde_json::json!({})));
        let metrics = Dispatch::from_vars([("JUJU_HOOK_NAME", "collect-metrics")]);
        assert_eq!(HookContext::from_dispatch(&metrics), HookContext::restricted());
    }
}
