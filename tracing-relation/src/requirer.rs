use log::Level;

use crate::endpoint::RelationEndpoint;
use crate::error::with_causes;
use crate::juju::{Databag, Dispatch, Role};
use crate::wire::INTERFACE;
use crate::{ProviderAppData, ReceiverProtocol, Relation, RequirerAppData, TracingError, TracingEvent};

/// The side of the `tracing` interface that sends traces: asks a backend for receivers, and learns where they are.
///
/// The methods without a relation are for an endpoint with `limit: 1` in the metadata; elsewhere they fail with
/// [`AmbiguousRelationUsage`](TracingError::AmbiguousRelationUsage), even if there is just one relation. The ones that
/// end in `_on` take a relation of [`relations`](Self::relations), and work for any limit.
///
/// # Cost
///
/// Each hook tool is a round trip to the unit's agent, so every answer is kept for the rest of the dispatch;
/// and if the dispatch has a memory ([`Dispatch::with_relation_memory`], as those of `charm_tracing` have), for later
/// dispatches as well, until an event says that it changed. These are the hook tools that are run in all, by a charm that
/// asks for its endpoint in every dispatch:
///
/// | dispatch | this crate | Python (`charmlibs-interfaces-tracing` 1.0.0, ops 3.9.0) |
/// |---|---|---|
/// | no relation, first dispatch | 1 | 2 |
/// | no relation, any other event | 0 | 2 |
/// | leader, `relation-created`: it asks | 5 | 6 |
/// | leader, `relation-changed`: the backend has answered | 4 | 7 |
/// | leader, any other event | **0** | 7 |
/// | leader, `start`: all is asked again | 4 | 7 |
/// | leader, any event in a new pod | 5 | 7 |
/// | leader, `relation-broken` | 1 | 4 |
/// | follower, `relation-created` | 3 | 4 |
/// | follower, `relation-changed`: the backend has answered | 3 | 4 |
/// | follower, any other event | **0** | 4 |
/// | follower, `start`: all is asked again | 3 | 4 |
/// | follower, any event in a new pod | 4 | 4 |
/// | follower, `relation-broken` | 1 | 4 |
///
/// A request that changed takes 1 more (`relation-set`). In a new pod, where the file of the memory is gone, and without a
/// memory at all, the name of the backend's application has to be asked for, too (`relation-list`); a memory keeps it for as
/// long as the relation.
///
/// A tool that hangs is given up after 10 s, or earlier if the dispatch's hook tools allow less, and the next ones after a
/// second.
///
/// # Strictness
///
/// In some cases the Python library raises an error where this one finds nothing: an endpoint asked for while there is
/// no relation, or by a unit that is not the leader, which cannot know what was requested, or by a protocol that was
/// given to the constructor and replaced in the same dispatch. Relations that are being
/// removed, hooks in which Juju refuses nearly every tool (`collect-metrics`), and output of a tool that nobody can
/// understand, are "not ready".
/// [`ProviderAppData`] says which databags are readable here alone.
#[derive(Clone, Debug)]
pub struct TracingEndpointRequirer {
    endpoint: RelationEndpoint,
    protocols: Vec<ReceiverProtocol>,
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
            endpoint: RelationEndpoint::new(dispatch, relation_name, INTERFACE, Role::Requires)?,
            protocols: protocols.to_vec(),
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
        self.endpoint.relations()
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
        self.endpoint.the_relation()?.map_or(Ok(None), |relation| self.get_all_endpoints_on(&relation))
    }

    /// What the backend on this relation has published; `None` while it has not.
    ///
    /// # Errors
    ///
    /// A hook tool fails.
    pub fn get_all_endpoints_on(&self, relation: &Relation) -> Result<Option<ProviderAppData>, TracingError> {
        if relation.app.is_none() {
            return Ok(None);
        }
        let databag = self.endpoint.remote_app_data(relation)?;
        let told = |ignored: &str| self.endpoint.say_once(Level::Debug, &format!("{relation}: {ignored}"));
        match ProviderAppData::load_and_tell(&databag, told) {
            Ok(data) => Ok(Some(data)),
            Err(error) if databag.is_empty() => {
                log::debug!("{relation} is not ready: {}", with_causes(&error));
                Ok(None)
            }
            Err(error) => {
                self.endpoint
                    .say_once(Level::Warn, &format!("{relation} is not ready: {}", with_causes(&error)));
                Ok(None)
            }
        }
    }

    /// Where to send traces to by this protocol; `None` while the backend has not said so.
    ///
    /// A [`ReceiverProtocol`], or the name of one that is newer than this crate:
    ///
    /// ```no_run
    /// # use tracing_relation::{ReceiverProtocol, TracingEndpointRequirer, TracingError};
    /// # fn endpoints(tracing: &TracingEndpointRequirer) -> Result<(), TracingError> {
    /// let charm_traces = tracing.get_endpoint(ReceiverProtocol::OtlpHttp)?;
    /// let later = tracing.get_endpoint("otlp_arrow")?;
    /// # Ok(()) }
    /// ```
    ///
    /// Such a name cannot be requested, so there is only an endpoint if the backend publishes one of its own accord.
    ///
    /// # Errors
    ///
    /// The endpoint's limit is not 1, the protocol was never requested (which only the leader can tell), or a hook
    /// tool fails.
    pub fn get_endpoint(&self, protocol: impl AsRef<str>) -> Result<Option<String>, TracingError> {
        self.endpoint.the_relation()?.map_or(Ok(None), |relation| self.get_endpoint_on(protocol, &relation))
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
        protocol: impl AsRef<str>,
        relation: &Relation,
    ) -> Result<Option<String>, TracingError> {
        let protocol = protocol.as_ref();
        if let Some(data) = self.get_all_endpoints_on(relation)?
            && let Some(receiver) = data.receiver(protocol)
        {
            return Ok(Some(receiver.url.clone()));
        }
        if self.may_have_requested(protocol, relation) {
            Ok(None)
        } else {
            Err(TracingError::ProtocolNotRequested {
                protocol: protocol.to_owned(),
                relation: relation.clone(),
            })
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
        self.endpoint.publish_to_all(&self.endpoint.ids()?, &request(protocols))
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
        self.endpoint.publish(relation.id, &request(protocols))
    }

    /// What the event that `dispatch` is for means to this endpoint; `None` if nothing.
    ///
    /// A `relation-changed` is an [`EndpointChanged`](TracingEvent::EndpointChanged) each time that there are
    /// receivers, whether they are new or not, and else an [`EndpointRemoved`](TracingEvent::EndpointRemoved), as a
    /// `relation-broken` always is. If a hook tool fails, that is logged, and nothing is known to have changed.
    #[must_use]
    pub fn on(&self, dispatch: &Dispatch) -> Option<TracingEvent> {
        let (relation, event) = self.endpoint.event_of(dispatch)?;
        match event {
            "broken" => Some(TracingEvent::EndpointRemoved { relation }),
            "changed" => match self.get_all_endpoints_on(&relation) {
                Ok(Some(data)) => Some(TracingEvent::EndpointChanged { relation, receivers: data.receivers }),
                Ok(None) => Some(TracingEvent::EndpointRemoved { relation }),
                Err(error) => {
                    self.endpoint.cannot_be_read(&relation, &error);
                    None
                }
            },
            _ => None,
        }
    }

    pub(crate) fn dispatch(&self) -> &Dispatch {
        self.endpoint.dispatch()
    }

    /// False only if it is certain that the protocol was never requested: the unit is the leader and could read what
    /// the application has published, and the relation is not gone.
    fn may_have_requested(&self, protocol: &str, relation: &Relation) -> bool {
        // A name that is not known here cannot have been requested, by nobody's mistake.
        let Ok(protocol) = protocol.parse::<ReceiverProtocol>() else { return true };
        if self.protocols.contains(&protocol) || !self.dispatch().is_leader().unwrap_or(false) {
            return true;
        }
        match self.endpoint.published(relation.id) {
            Ok(published) => {
                let requested = RequirerAppData::load(&published).unwrap_or_default();
                requested.receivers.contains(&protocol) || self.dispatch().found_gone(relation.id)
            }
            Err(error) => {
                log::debug!("cannot tell what was requested on {relation}: {}", with_causes(&error));
                true
            }
        }
    }

    fn may_request(&self, protocols: &[ReceiverProtocol]) -> Result<(), TracingError> {
        if protocols.is_empty() { Err(TracingError::NoProtocols) } else { self.endpoint.must_lead() }
    }

    /// Requests the protocols of a leader that was just constructed.
    fn publish_at_start(&self) {
        let published = || {
            let (ids, request) = (self.endpoint.ids()?, request(&self.protocols));
            if ids.is_empty()
                || self.endpoint.is_known_to_be_published(&ids, &request)
                || !self.endpoint.leads()?
            {
                return Ok(());
            }
            self.endpoint.publish_to_all(&ids, &request)
        };
        if let Err::<(), TracingError>(error) = published() {
            log::warn!(
                "cannot request tracing protocols on `{}`: {}",
                self.endpoint.name(),
                with_causes(&error)
            );
        }
    }
}

fn request(protocols: &[ReceiverProtocol]) -> Databag {
    RequirerAppData::new(protocols).to_databag()
}
