use std::sync::Arc;
use std::time::Duration;

use crate::TracingError;
use crate::error::with_causes;
use crate::json;
use crate::juju::{Databag, Dispatch, HookToolError, HookToolErrorKind, Role, databag_call};
use crate::memory::RelationMemory;
use crate::relation::Relation;

/// An endpoint of the charm with its relations, for any interface and both sides.
///
/// Data that Juju does not let the unit read counts as missing: a relation that is gone has no application and empty
/// databags, and a hook in which Juju refuses its tools has no relations.
#[derive(Clone, Debug)]
pub(crate) struct RelationEndpoint {
    dispatch: Dispatch,
    name: String,
    limit: Option<u32>,
    /// True for the side that [only waits](Self::that_only_waits).
    only_waits: bool,
    /// Stored answers of earlier dispatches; empty for the side that does not only wait.
    memory: Arc<RelationMemory>,
}

/// The time limit of the waiting side for each hook tool. It is short, because a delayed trace is better than a delayed
/// hook. Juju itself has no limit, and a lost controller may be back in a minute.
const PATIENCE: Duration = Duration::from_secs(10);

impl RelationEndpoint {
    /// Creates the endpoint `name` of the charm's metadata, which must have this interface and role.
    ///
    /// If the metadata cannot be read, this is logged, the endpoint is not checked, and its limit is assumed to be 1. It is
    /// not an error, because a charm that Juju has installed has metadata, and tracing should not make a hook fail.
    pub(crate) fn new(
        dispatch: &Dispatch,
        name: &str,
        interface: &'static str,
        role: Role,
    ) -> Result<Self, TracingError> {
        let limit = match dispatch.metadata() {
            Ok(metadata) => {
                let endpoint = name.to_owned();
                let Some((actual, found)) = metadata.endpoint(name) else {
                    return Err(TracingError::RelationNotFound { endpoint });
                };
                if found.interface != interface {
                    let (expected, actual) = (interface, found.interface.clone());
                    return Err(TracingError::RelationInterfaceMismatch { endpoint, expected, actual });
                }
                if actual != role {
                    return Err(TracingError::RelationRoleMismatch { endpoint, expected: role, actual });
                }
                found.limit
            }
            Err(error) => {
                log::warn!(
                    "cannot check the endpoint `{name}`, and take its limit to be 1: {}",
                    with_causes(&error)
                );
                Some(1)
            }
        };
        let (dispatch, name) = (dispatch.clone(), name.to_owned());
        Ok(Self { dispatch, name, limit, only_waits: false, memory: Arc::default() })
    }

    /// Makes it the endpoint of the side that only waits for what the other one publishes, such as where to send traces.
    ///
    /// Its answers are stored for later dispatches, a hook tool gets little time, and invalid output of a tool means "not
    /// ready". A tracing backend asks Juju each time instead, because it does much other work in a dispatch and has many
    /// relations.
    pub(crate) fn that_only_waits(self) -> Self {
        let dispatch = self.dispatch.with_patience(PATIENCE).remembering(&self.name);
        let memory = Arc::clone(dispatch.relation_memory());
        Self { dispatch, only_waits: true, memory, ..self }
    }

    pub(crate) fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the relation of `dispatch` and its event (`created`, `changed`, ...); `None` if it is not a relation of this
    /// endpoint.
    pub(crate) fn event_of<'a>(&self, dispatch: &'a Dispatch) -> Option<(Relation, &'a str)> {
        let relation = Relation::from(dispatch.relation().ok().flatten()?);
        let of_endpoint = dispatch.event().strip_prefix(&self.name.replace('-', "_"))?;
        let event = of_endpoint.strip_prefix("_relation_")?;
        (relation.endpoint == self.name).then_some((relation, event))
    }

    /// Returns the only relation of an endpoint with `limit: 1`.
    pub(crate) fn the_relation(&self) -> Result<Option<Relation>, TracingError> {
        if self.limit != Some(1) {
            return Err(TracingError::AmbiguousRelationUsage { endpoint: self.name.clone() });
        }
        self.ids()?.first().map(|id| self.relation(*id)).transpose()
    }

    pub(crate) fn relations(&self) -> Result<Vec<Relation>, TracingError> {
        self.ids()?.into_iter().map(|id| self.relation(id)).collect()
    }

    /// Returns the relations that will still exist after this hook, by ascending id. Juju lists a relation in the hook that
    /// ends it, and its databag can be read, but it is left out here, as in ops.
    pub(crate) fn ids(&self) -> Result<Vec<u32>, TracingError> {
        let Some(mut ids) = self.known(self.dispatch.relation_ids(&self.name))? else {
            return Ok(Vec::new());
        };
        let ends_now = self.event_of(&self.dispatch).filter(|(_, event)| *event == "broken");
        let ends_now = ends_now.map(|(relation, _)| relation.id);
        ids.retain(|id| Some(*id) != ends_now && !self.memory.has_ended(*id));
        Ok(ids)
    }

    pub(crate) fn relation(&self, id: u32) -> Result<Relation, TracingError> {
        let mut app = self.memory.app(id);
        if app.is_none() {
            app = self.answer(id, self.dispatch.relation_app(&self.name, id))?;
            if let Some(app) = &app {
                self.memory.learn_app(id, app);
            }
        }
        Ok(Relation { id, endpoint: self.name.clone(), app })
    }

    /// Reads the databag of the application at the other end.
    pub(crate) fn remote_app_data(&self, relation: &Relation) -> Result<Databag, TracingError> {
        let Some(app) = &relation.app else { return Ok(Databag::new()) };
        self.remote_data(relation.id, app)
    }

    /// Reads the names of the units at the other end.
    pub(crate) fn units(&self, relation: &Relation) -> Result<Vec<String>, TracingError> {
        self.answer(relation.id, self.dispatch.relation_units(&self.name, relation.id))
    }

    /// Reads the databag of an application or unit at the other end.
    pub(crate) fn remote_data(&self, id: u32, owner: &str) -> Result<Databag, TracingError> {
        self.answer(id, self.databag(id, owner))
    }

    /// Returns the answer about a relation, or the default if it is [not known](Self::known).
    fn answer<T: Default>(&self, id: u32, answer: Result<T, HookToolError>) -> Result<T, TracingError> {
        let answer = self.known(answer)?;
        self.doubt_if_gone(id);
        Ok(answer.unwrap_or_default())
    }

    /// Reads the data that this application has published on a relation, which only its leader may do. It is never read
    /// from memory, because no event says that another unit became the leader and published something.
    pub(crate) fn published(&self, id: u32) -> Result<Databag, TracingError> {
        self.own_data(id, self.dispatch.application()?)
    }

    /// Reads the data that this unit has published on a relation. It is never read from memory, because no event says that
    /// another program of the charm has written it.
    pub(crate) fn published_by_unit(&self, id: u32) -> Result<Databag, TracingError> {
        self.own_data(id, self.dispatch.unit_name()?)
    }

    /// Reads the databag of this application or unit, but not from memory.
    fn own_data(&self, id: u32, owner: &str) -> Result<Databag, TracingError> {
        let line = databag_call(&self.name, id, owner, !owner.contains('/')).line();
        self.memory.forget_answer(&self.name, &line, false);
        let databag = self.databag(id, owner).map_err(denied)?;
        self.doubt_if_gone(id);
        Ok(databag)
    }

    /// Reads the databag of an application or unit.
    fn databag(&self, id: u32, owner: &str) -> Result<Databag, HookToolError> {
        let ask = if owner.contains('/') { Dispatch::relation_get_unit } else { Dispatch::relation_get_app };
        ask(&self.dispatch, &self.name, id, owner)
    }

    /// Returns the data that this unit had published on a relation, as an earlier dispatch has read it; `None` if it is not in
    /// memory.
    pub(crate) fn remembered_of_unit(&self, id: u32) -> Option<Databag> {
        let unit = self.dispatch.unit_name().ok()?;
        let output = self.memory.answer(&self.name, &databag_call(&self.name, id, unit, false).line())?;
        json::read(&output).ok()
    }

    /// Returns true if the memory shows that `data` need not be published: it was already published when a relevant event
    /// was last handled, or the unit was not the leader.
    pub(crate) fn is_known_to_be_published(&self, ids: &[u32], data: &Databag) -> bool {
        let Ok(own_app) = self.dispatch.application() else { return false };
        let is_published = |id: &u32| {
            let output = self.memory.answer(&self.name, &databag_call(&self.name, *id, own_app, true).line());
            output.is_some_and(|output| json::read(&output).is_ok_and(|published| holds(&published, data)))
        };
        self.memory.follows() || ids.iter().all(is_published)
    }

    /// Returns true if the unit is the leader. Stores a negative answer in memory.
    pub(crate) fn leads(&self) -> Result<bool, TracingError> {
        let leads = self.dispatch.is_leader()?;
        if !leads {
            self.memory.learn_that_it_follows();
        }
        Ok(leads)
    }

    /// Publishes data that is not published yet, which only the leader may do. Does nothing on a relation that is gone.
    ///
    /// The texts are compared, not their meaning, so a text of another form is replaced, because its reader may know only
    /// one form.
    pub(crate) fn publish(&self, id: u32, data: &Databag) -> Result<(), TracingError> {
        let published = self.published(id)?;
        if self.dispatch.found_gone(id) || holds(&published, data) {
            return Ok(());
        }
        self.written(self.dispatch.relation_set_app(&self.name, id, data))
    }

    /// Publishes data in the databag of this unit. Does nothing on a relation that is gone.
    pub(crate) fn publish_by_unit(&self, id: u32, data: &Databag) -> Result<(), TracingError> {
        self.written(self.dispatch.relation_set_unit(&self.name, id, data))
    }

    /// Turns the result of a write into that of a publication: a relation that is gone is not an error.
    fn written(&self, result: Result<(), HookToolError>) -> Result<(), TracingError> {
        match result {
            Err(error) if error.kind() == HookToolErrorKind::RelationGone => {
                self.memory.doubt();
                Ok(())
            }
            written => written.map_err(denied),
        }
    }

    /// Publishes to all of these relations, also after a failure. Returns the first failure, and logs the others.
    pub(crate) fn publish_to_all(&self, ids: &[u32], data: &Databag) -> Result<(), TracingError> {
        let mut result = Ok(());
        for id in ids {
            if let Err(error) = self.publish(*id, data) {
                if result.is_ok() {
                    result = Err(error);
                } else {
                    log::warn!("cannot publish on {}:{id} either: {}", self.name, with_causes(&error));
                }
            }
        }
        result
    }

    /// Returns an error if the unit is not the leader.
    pub(crate) fn must_lead(&self) -> Result<(), TracingError> {
        if self.leads()? { Ok(()) } else { Err(TracingError::DataAccessPermission) }
    }

    /// Logs a message only once per dispatch.
    pub(crate) fn say_once(&self, level: log::Level, message: &str) {
        if self.dispatch.is_news(message) {
            log::log!(level, "{message}");
        }
    }

    /// Returns the answer about the relation of an event. If there is none, logs the error once per dispatch.
    pub(crate) fn readable<T>(&self, relation: &Relation, answer: Result<T, TracingError>) -> Option<T> {
        let say = |error: &TracingError| {
            self.say_once(log::Level::Warn, &format!("{relation} cannot be read: {}", with_causes(error)));
        };
        answer.inspect_err(say).ok()
    }

    /// Turns errors that mean "not known" into `None`: Juju does not let the unit read, or, for the side that only waits, the
    /// output is invalid. A backend would take this for a withdrawn request.
    fn known<T>(&self, answer: Result<T, HookToolError>) -> Result<Option<T>, TracingError> {
        use HookToolErrorKind::{InvalidOutput, PermissionDenied, RestrictedContext};
        match answer {
            Err(error) if matches!(error.kind(), PermissionDenied | RestrictedContext) => {
                log::debug!("{}", with_causes(&error));
                Ok(None)
            }
            Err(error) if error.kind() == InvalidOutput && self.only_waits => {
                self.say_once(
                    log::Level::Warn,
                    &format!("`{}` is not ready: {}", self.name, with_causes(&error)),
                );
                Ok(None)
            }
            answer => Ok(Some(answer?)),
        }
    }

    /// Drops the stored facts if the relation is gone, because its data was read during its removal, and the next dispatch
    /// would read other data.
    fn doubt_if_gone(&self, id: u32) {
        if self.dispatch.found_gone(id) {
            self.memory.doubt();
        }
    }
}

/// Returns the error of a unit that is not the leader if Juju does not let it use its application's databag.
fn denied(error: HookToolError) -> TracingError {
    match error.kind() {
        HookToolErrorKind::PermissionDenied => TracingError::DataAccessPermission,
        _ => error.into(),
    }
}

fn holds(published: &Databag, data: &Databag) -> bool {
    data.iter().all(|(key, value)| published.get(key) == Some(value))
}
