use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::with_causes;
use crate::juju::{Databag, Dispatch, HookToolError, HookToolErrorKind, Role};
use crate::{ProviderAppData, ReceiverProtocol, Relation, RequirerAppData, TracingError, TracingEvent};

const INTERFACE: &str = "tracing";

/// The side of the `tracing` interface that sends traces: asks a backend for receivers, and learns where they are.
///
/// The methods without a relation are for an endpoint with `limit: 1` in the metadata; elsewhere they fail with
/// [`AmbiguousRelationUsage`](TracingError::AmbiguousRelationUsage), even if there is just one relation. The ones that
/// end in `_on` take a relation of [`relations`](Self::relations), and work for any limit.
///
/// # Cost
///
/// Each hook tool is a process, so every answer is kept for the rest of the dispatch. Construction and all reads
/// together take, in the hooks of the relation, 3 tools (`relation-ids`, `is-leader`, `relation-get` of the backend's
/// databag), and on the leader 1 more to compare what it has published and 1 only if that has to change. Other
/// hooks need another (`relation-list`) for the backend's name. Without a relation, there is 1 tool in all.
///
/// # Strictness
///
/// In some cases the Python library raises an error where this one finds nothing: an endpoint asked for while there is
/// no relation, or by a unit that is not the leader, which cannot know what was requested. Relations that are being
/// removed, and hooks in which Juju refuses nearly every tool (`collect-metrics`), are "not ready".
/// [`ProviderAppData`] says which databags are readable here alone.
#[derive(Clone, Debug)]
pub struct TracingEndpointRequirer {
    dispatch: Dispatch,
    endpoint: String,
    protocols: Vec<ReceiverProtocol>,
    single: bool,
    warned: Arc<AtomicBool>,
}

impl TracingEndpointRequirer {
    /// The requirer side of the endpoint `relation_name` of the charm's metadata.
    ///
    /// If the unit is the leader, it requests `protocols` from every backend on the endpoint, unless they already are.
    /// A failure to do so is logged and no error. With no protocols nothing is requested, and no hook tool is run.
    ///
    /// Where the metadata cannot be read, that is logged, the endpoint is not checked, and its limit is taken to be 1:
    /// a charm that Juju has installed has metadata, and tracing is no reason for a hook to fail.
    ///
    /// # Errors
    ///
    /// The metadata has no such endpoint, or it has another interface than `tracing`, or it is not under `requires`.
    pub fn new(
        dispatch: &Dispatch,
        relation_name: &str,
        protocols: &[ReceiverProtocol],
    ) -> Result<Self, TracingError> {
        let requirer = Self {
            dispatch: dispatch.clone(),
            endpoint: relation_name.to_owned(),
            protocols: protocols.to_vec(),
            single: limits_to_one(dispatch, relation_name)?,
            warned: Arc::default(),
        };
        if !protocols.is_empty() {
            requirer.publish_at_start();
        }
        Ok(requirer)
    }

    /// The relations on the endpoint, by ascending id. In a `relation-broken` hook, the one that it ends is not among
    /// them.
    ///
    /// # Errors
    ///
    /// A hook tool fails.
    pub fn relations(&self) -> Result<Vec<Relation>, TracingError> {
        self.ids()?.into_iter().map(|id| self.relation(id)).collect()
    }

    /// Whether a backend has published its receivers, of which there may be none.
    ///
    /// # Errors
    ///
    /// The endpoint's limit is not 1, or a hook tool fails.
    pub fn is_ready(&self) -> Result<bool, TracingError> {
        Ok(self.get_all_endpoints()?.is_some())
    }

    /// Whether the backend on this relation has published its receivers, of which there may be none.
    ///
    /// # Errors
    ///
    /// A hook tool fails.
    pub fn is_ready_on(&self, relation: &Relation) -> Result<bool, TracingError> {
        Ok(self.get_all_endpoints_on(relation)?.is_some())
    }

    /// What the backend has published; `None` while it has not.
    ///
    /// # Errors
    ///
    /// The endpoint's limit is not 1, or a hook tool fails.
    pub fn get_all_endpoints(&self) -> Result<Option<ProviderAppData>, TracingError> {
        self.the_relation()?.map_or(Ok(None), |relation| self.get_all_endpoints_on(&relation))
    }

    /// What the backend on this relation has published; `None` while it has not.
    ///
    /// # Errors
    ///
    /// A hook tool fails.
    pub fn get_all_endpoints_on(&self, relation: &Relation) -> Result<Option<ProviderAppData>, TracingError> {
        let Some(app) = &relation.app else { return Ok(None) };
        let databag = match self.dispatch.relation_get_app(&relation.endpoint, relation.id, app) {
            Err(error) if error.kind() == HookToolErrorKind::InvalidOutput => {
                self.warn_once(&format!("{relation} is not ready: {}", with_causes(&error)));
                return Ok(None);
            }
            databag => not_ready_as_default(databag)?,
        };
        match ProviderAppData::load(&databag) {
            Ok(data) => Ok(Some(data)),
            Err(error) if databag.is_empty() => {
                log::debug!("{relation} is not ready: {}", with_causes(&error));
                Ok(None)
            }
            Err(error) => {
                self.warn_once(&format!("{relation} is not ready: {}", with_causes(&error)));
                Ok(None)
            }
        }
    }

    /// Where to send traces to by this protocol; `None` while the backend has not said so.
    ///
    /// # Errors
    ///
    /// The endpoint's limit is not 1, the protocol was never requested (which only the leader can tell), or a hook
    /// tool fails.
    pub fn get_endpoint(&self, protocol: ReceiverProtocol) -> Result<Option<String>, TracingError> {
        self.the_relation()?.map_or(Ok(None), |relation| self.get_endpoint_on(protocol, &relation))
    }

    /// Where to send traces to by this protocol on this relation; `None` while the backend has not said so.
    ///
    /// The endpoint of a protocol that this charm never requested is returned all the same if the backend has one.
    ///
    /// # Errors
    ///
    /// The protocol was never requested (which only the leader can tell), or a hook tool fails.
    pub fn get_endpoint_on(
        &self,
        protocol: ReceiverProtocol,
        relation: &Relation,
    ) -> Result<Option<String>, TracingError> {
        if let Some(data) = self.get_all_endpoints_on(relation)?
            && let Some(receiver) = data.receiver(protocol)
        {
            return Ok(Some(receiver.url.clone()));
        }
        if self.may_have_requested(protocol, relation) {
            Ok(None)
        } else {
            Err(TracingError::ProtocolNotRequested { protocol, relation: relation.id })
        }
    }

    /// Requests these protocols, instead of what was requested before, from every backend on the endpoint. Backends
    /// that were asked for the same are not asked again.
    ///
    /// # Errors
    ///
    /// `protocols` is empty, the unit is not the leader, or a hook tool fails. A relation that is gone is no error.
    pub fn request_protocols(&self, protocols: &[ReceiverProtocol]) -> Result<(), TracingError> {
        self.may_request(protocols)?;
        self.ids()?.into_iter().try_for_each(|id| self.publish(id, protocols))
    }

    /// Requests these protocols, instead of what was requested before, from the backend on this relation.
    ///
    /// # Errors
    ///
    /// As for [`request_protocols`](Self::request_protocols).
    pub fn request_protocols_on(
        &self,
        protocols: &[ReceiverProtocol],
        relation: &Relation,
    ) -> Result<(), TracingError> {
        self.may_request(protocols)?;
        self.publish(relation.id, protocols)
    }

    /// What the event that `dispatch` is for means to this endpoint; `None` if nothing.
    ///
    /// A `relation-changed` is an [`EndpointChanged`](TracingEvent::EndpointChanged) each time that there are
    /// receivers, whether they are new or not, and else an [`EndpointRemoved`](TracingEvent::EndpointRemoved), as a
    /// `relation-broken` always is. If a hook tool fails, that is logged, and nothing is known to have changed.
    #[must_use]
    pub fn on(&self, dispatch: &Dispatch) -> Option<TracingEvent> {
        let relation = Relation::from(dispatch.relation().ok().flatten()?);
        if relation.endpoint != self.endpoint {
            return None;
        }
        match dispatch.event().strip_prefix(&self.endpoint.replace('-', "_"))? {
            "_relation_broken" => Some(TracingEvent::EndpointRemoved { relation }),
            "_relation_changed" => match self.get_all_endpoints_on(&relation) {
                Ok(Some(data)) => Some(TracingEvent::EndpointChanged { relation, receivers: data.receivers }),
                Ok(None) => Some(TracingEvent::EndpointRemoved { relation }),
                Err(error) => {
                    self.warn_once(&format!("{relation} cannot be read: {}", with_causes(&error)));
                    None
                }
            },
            _ => None,
        }
    }

    pub(crate) fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// The one relation of an endpoint with `limit: 1`.
    fn the_relation(&self) -> Result<Option<Relation>, TracingError> {
        if !self.single {
            return Err(TracingError::AmbiguousRelationUsage { endpoint: self.endpoint.clone() });
        }
        self.ids()?.first().map(|id| self.relation(*id)).transpose()
    }

    fn relation(&self, id: u32) -> Result<Relation, TracingError> {
        let app = not_ready_as_default(self.dispatch.relation_app(&self.endpoint, id))?;
        Ok(Relation { id, endpoint: self.endpoint.clone(), app })
    }

    /// The relations that will still be there after this hook. Juju lists a relation in the hook that ends it, and
    /// lets its databag be read, but a backend that is gone by the next hook is none (ops leaves it out, too).
    fn ids(&self) -> Result<Vec<u32>, TracingError> {
        let mut ids = not_ready_as_default(self.dispatch.relation_ids(&self.endpoint))?;
        ids.retain(|id| !self.is_broken(*id));
        Ok(ids)
    }

    /// Whether this is the hook that ends the relation.
    fn is_broken(&self, id: u32) -> bool {
        self.dispatch.event().ends_with("_relation_broken")
            && self
                .dispatch
                .relation()
                .is_ok_and(|relation| relation.is_some_and(|relation| relation.id == id))
    }

    /// False only if it is certain that the protocol was never requested: the unit is the leader and could read what
    /// the application has published, and the relation is not gone.
    fn may_have_requested(&self, protocol: ReceiverProtocol, relation: &Relation) -> bool {
        if self.protocols.contains(&protocol) || !self.dispatch.is_leader().unwrap_or(false) {
            return true;
        }
        match self.published(relation.id) {
            Ok(published) => {
                let requested = RequirerAppData::load(&published).unwrap_or_default();
                requested.receivers.contains(&protocol) || self.dispatch.found_gone(relation.id)
            }
            Err(error) => {
                log::debug!("cannot tell what was requested on {relation}: {}", with_causes(&error));
                true
            }
        }
    }

    fn published(&self, id: u32) -> Result<Databag, TracingError> {
        let own_app = self.dispatch.application()?;
        Ok(self.dispatch.relation_get_app(&self.endpoint, id, own_app)?)
    }

    fn may_request(&self, protocols: &[ReceiverProtocol]) -> Result<(), TracingError> {
        if protocols.is_empty() {
            Err(TracingError::NoProtocols)
        } else if self.dispatch.is_leader()? {
            Ok(())
        } else {
            Err(TracingError::DataAccessPermission)
        }
    }

    /// Requests the protocols of a leader that was just constructed. One relation that fails does not keep the others
    /// from being asked.
    fn publish_at_start(&self) {
        let complain = |error: &TracingError| {
            log::warn!("cannot request tracing protocols on `{}`: {}", self.endpoint, with_causes(error));
        };
        let ids = match self.ids() {
            Ok(ids) => ids,
            Err(error) => return complain(&error),
        };
        if ids.is_empty() {
            return;
        }
        match self.dispatch.is_leader() {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return complain(&error.into()),
        }
        for id in ids {
            if let Err(error) = self.publish(id, &self.protocols) {
                complain(&error);
            }
        }
    }

    /// Writes what is not written yet. Texts are compared, not lists, so that text of another form is replaced: a
    /// backend in Python may not read it.
    fn publish(&self, id: u32, protocols: &[ReceiverProtocol]) -> Result<(), TracingError> {
        let request = RequirerAppData::new(protocols).to_databag();
        let published = self.published(id)?;
        if self.dispatch.found_gone(id)
            || request.iter().all(|(key, value)| published.get(key) == Some(value))
        {
            return Ok(());
        }
        match self.dispatch.relation_set_app(&self.endpoint, id, &request) {
            Err(error) if error.kind() == HookToolErrorKind::RelationGone => Ok(()),
            Err(error) if error.kind() == HookToolErrorKind::PermissionDenied => {
                Err(TracingError::DataAccessPermission)
            }
            written => Ok(written?),
        }
    }

    /// Warns once per dispatch, however often the same is asked.
    fn warn_once(&self, message: &str) {
        if self.warned.swap(true, Ordering::Relaxed) {
            log::debug!("{message}");
        } else {
            log::warn!("{message}");
        }
    }
}

/// Checks the endpoint in the charm's metadata, and whether it is limited to one relation.
fn limits_to_one(dispatch: &Dispatch, name: &str) -> Result<bool, TracingError> {
    let metadata = match dispatch.metadata() {
        Ok(metadata) => metadata,
        Err(error) => {
            log::warn!(
                "cannot check the endpoint `{name}`, and take its limit to be 1: {}",
                with_causes(&error)
            );
            return Ok(true);
        }
    };
    let endpoint = name.to_owned();
    match metadata.endpoint(name) {
        None => Err(TracingError::RelationNotFound { endpoint }),
        Some((_, found)) if found.interface != INTERFACE => Err(TracingError::RelationInterfaceMismatch {
            endpoint,
            expected: INTERFACE,
            actual: found.interface.clone(),
        }),
        Some((Role::Requires, found)) => Ok(found.limit == Some(1)),
        Some((actual, _)) => {
            Err(TracingError::RelationRoleMismatch { endpoint, expected: Role::Requires, actual })
        }
    }
}

/// Nothing, where Juju does not let the unit know.
fn not_ready_as_default<T: Default>(answer: Result<T, HookToolError>) -> Result<T, TracingError> {
    use HookToolErrorKind::{PermissionDenied, RestrictedContext};
    match answer {
        Err(error) if matches!(error.kind(), PermissionDenied | RestrictedContext) => {
            log::debug!("{}", with_causes(&error));
            Ok(T::default())
        }
        answer => Ok(answer?),
    }
}
