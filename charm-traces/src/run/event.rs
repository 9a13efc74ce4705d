use charm_testing::{Event, Juju, Relation};
use serde_json::{Value as Json, json};

use super::declared::{Declaration, Declared};
use crate::arguments::Run;
use crate::output::complain;

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

/// Makes the event that the arguments name, as Juju or a charm writes it: `config-changed`, `tracing_relation_changed`,
/// `backup-action`.
///
/// # Errors
///
/// Returns what is missing for it, or that the charm cannot get it.
pub(super) fn event(
    arguments: &Run,
    declared: &Declared,
    juju: &mut Juju,
    relations: &[Relation],
) -> Result<Event, String> {
    let name = &*arguments.event;
    // The version of the equipment without another one is before 4.
    let before_4 = arguments.juju_version.as_ref().is_none_or(|version| version.starts_with(['2', '3']));
    let hook = name.strip_prefix("hooks/").unwrap_or(name);
    if let Some(action) = name.strip_prefix("actions/").or_else(|| without(hook, "action")) {
        let action = declared.find("action", action)?;
        if without(&action.name, "action").is_some() {
            // `Event::action` panics, because this is hardly ever the name of an action.
            return Err(format!("{} cannot be played, because its own name ends in -action", action.name));
        }
        return Ok(Event::action(&action.name, parameters(action, arguments, before_4)?));
    }
    let event = hook_event(name, &hook.replace('_', "-"), before_4, declared, juju, relations)?;
    if !arguments.action_param.is_empty() {
        return Err(format!("{name} is no action, so it has no parameters"));
    }
    Ok(event)
}

/// Returns the parameters of an action. Juju refuses one that the action does not declare, or passes it on, which may be a mistake.
/// As for `juju run`, `a.b` is the value `b` of the object `a`.
fn parameters(action: &Declaration, arguments: &Run, before_4: bool) -> Result<Json, String> {
    let mut parameters = json!({});
    for (path, text) in &arguments.action_param {
        let name = path.split('.').next().unwrap_or(path);
        match action.accepts(name) {
            Some(true) => {}
            None if before_4 => complain(format_args!("{}; Juju 4 refuses it", action.unknown(name))),
            _ => return Err(action.unknown(name)),
        }
        let mut place = &mut parameters;
        for key in path.split('.') {
            if !place.is_object() {
                *place = json!({});
            }
            place = &mut place[key];
        }
        *place = action.value(path, text)?;
    }
    Ok(parameters)
}

/// Makes the event of a hook, which is given as the charm writes it and as Juju does.
fn hook_event(
    name: &str,
    hook: &str,
    before_4: bool,
    declared: &Declared,
    juju: &mut Juju,
    relations: &[Relation],
) -> Result<Event, String> {
    let of_relation: [(&str, OfRelation); 5] = [
        ("relation-created", Event::relation_created),
        ("relation-joined", Event::relation_joined),
        ("relation-changed", Event::relation_changed),
        ("relation-departed", Event::relation_departed),
        ("relation-broken", Event::relation_broken),
    ];
    for (kind, event) in of_relation {
        let Some(endpoint) = without(hook, kind) else { continue };
        declared.find("endpoint", endpoint)?;
        let relation = relations.iter().find(|relation| relation.endpoint().replace('_', "-") == endpoint);
        return relation.map(event).ok_or_else(|| {
            format!("{name} needs a relation: --relation {endpoint}, or --relation {endpoint}=FILE with its databags")
        });
    }
    if let Some(storage) = without(hook, "storage-attached") {
        return Ok(Event::storage_attached(&juju.add_storage(&declared.find("storage", storage)?.name)));
    }
    if let Some(storage) = without(hook, "storage-detaching") {
        return Ok(Event::storage_detaching(&juju.add_storage(&declared.find("storage", storage)?.name)));
    }
    if let Some(container) = without(hook, "pebble-ready") {
        return Ok(Event::pebble_ready(&declared.find("container", container)?.name));
    }
    if hook.starts_with("secret-") || hook.contains("-pebble-") {
        return Err(format!("{name} cannot be played: use charm-testing in a test"));
    }
    let is_old = HOOKS_BEFORE_4.contains(&hook);
    if is_old && !before_4 {
        return Err(format!("{name} is no event of Juju 4"));
    }
    if is_old || HOOKS.contains(&hook) {
        return Ok(Event::hook(hook));
    }
    Err(match declared.find("action", hook) {
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
