//! The hook of an event: its relation, and what its hook tools see of it.

use tracing_relation::juju::testing::HookContext;

use super::environment::RelationHook;
use super::event::{About, Event, Step};

/// Returns the relation that an event is about, as it is when the event happens.
///
/// # Panics
/// If the relation is gone.
pub(super) fn relation_of(event: &Event) -> Option<RelationHook> {
    let About::Relation { relation, step, .. } = &event.about else { return None };
    let (endpoint, id) = (relation.endpoint().to_owned(), relation.id());
    assert!(relation.is_known(), "the relation {endpoint}:{id} of {} is gone", event.name());
    let (remote_app, remote_unit) = (relation.remote_app().to_owned(), event.remote_unit());
    Some(RelationHook { endpoint, id, step: *step, remote_app, remote_unit })
}

/// Returns the hook as its hook tools see it.
pub(super) fn context_of(event: &Event, relation: Option<&RelationHook>) -> HookContext {
    match (&event.about, relation) {
        (About::Action { parameters }, _) => HookContext::action(parameters.clone()),
        (_, Some(RelationHook { endpoint, id, remote_app, remote_unit, step })) => {
            match (step, remote_unit.as_deref()) {
                (Step::Departed, Some(unit)) => {
                    HookContext::relation_departed(endpoint, *id, remote_app, unit)
                }
                (Step::Broken, _) => HookContext::relation_broken(endpoint, *id, remote_app),
                (_, remote_unit) => HookContext::relation(endpoint, *id, remote_app, remote_unit),
            }
        }
        (About::Storage(storage), _) => HookContext::storage(storage.id()),
        _ if matches!(event.name(), "collect-metrics" | "meter-status-changed") => HookContext::restricted(),
        _ => HookContext::new(),
    }
}
