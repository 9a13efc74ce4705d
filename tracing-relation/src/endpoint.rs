use crate::TracingError;
use crate::error::with_causes;
use crate::juju::{Databag, Dispatch, HookToolError, HookToolErrorKind, Role};
use crate::relation::Relation;

/// An endpoint of the charm with its relations, as any interface and both of its sides see them.
///
/// What Juju does not let the unit know is not there: a relation that is gone has no application and empty databags,
/// and in a hook in which Juju refuses its tools there are no relations.
#[derive(Clone, Debug)]
pub(crate) struct RelationEndpoint {
    dispatch: Dispatch,
    name: String,
    limit: Option<u32>,
}

impl RelationEndpoint {
    /// The endpoint `name` of the charm's metadata, which has to have this interface and role.
    ///
    /// Where the metadata cannot be read, that is logged, the endpoint is not checked, and its limit is taken to be 1: a
    /// charm that Juju has installed has metadata, and tracing is no reason for a hook to fail.
    pub(crate) fn new(
        dispatch: &Dispatch,
        name: &str,
        interface: &'static str,
        role: Role,
    ) -> Result<Self, TracingError> {
        let limit = match dispatch.metadata() {
            Ok(metadata) => match metadata.endpoint(name) {
                None => return Err(TracingError::RelationNotFound { endpoint: name.to_owned() }),
                Some((_, found)) if found.interface != interface => {
                    return Err(TracingError::RelationInterfaceMismatch {
                        endpoint: name.to_owned(),
                        expected: interface,
                        actual: found.interface.clone(),
                    });
                }
                Some((actual, _)) if actual != role => {
                    return Err(TracingError::RelationRoleMismatch {
                        endpoint: name.to_owned(),
                        expected: role,
                        actual,
                    });
                }
                Some((_, found)) => found.limit,
            },
            Err(error) => {
                log::warn!(
                    "cannot check the endpoint `{name}`, and take its limit to be 1: {}",
                    with_causes(&error)
                );
                Some(1)
            }
        };
        Ok(Self { dispatch: dispatch.clone(), name: name.to_owned(), limit })
    }

    pub(crate) fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The relation that `dispatch` is about and what happens to it (`created`, `changed`, ...), if it is one of this
    /// endpoint.
    pub(crate) fn event_of<'a>(&self, dispatch: &'a Dispatch) -> Option<(Relation, &'a str)> {
        let relation = Relation::from(dispatch.relation().ok().flatten()?);
        let of_endpoint = dispatch.event().strip_prefix(&self.name.replace('-', "_"))?;
        let event = of_endpoint.strip_prefix("_relation_")?;
        (relation.endpoint == self.name).then_some((relation, event))
    }

    /// The one relation of an endpoint with `limit: 1`.
    pub(crate) fn the_relation(&self) -> Result<Option<Relation>, TracingError> {
        if self.limit != Some(1) {
            return Err(TracingError::AmbiguousRelationUsage { endpoint: self.name.clone() });
        }
        self.ids()?.first().map(|id| self.relation(*id)).transpose()
    }

    pub(crate) fn relations(&self) -> Result<Vec<Relation>, TracingError> {
        self.ids()?.into_iter().map(|id| self.relation(id)).collect()
    }

    /// The relations that will still be there after this hook, by ascending id. Juju lists a relation in the hook that
    /// ends it, and lets its databag be read, but what is gone by the next hook is no relation (ops leaves it out, too).
    pub(crate) fn ids(&self) -> Result<Vec<u32>, TracingError> {
        let mut ids = unknown_as_default(self.dispatch.relation_ids(&self.name))?;
        ids.retain(|id| !self.is_broken(*id));
        Ok(ids)
    }

    pub(crate) fn relation(&self, id: u32) -> Result<Relation, TracingError> {
        let app = unknown_as_default(self.dispatch.relation_app(&self.name, id))?;
        Ok(Relation { id, endpoint: self.name.clone(), app })
    }

    /// The databag of the application at the other end.
    pub(crate) fn remote_app_data(&self, relation: &Relation) -> Result<Databag, TracingError> {
        let Some(app) = &relation.app else { return Ok(Databag::new()) };
        unknown_as_default(self.dispatch.relation_get_app(&self.name, relation.id, app))
    }

    /// What this application has published on a relation. Only its leader may know.
    pub(crate) fn published(&self, id: u32) -> Result<Databag, TracingError> {
        let own_app = self.dispatch.application()?;
        Ok(self.dispatch.relation_get_app(&self.name, id, own_app)?)
    }

    /// Publishes what is not published yet, which only the leader may; a relation that is gone is left alone.
    ///
    /// Texts are compared, not what they mean, so that text of another form is replaced: who reads it may know one form
    /// only.
    pub(crate) fn publish(&self, id: u32, data: &Databag) -> Result<(), TracingError> {
        let published = self.published(id)?;
        if self.dispatch.found_gone(id) || data.iter().all(|(key, value)| published.get(key) == Some(value)) {
            return Ok(());
        }
        match self.dispatch.relation_set_app(&self.name, id, data) {
            Err(error) if error.kind() == HookToolErrorKind::RelationGone => Ok(()),
            Err(error) if error.kind() == HookToolErrorKind::PermissionDenied => {
                Err(TracingError::DataAccessPermission)
            }
            written => Ok(written?),
        }
    }

    /// Publishes to all of these relations. One that fails does not keep the others from being told; the first failure
    /// is returned, the others are logged.
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

    /// Refuses a unit that is not the leader.
    pub(crate) fn must_lead(&self) -> Result<(), TracingError> {
        if self.dispatch.is_leader()? { Ok(()) } else { Err(TracingError::DataAccessPermission) }
    }

    /// Logs a message once per dispatch, however often the same is asked.
    pub(crate) fn say_once(&self, level: log::Level, message: &str) {
        if self.dispatch.is_news(message) {
            log::log!(level, "{message}");
        }
    }

    /// Whether this is the hook that ends the relation.
    fn is_broken(&self, id: u32) -> bool {
        self.event_of(&self.dispatch).is_some_and(|(relation, event)| relation.id == id && event == "broken")
    }
}

/// Nothing, where Juju does not let the unit know.
pub(crate) fn unknown_as_default<T: Default>(answer: Result<T, HookToolError>) -> Result<T, TracingError> {
    use HookToolErrorKind::{PermissionDenied, RestrictedContext};
    match answer {
        Err(error) if matches!(error.kind(), PermissionDenied | RestrictedContext) => {
            log::debug!("{}", with_causes(&error));
            Ok(T::default())
        }
        answer => Ok(answer?),
    }
}
