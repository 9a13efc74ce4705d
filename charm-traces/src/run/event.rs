use charm_testing::{Event, Juju, Relation};
use serde_json::Value as Json;

use super::declared::{Declaration, Declared};

type OfRelation = fn(&Relation) -> Event;

/// The hooks that every charm can get, and that are about nothing else.
const HOOKS: [&str; 8] = [
    "install",
    "start",
    "stop",
    "remove",
    "config-changed",
    "update-status",
    "upgrade-charm",
    "leader-elected",
];
/// Further ones, which Juju 4 does not have any more.
const HOOKS_BEFORE_4: [&str; 5] = [
    "leader-settings-changed",
    "pre-series-upgrade",
    "post-series-upgrade",
    "collect-metrics",
    "meter-status-changed",
];

/// Makes the event of this name, as Juju or a charm writes it: `config-changed`, `tracing_relation_changed`, `backup-action`.
///
/// # Errors
///
/// Returns what is missing for it, or that the charm cannot get it.
pub(super) fn event(
    name: &str,
    declared: &Declared,
    juju: &mut Juju,
    relations: &[Relation],
    before_4: bool,
    parameters: impl FnOnce(&Declaration) -> Result<Json, String>,
) -> Result<Event, String> {
    let hook = name.strip_prefix("hooks/").unwrap_or(name);
    if let Some(action) = name.strip_prefix("actions/").or_else(|| without(hook, "action")) {
        let action = declared.find("action", action)?;
        if without(&action.name, "action").is_some() {
            // `Event::action` panics, because this is hardly ever the name of an action.
            return Err(format!("{} cannot be played, because its own name ends in -action", action.name));
        }
        return Ok(Event::action(&action.name, parameters(action)?));
    }
    let hook = hook.replace('_', "-");
    let of_relation: [(&str, OfRelation); 5] = [
        ("relation-created", Event::relation_created),
        ("relation-joined", Event::relation_joined),
        ("relation-changed", Event::relation_changed),
        ("relation-departed", Event::relation_departed),
        ("relation-broken", Event::relation_broken),
    ];
    for (kind, event) in of_relation {
        let Some(endpoint) = without(&hook, kind) else { continue };
        declared.find("endpoint", endpoint)?;
        let relation = relations.iter().find(|relation| relation.endpoint().replace('_', "-") == endpoint);
        return relation.map(event).ok_or_else(|| {
            format!("{name} needs a relation: --relation {endpoint}, or --relation {endpoint}=FILE with its databags")
        });
    }
    if let Some(storage) = without(&hook, "storage-attached") {
        return Ok(Event::storage_attached(&juju.add_storage(&declared.find("storage", storage)?.name)));
    }
    if let Some(storage) = without(&hook, "storage-detaching") {
        return Ok(Event::storage_detaching(&juju.add_storage(&declared.find("storage", storage)?.name)));
    }
    if let Some(container) = without(&hook, "pebble-ready") {
        return Ok(Event::pebble_ready(&declared.find("container", container)?.name));
    }
    if hook.starts_with("secret-") || hook.contains("-pebble-") {
        return Err(format!("{name} cannot be played: use charm-testing in a test"));
    }
    if HOOKS_BEFORE_4.contains(&&*hook) && !before_4 {
        return Err(format!("{name} is no event of Juju 4"));
    }
    if HOOKS.contains(&&*hook) || HOOKS_BEFORE_4.contains(&&*hook) {
        return Ok(Event::hook(&hook));
    }
    Err(match declared.find("action", &hook) {
        Ok(Declaration { name: action, .. }) => {
            format!("{name} is no hook; the event of the action {action} is {action}-action")
        }
        Err(_) => format!(
            "{name} is no event of Juju; that of an action ends in -action, and that of an endpoint is like db-relation-changed"
        ),
    })
}

/// Returns the name before the kind of an event: `tracing` of `tracing-relation-changed`.
fn without<'a>(hook: &'a str, kind: &str) -> Option<&'a str> {
    hook.strip_suffix(kind)?.strip_suffix(['-', '_']).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn the_name_before_a_kind_of_event_may_have_dashes_and_underscores() {
        assert_eq!(without("tracing-relation-changed", "relation-changed"), Some("tracing"));
        assert_eq!(without("my-db_action", "action"), Some("my-db"));
        assert_eq!(without("relation-changed", "relation-changed"), None);
        assert_eq!(without("-action", "action"), None);
        assert_eq!(without("transaction", "action"), None);
    }
}
