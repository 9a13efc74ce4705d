use log::Level;

use crate::config::LearnsEndpoint;
use crate::endpoint::RelationEndpoint;
use crate::error::with_causes;
use crate::juju::{Databag, Dispatch, Role};
use crate::wire::INTERFACE;
use crate::{ProviderAppData, ReceiverProtocol, Relation, RequirerAppData, TracingError, TracingEvent};

/// The side of the `tracing` interface that sends traces: it requests receivers from a backend, and reads their URLs.
///
/// The methods without a relation are for an endpoint with `limit: 1` in the metadata. For another limit they fail with
/// [`AmbiguousRelationUsage`](TracingError::AmbiguousRelationUsage), even if there is only one relation. The methods that
/// end in `_on` take a relation of [`relations`](Self::relations), and work for any limit.
///
/// # Cost
///
/// Each hook tool is a round trip to the unit's agent, so every answer is kept for the rest of the dispatch. If the
/// dispatch has a memory ([`Dispatch::with_relation_memory`], which `charm_tracing` uses), the answers are kept for later
/// dispatches as well, until an event says that they changed. The table counts all hook tools of a charm that asks for its
/// endpoint in every dispatch:
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
/// A changed request takes 1 more (`relation-set`). Without a memory, or in a new pod, where the memory's file is lost,
/// `relation-list` is needed as well, for the name of the backend's application. A memory keeps this name for as long as
/// the relation exists.
///
/// A tool that hangs is stopped after 10 s, or earlier if the dispatch's hook tools allow less. The tools after it may take
/// 1 s each.
///
/// # Strictness
///
/// In some cases the Python library raises an error, but this one returns `None`: there is no relation; the unit is not the
/// leader, so it cannot know which protocols were requested; or the protocol was given to the constructor, and replaced in
/// the same dispatch. A relation that is being removed, a hook in which Juju refuses nearly every tool (`collect-metrics`),
/// and invalid output of a tool mean "not ready". [`ProviderAppData`] lists the databags that only this crate can read.
#[derive(Clone, Debug)]
pub struct TracingEndpointRequirer {
    endpoint: RelationEndpoint,
    protocols: Vec<ReceiverProtocol>,
}

impl TracingEndpointRequirer {
    /// Creates the requirer side of the endpoint `relation_name` of the charm's metadata.
    ///
    /// If the unit is the leader, it requests `protocols` from every backend on the endpoint that has no such request yet.
    /// If this fails, the failure is logged and is not an error. Without protocols nothing is requested, and no hook tool
    /// is run.
    ///
    /// If the metadata cannot be read, this is logged, the endpoint is not checked, and its limit is assumed to be 1. It is
    /// not an error, because a charm that Juju has installed has metadata, and tracing should not make a hook fail.
    ///
    /// # Errors
    ///
    /// The metadata has no such endpoint, the endpoint has another interface than `tracing`, or it is not under `requires`.
    pub fn new(
        dispatch: &Dispatch,
        relation_name: &str,
        protocols: &[ReceiverProtocol],
    ) -> Result<Self, TracingError> {
        let endpoint = RelationEndpoint::new(dispatch, relation_name, INTERFACE, Role::Requires)?;
        let requirer = Self { endpoint: endpoint.that_only_waits(), protocols: protocols.to_vec() };
        if !protocols.is_empty() {
            requirer.publish_at_start();
        }
        Ok(requirer)
    }

    /// Returns the relations on the endpoint, by ascending id. A `relation-broken` hook does not list the relation that it
    /// ends.
    ///
    /// # Errors
    ///
    /// A hook tool fails.
    pub fn relations(&self) -> Result<Vec<Relation>, TracingError> {
        self.endpoint.relations()
    }

    /// Returns true if the backend has published its list of receivers, which may be empty.
    ///
    /// # Errors
    ///
    /// The endpoint's limit is not 1, or a hook tool fails.
    pub fn is_ready(&self) -> Result<bool, TracingError> {
        Ok(self.get_all_endpoints()?.is_some())
    }

    /// Returns true if the backend on this relation has published its list of receivers, which may be empty.
    ///
    /// # Errors
    ///
    /// A hook tool fails.
    pub fn is_ready_on(&self, relation: &Relation) -> Result<bool, TracingError> {
        Ok(self.get_all_endpoints_on(relation)?.is_some())
    }

    /// Returns the data that the backend has published; `None` while it has published none.
    ///
    /// # Errors
    ///
    /// The endpoint's limit is not 1, or a hook tool fails.
    pub fn get_all_endpoints(&self) -> Result<Option<ProviderAppData>, TracingError> {
        self.endpoint.the_relation()?.map_or(Ok(None), |relation| self.get_all_endpoints_on(&relation))
    }

    /// Returns the data that the backend on this relation has published; `None` while it has published none.
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
        match ProviderAppData::load_reporting(&databag, told) {
            Ok(data) => Ok(Some(data)),
            Err(error) => {
                let why = format!("{relation} is not ready: {}", with_causes(&error));
                if databag.is_empty() {
                    log::debug!("{why}");
                } else {
                    self.endpoint.say_once(Level::Warn, &why);
                }
                Ok(None)
            }
        }
    }

    /// Returns the URL to send traces to with this protocol; `None` while the backend has not published one.
    ///
    /// The protocol is a [`ReceiverProtocol`], or the name of one that is newer than this crate:
    ///
    /// ```no_run
    /// # use tracing_relation::{ReceiverProtocol, TracingEndpointRequirer, TracingError};
    /// # fn endpoints(tracing: &TracingEndpointRequirer) -> Result<(), TracingError> {
    /// let charm_traces = tracing.get_endpoint(ReceiverProtocol::OtlpHttp)?;
    /// let later = tracing.get_endpoint("otlp_arrow")?;
    /// # Ok(()) }
    /// ```
    ///
    /// A newer protocol cannot be requested, so there is only an endpoint if the backend publishes one without a request.
    ///
    /// # Errors
    ///
    /// The endpoint's limit is not 1, the protocol was never requested (which only the leader can tell), or a hook
    /// tool fails.
    pub fn get_endpoint(&self, protocol: impl AsRef<str>) -> Result<Option<String>, TracingError> {
        self.endpoint.the_relation()?.map_or(Ok(None), |relation| self.get_endpoint_on(protocol, &relation))
    }

    /// Returns the URL to send traces to with this protocol on this relation; `None` while the backend has not published
    /// one.
    ///
    /// If the backend has an endpoint for a protocol that this charm never requested, it is returned as well.
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
        let data = self.get_all_endpoints_on(relation)?;
        if let Some(receiver) = data.as_ref().and_then(|data| data.receiver(protocol)) {
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

    /// Requests these protocols from every backend on the endpoint, and replaces the earlier request. A relation that
    /// already has the same request is not written again.
    ///
    /// # Errors
    ///
    /// `protocols` is empty, the unit is not the leader, or a hook tool fails. A relation that is gone is not an error.
    pub fn request_protocols(&self, protocols: &[ReceiverProtocol]) -> Result<(), TracingError> {
        self.may_request(protocols)?;
        self.endpoint.publish_to_all(&self.endpoint.ids()?, &request(protocols))
    }

    /// Requests these protocols from the backend on this relation, and replaces the earlier request.
    ///
    /// # Errors
    ///
    /// The errors are those of [`request_protocols`](Self::request_protocols).
    pub fn request_protocols_on(
        &self,
        protocols: &[ReceiverProtocol],
        relation: &Relation,
    ) -> Result<(), TracingError> {
        self.may_request(protocols)?;
        self.endpoint.publish(relation.id, &request(protocols))
    }

    /// Returns the meaning of the event of `dispatch` for this endpoint; `None` if it has none.
    ///
    /// A `relation-changed` is an [`EndpointChanged`](TracingEvent::EndpointChanged) if the backend has published its
    /// receivers, new or not, and an [`EndpointRemoved`](TracingEvent::EndpointRemoved) if it has not. A `relation-broken`
    /// is always an `EndpointRemoved`. If a hook tool fails, this is logged, and `None` is returned.
    #[must_use]
    pub fn on(&self, dispatch: &Dispatch) -> Option<TracingEvent> {
        let (relation, event) = self.endpoint.event_of(dispatch)?;
        match event {
            "broken" => Some(TracingEvent::EndpointRemoved { relation }),
            "changed" => match self.endpoint.readable(&relation, self.get_all_endpoints_on(&relation))? {
                Some(data) => Some(TracingEvent::EndpointChanged { relation, receivers: data.receivers }),
                None => Some(TracingEvent::EndpointRemoved { relation }),
            },
            _ => None,
        }
    }

    /// Returns false only if it is certain that the protocol was never requested: the unit is the leader and could read the
    /// databag of its application, and the relation is not gone.
    fn may_have_requested(&self, protocol: &str, relation: &Relation) -> bool {
        // A name that this crate does not know cannot be requested, so its absence is not a mistake of the author.
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

    /// Publishes the request of the constructor, if the unit is the leader.
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

impl LearnsEndpoint for TracingEndpointRequirer {
    fn charm_endpoint(&self) -> Result<Option<String>, TracingError> {
        if self.is_ready()? { self.get_endpoint(ReceiverProtocol::OtlpHttp) } else { Ok(None) }
    }

    fn dispatch(&self) -> &Dispatch {
        self.endpoint.dispatch()
    }
}

fn request(protocols: &[ReceiverProtocol]) -> Databag {
    RequirerAppData::new(protocols).to_databag()
}
